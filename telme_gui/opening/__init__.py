"""A corpus and a run are opened, in the background, and the clips looked through."""
