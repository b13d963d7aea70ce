"""How a fleet stands: one view of it, for the terminal and for the page."""
