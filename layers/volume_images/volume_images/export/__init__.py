"""Exporting volumes as images: from a trigger to a report."""
