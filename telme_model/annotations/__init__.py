"""What people add to a corpus: labels in layers, kept beside it and never in it."""
