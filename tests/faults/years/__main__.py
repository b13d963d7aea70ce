"""Simulate one year, and say what became of it; exit code 1 when a rule was broken."""

import argparse
import sys

from tests.faults.years.living import live
from tests.faults.years.year import Year, told


def main(arguments: list[str]) -> int:
    """Simulate the year that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.years", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--days", type=int, default=365)
    options = parser.parse_args(arguments)
    year = live(Year(options.seed, options.days))
    sys.stdout.write(f"{told(year)}\n")
    return 1 if year.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
