"""Trying a cloud out: one small volume there and back, and what it showed."""
