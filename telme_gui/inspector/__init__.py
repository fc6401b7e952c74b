"""The inspector: what each modality said of the current turn, how far the fusion moved it, and what if."""

from telme_gui.inspector.panel import Inspector

__all__ = ["Inspector"]
