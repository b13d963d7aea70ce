"""Many simulated years, on every core: `python -m tests.faults.many_years --years 1000`.

Each broken rule is told with the command that shows it again. A year often waits for one of its own
threads: two years to a core keep it at work.
"""

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.faults.years.living import live
from tests.faults.years.year import Year, told
from volume_images.cold_start import over


def lived(seed: int, days: int) -> tuple[str, Counter[str]]:
    """Live through one year; return what to tell of a broken one, and what was tried."""
    year = live(Year(seed, days))
    tried = Counter(
        {
            "simulated days": days,
            "faults injected": year.struck,
            "crash points": year.counts["killed"],
            "violations": len(year.violations),
        }
    )
    return told(year) if year.violations else "", tried


def main(arguments: list[str]) -> int:
    """Simulate them, and add up what was tried; exit code 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.many_years", description=__doc__)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--days", type=int, default=365, help="of each")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    seeds = list(range(options.first, options.first + options.years))
    seeds.sort(key=lambda seed: seed % 10 != 0)  # those that discover volumes take longest
    total: Counter[str] = Counter()
    # They collect garbage as seldom as the functions do: that takes a tenth off a year.
    with ProcessPoolExecutor(options.jobs, initializer=over, initargs=(None,)) as pool:
        for broken, tried in pool.map(lived, seeds, [options.days] * len(seeds)):
            total.update(tried)
            if broken:
                sys.stdout.write(f"{broken}\n")
                sys.stdout.flush()
    names = ("simulated days", "faults injected", "crash points", "violations")
    sys.stdout.write(", ".join(f"{total[name]:,} {name}" for name in names) + "\n")
    return 1 if total["violations"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
