"""Training from a dialog: what to train, the thread that does it, its monitor, and the list of runs.

Nothing is imported here: the session owns the trainer, and the panels import the session.
"""
