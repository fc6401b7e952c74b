"""The three stages of training, from the plan to the step."""
