"""Scheduled export of block-storage volumes as images, and their cleanup."""
