"""Corpora of conversations: what a dialogue is, and one reader per source."""
