"""Judging a million images, against the least that any planner in Python has to do.

The floor reads each image's time, makes a frozen object of it, groups these and sorts each group.
Judging does the same, and gives every image its verdict with all reasons. Both start from the same
rows and run in turns in this process, with the collector frozen; their CPU times are compared.
"""

import argparse
import gc
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from uuid import UUID

from tests.benchmarks.peak import peak_bytes
from volume_images.retention.judging import Candidate, Verdict, judge
from volume_images.retention.rules import RetentionRules

GOAL = 2.0
MOST_MIB = 1024
GROUP_SIZE = 100
NEWEST = datetime(2026, 3, 2, 2, tzinfo=UTC)
ZONE = "Europe/Berlin"
RULES = RetentionRules(
    keep_last=3, keep_hourly=24, keep_daily=7, keep_weekly=4, keep_monthly=12, keep_yearly=3
)

Row = tuple[str, str, str]
"""An image as a listing tells of it: id, time, group."""

Groups = dict[str, list[Candidate]]


def listing(groups: int) -> list[Row]:
    """Return the nightly images of many volumes, newest first, as Glance lists them."""
    return [
        (str(UUID(int=(night * groups + group) * 104_729)), _spelled(night), f"volume-{group}")
        for night in range(GROUP_SIZE)
        for group in range(groups)
    ]


def _spelled(night: int) -> str:
    return f"{NEWEST - timedelta(days=night):%Y-%m-%dT%H:%M:%SZ}"


def grouped(rows: Sequence[Row]) -> Groups:
    groups: Groups = defaultdict(list)
    for image_id, text, group in rows:
        at = datetime.fromisoformat(text)
        groups[group].append(Candidate(id=image_id, time=at, created_at=at))
    return groups


def floor(rows: Sequence[Row]) -> Groups:
    groups = grouped(rows)
    for images in groups.values():
        images.sort(key=attrgetter("time", "id"), reverse=True)
    return groups


def judged(rows: Sequence[Row]) -> list[tuple[Verdict, ...]]:
    now = NEWEST + timedelta(hours=1)
    return [judge(images, RULES, timezone=ZONE, now=now) for images in grouped(rows).values()]


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    result = work()
    took = time.process_time() - began
    del result  # outside of what is measured
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="end with one line for programs")
    options = parser.parse_args()

    rows = listing(options.groups)
    assert all(verdict.reasons for group in judged(rows[:100_000]) for verdict in group)
    gc.collect()
    gc.freeze()
    gc.disable()
    say(f"{len(rows):,} images in {options.groups:,} groups, CPU seconds:")
    rounds = [
        (cpu_seconds(lambda: floor(rows)), cpu_seconds(lambda: judged(rows)))
        for _ in range(options.rounds)
    ]
    for least, whole in rounds:
        say(f"floor {least:6.2f}   judged {whole:6.2f}   ratio {whole / least:.2f}")
    ratio = min(whole for _, whole in rounds) / min(least for least, _ in rounds)
    memory = peak_bytes() // 2**20
    say(f"best against best {ratio:.2f} (at most {GOAL}), {memory} MiB (at most {MOST_MIB})")
    if options.json:
        best = [min(each) for each in zip(*rounds, strict=True)]
        say(json.dumps({"floor": best[0], "judged": best[1], "mib": memory}))
    return 0 if ratio <= GOAL and memory <= MOST_MIB else 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
