"""What there is to look at: seasons, dialogues and turns, filtered and searched."""
