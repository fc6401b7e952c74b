"""What the window has of the machine: Python's collector, Ctrl+C, the screen."""
