"""The list of earlier runs, and what is known of each."""

from telme_gui.training.runs.panel import Runs

__all__ = ["Runs"]
