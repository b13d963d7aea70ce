"""Simulated years: the real runs on a virtual clock, against clouds and a store in memory.

    python -m tests.faults.years --seed 7 --days 365

A seed tells everything that happens; the same one always tells the same year.
"""
