"""TelME: corpora, media, networks, training, prediction and analysis of emotion in conversation, without a window."""

__version__ = "0.2.0"
