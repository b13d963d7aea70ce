"""Fuzz everything that reads what others wrote.

    python -m tests.security.fuzz_run --inputs 100000    what `make test-fuzz` does
    python -m tests.security.fuzz_run --replay config:1234    one input again, with its traceback

An input is made of its target's name and its number alone, so that each can be made again.
"""

import argparse
import faulthandler
import logging
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.security.fuzz_targets import TARGETS

# For one input. A usual one takes some milliseconds; the worst that is known, a schedule of every
# minute whose images of a year are reckoned for a quota, some seconds.
CPU_SECONDS = 20
WALL_SECONDS = 120
CHUNK = 500
MOST_SHOWN = 20


class Hang(BaseException):
    """One input took too long. No `except Exception` of the product may swallow it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that did what it must not."""

    target: str
    number: int
    kind: str
    says: str

    def __str__(self) -> str:
        again = f"python -m tests.security.fuzz_run --replay {self.target}:{self.number}"
        return f"{self.says}\n    {again}"


@dataclass(slots=True)
class Tally:
    """What became of a chunk of inputs."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


def try_input(target: str, number: int) -> bool:
    """Make one input and try it; True when it was accepted."""
    return TARGETS[target].try_one(Random(f"{target}:{number}"))  # noqa: S311 - for tests


def try_chunk(target: str, numbers: range) -> Tally:
    """Try inputs one by one, each under the watchdog."""
    tally = Tally()
    for number in numbers:
        try:
            with watched():
                accepted = try_input(target, number)
            tally.counts["accepted" if accepted else "refused"] += 1
        except Hang:
            tally.failures.append(Failure(target, number, "hang", f"longer than {CPU_SECONDS} s"))
        except Exception as error:  # noqa: BLE001 - any error that is not ours is what is sought
            tally.failures.append(Failure(target, number, *_told(error)))
    return tally


@contextmanager
def watched() -> Iterator[None]:
    """Raise Hang after so much processor time; end the process if it does not even listen."""
    signal.signal(signal.SIGPROF, _hang)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    faulthandler.dump_traceback_later(WALL_SECONDS, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


def chunks(inputs: int, only: str | None, first: int) -> Iterator[tuple[str, range]]:
    """Share the inputs out among the targets."""
    chosen = {name: target for name, target in TARGETS.items() if only in (None, name)}
    shares = sum(target.share for target in chosen.values())
    for name, target in chosen.items():
        count = inputs * target.share // shares
        for start in range(first, first + count, CHUNK):
            yield name, range(start, min(start + CHUNK, first + count))


def _hang(_signal: int, _frame: object) -> None:
    raise Hang


def _told(error: Exception) -> tuple[str, str]:
    """Name the kind of an error, by where it comes from, and tell of it."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = str(error).encode("ascii", "backslashreplace").decode()[:200]
    kind = f"{type(error).__name__} at {where.filename}:{where.lineno}"
    return kind, f"{kind}: {text}"


def main(arguments: Sequence[str]) -> int:
    """Fuzz, count, and tell every failure with the command that repeats it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--only", choices=sorted(TARGETS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--replay", metavar="TARGET:NUMBER")
    asked = parser.parse_args(arguments)
    if asked.replay:
        target, _, number = asked.replay.partition(":")
        sys.stdout.write(f"accepted: {try_input(target, int(number))}\n")
        return 0
    began = time.monotonic()
    work = [*chunks(asked.inputs, asked.only, asked.first)]
    silent = (logging.CRITICAL,)
    with ProcessPoolExecutor(asked.jobs, initializer=logging.disable, initargs=silent) as pool:
        tallies = [*pool.map(try_chunk, *zip(*work, strict=True))]
    counts: dict[str, Counter[str]] = {}
    for (target, _), tally in zip(work, tallies, strict=True):
        counts.setdefault(target, Counter()).update(tally.counts)
    failures = [failure for tally in tallies for failure in tally.failures]
    alike = Counter((failure.target, failure.kind) for failure in failures)
    firsts = {(failure.target, failure.kind): failure for failure in reversed(failures)}
    for kind, failure in [*firsts.items()][:MOST_SHOWN]:
        sys.stdout.write(f"{alike[kind]} x {failure}\n")
    for target, count in counts.items():
        line = f"{target:14} {count.total():7,} inputs, {count['accepted']:7,} accepted\n"
        sys.stdout.write(line)
    total = sum(count.total() for count in counts.values()) + len(failures)
    seconds = time.monotonic() - began
    sys.stdout.write(f"{total:,} inputs in {seconds:.0f} s, {len(failures)} failures\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
