"""Judging, announcing and deleting images."""
