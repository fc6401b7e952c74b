"""The dialogue along its time: who spoke, what was felt and predicted, how far it was moved, and how it sounded."""

from telme_gui.timeline.timeline import Timeline

__all__ = ["Timeline"]
