"""Everything measured in one run: a table, the same as JSON, and a plot beside it.

    python -m tests.benchmarks          # all of it, in under 20 minutes
    python -m tests.benchmarks --quick  # in under 2: fails if a count misses its goal

Times depend on the machine and are only told; what is counted is the same everywhere.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import (
    core_rows,
    cost_rows,
    function_rows,
    http_rows,
    layer_rows,
    memory_size,
    peer_rows,
    planning_peers,
)
from tests.benchmarks.plotted import plot
from tests.benchmarks.start_rows import start_rows, with_bytecode
from tests.benchmarks.table import MISSED, Row, shown, write_json
from tests.benchmarks.throttled import HIGH, LOW, RIGHT
from tests.runtime.builds import Places

Measure = Callable[[], list[Row]]

THROTTLED = (
    (10, 150, (RIGHT,)),
    *((rate, 1_000, (RIGHT, HIGH, LOW)) for rate in (5, 20, 100)),
)


def quick(places: Places, folder: Path) -> Sequence[Measure]:
    """Return what CI measures."""
    return (
        partial(http_rows.count_rows, 2_500, 32),
        partial(function_rows.idle_rows, places, folder / "log", 10, 100),
        layer_rows.layer_rows,
        partial(start_rows, places, folder, 3),
        partial(core_rows.slot_rows, 400, 40),
        partial(core_rows.planning_rows, 1_000, 3),
        partial(core_rows.decoding_rows, 3),
        partial(core_rows.throttled_rows, ((10, 150, (RIGHT,)), (20, 300, (RIGHT, HIGH, LOW))), 2),
    )


def whole(places: Places, folder: Path) -> Sequence[Measure]:
    """Return all that is measured."""
    return (
        partial(http_rows.count_rows, 2_500, 32),
        partial(function_rows.idle_rows, places, folder / "log", 10, 500),
        layer_rows.layer_rows,
        partial(start_rows, places, folder, 9),
        partial(http_rows.wall_rows, 1_000, 3),
        partial(peer_rows.peer_rows, 200, 3),
        partial(peer_rows.refused_rows, 200),
        partial(http_rows.memory_rows, 1_000, 11_000, 64),
        partial(memory_size.size_rows, places, folder / "log", 1_000),
        partial(core_rows.planning_rows, 10_000, 3),
        partial(planning_peers.dry_run_rows, 5, (1_000, 10_000), 3),
        partial(planning_peers.age_filter_rows, 100_000, 3),
        partial(core_rows.decoding_rows, 7),
        partial(core_rows.throttled_rows, THROTTLED, 10),
        core_rows.throttled_client_rows,
        partial(core_rows.slot_rows, 2_000, 40),
        partial(cost_rows.cost_rows, places, folder / "log"),
        partial(core_rows.growth_rows, (3, 12, 48, 192, 500)),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only what CI looks at")
    parser.add_argument("--into", type=Path, default=Path(), help="folder of JSON and plot")
    options = parser.parse_args()

    rows: list[Row] = []
    started = time.monotonic()
    with TemporaryDirectory() as name:
        folder = Path(name)
        places = with_bytecode(folder / "layers")
        for measure in (quick if options.quick else whole)(places, folder):
            began = time.monotonic()
            rows += measure()
            say(f"{time.monotonic() - began:5.0f} s  {rows[-1].section}")
    say(f"{time.monotonic() - started:5.0f} s  in all")
    sys.stdout.write(f"\n{shown(rows)}\n")
    options.into.mkdir(parents=True, exist_ok=True)
    write_json(rows, options.into / "bench.json")
    if not options.quick:
        plot(rows, options.into / "bench.png")
    miscounted = [row.what for row in rows if row.count and row.met == MISSED]
    for what in miscounted:
        say(f"MISCOUNTED: {what}")
    return 1 if miscounted else 0


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
