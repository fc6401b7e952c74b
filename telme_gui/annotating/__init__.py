"""Annotating: the hands that label, the bar, the queues, what annotators agree on, and files in and out."""
