"""Which memory size is cheapest: the export function under a processor quota as Lambda gives it.

Lambda gives a function its memory's share of a processor, one at 1,769 MB ("Configuring Lambda
function memory"). A control group holds the process to that from its first invocation on; its
start runs free, as Lambda's does. It needs root, and version 1 of Linux's control groups.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from tests.benchmarks.function_rows import EXPORT, site, tick
from tests.benchmarks.table import Row, not_run
from tests.runtime.builds import Places
from tests.runtime.environment import ExecutionEnvironment

GROUPS = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 20_000
ONE_PROCESSOR_MB = 1769
SIZES_MB = (256, 512, 1024)
LATENCY = 0.15
GOALS = {32: 1.08, 64: 1.15}


def quota_is_here() -> bool:
    """Whether this machine can hold a process to a share of a processor."""
    return (GROUPS / "cpu.cfs_quota_us").exists() and os.access(GROUPS, os.W_OK)


@contextmanager
def held_to(share: float, pid: int) -> Iterator[None]:
    """Hold a process to a share of one processor; it must not end before this does."""
    group = GROUPS / f"volume-images-{os.getpid()}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(max(1000, int(share * PERIOD_US))))
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        (GROUPS / "cgroup.procs").write_text(str(pid))
        group.rmdir()


def size_rows(places: Places, log: Path, volumes: int) -> list[Row]:
    """Export a cloud's volumes with each size; an idle tick follows."""
    section = f"memory size: one run exports {volumes:,} volumes at {LATENCY * 1000:.0f} ms"
    if not quota_is_here():
        return [not_run(section, f"{GROUPS} cannot be written to: no quota can be set here")]
    return [
        row
        for at_once in GOALS
        for size in SIZES_MB
        for row in _rows_of(places, log, volumes, at_once, size, section)
    ]


def _rows_of(
    places: Places, log: Path, volumes: int, at_once: int, size: int, section: str
) -> list[Row]:
    # A token, a page of volumes, one of images; then every volume's export, then its tag.
    ideal = LATENCY * (2 + ceil(volumes / 1000) + 2 * ceil(volumes / at_once))
    with (
        site(1, volumes, at_once, LATENCY) as at,
        ExecutionEnvironment(EXPORT, places, at.env, log) as process,
    ):
        start_ms = process.init_ms
        with held_to(size / ONE_PROCESSOR_MB, process.pid):
            run = tick(process, at)
            idle = [tick(process, at) for _ in range(3)][-1]
            peak = process.peak_mib
    assert run.answer["counts"]["started"] == volumes
    assert idle.cloud == {}
    named = f"{size} MB, {at_once} at once"
    gigabytes = size / 1024
    return [
        Row(
            section=section,
            what=f"{named}: wall",
            floor_is="ideal",
            floor=ideal,
            ours=run.milliseconds / 1000,
            unit="s",
            goal=GOALS[at_once],
        ),
        Row(
            section=section,
            what=f"{named}: cost of the run",
            ours=gigabytes * (run.milliseconds + start_ms) / 1000,
            unit="GB-s",
        ),
        Row(
            section=section,
            what=f"{named}: an idle tick, warm",
            ours=gigabytes * idle.milliseconds / 1000,
            unit="GB-s",
        ),
        Row(section=section, what=f"{named}: peak memory", ours=peak, unit="MiB"),
    ]
