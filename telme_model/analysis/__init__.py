"""What predictions are worth: scores with intervals, contributions of each modality."""
