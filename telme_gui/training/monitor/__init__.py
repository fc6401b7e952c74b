"""The run monitor: phases, figures, curves and log of the run in hand, and what it came to."""

from telme_gui.training.monitor.panel import Monitor

__all__ = ["Monitor"]
