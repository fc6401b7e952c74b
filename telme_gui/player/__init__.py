"""The player: a dialogue as one film of its turns' clips."""

from telme_gui.player.panel import PlayerPanel

__all__ = ["PlayerPanel"]
