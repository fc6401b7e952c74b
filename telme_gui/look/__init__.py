"""How it looks: colours, type, chips, icons, keys as they are written, and the settings behind them."""
