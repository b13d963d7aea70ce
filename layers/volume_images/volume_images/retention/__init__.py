"""Which images stay, and why."""
