"""What a trained run says of turns, and what it would say if."""
