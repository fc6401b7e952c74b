"""The training dialog: what is trained, what it costs, and why it cannot start."""

from telme_gui.training.dialog.dialog import TrainingDialog

__all__ = ["TrainingDialog"]
