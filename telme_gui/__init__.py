"""The window of TelME Studio."""
