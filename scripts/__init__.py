"""What the Make targets run before the project's own environment exists: the standard library only."""
