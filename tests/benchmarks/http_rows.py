"""Exports over TLS: wall, processor, memory and counts, against raw sockets and requests."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from tests.benchmarks.clients import UNLIMITED
from tests.benchmarks.fast_cloud import FastCloud
from tests.benchmarks.fast_service import PAGE
from tests.benchmarks.table import Row
from tests.benchmarks.trust import authorities

LATENCY = 0.15
WALL_GOALS = {32: 1.08, 64: 1.15}
RAW_GOAL = 1.03
CPU_GOAL = 0.6
MEMORY_GOAL = 90.0
GROWTH_GOAL = 0.5

SIZES_TAKEN = 3
"""The size of a process differs by half a MiB from run to run, as its threads come and go."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one client took, and what the cloud saw of it."""

    client: dict[str, float]
    cloud: dict[str, float]
    calls: dict[str, int]


def taken(
    cloud: FastCloud, client: str, volumes: int, at_once: int, a_second: float = UNLIMITED
) -> Taken:
    """Run one client in a process of its own."""
    before = cloud.counts()["cpu_seconds"]
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.clients", client),
            *("--volumes", str(volumes), "--at-once", str(at_once)),
            *("--a-second", str(a_second)),
            *("--ca", str(cloud.all_cas), "--own-ca", str(cloud.own_ca)),
        ],
        input=json.dumps(cloud.secret()),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    seen = cloud.counts()
    seen["cpu_seconds"] -= before
    return Taken(json.loads(ran.stdout), seen, seen["calls"])


def wall_rows(volumes: int, rounds: int) -> list[Row]:
    """Race the clients in turns; medians count."""
    rows = []
    with FastCloud(volumes=volumes, latency=LATENCY) as cloud:
        for at_once in WALL_GOALS:
            raced: dict[str, list[Taken]] = {"raw": [], "session": [], "ours": []}
            for _ in range(rounds):
                for client, each in raced.items():
                    each.append(taken(cloud, client, volumes, at_once))
            rows += _race_rows(raced, volumes, at_once)
    return rows


def _race_rows(raced: dict[str, list[Taken]], volumes: int, at_once: int) -> list[Row]:
    section = f"{volumes:,} exports, {at_once} at once, {LATENCY * 1000:.0f} ms"
    ideal = LATENCY * (1 + ceil(volumes / at_once))
    wall = {client: _median(each, "seconds") for client, each in raced.items()}
    cpu = {client: 1000 * _median(each, "cpu_seconds") / volumes for client, each in raced.items()}
    served = [one for each in raced.values() for one in each]
    of_cloud = median(1000 * one.cloud["cpu_seconds"] / volumes for one in served)
    return [
        Row(
            section=section,
            what="wall",
            floor_is="ideal: a token, then full rows",
            floor=ideal,
            ours=wall["ours"],
            unit="s",
            goal=WALL_GOALS[at_once],
        ),
        Row(
            section=section,
            what="wall",
            floor_is="raw asyncio sockets",
            floor=wall["raw"],
            ours=wall["ours"],
            unit="s",
            goal=RAW_GOAL if at_once == min(WALL_GOALS) else None,
        ),
        Row(
            section=section,
            what="processor per 1,000 calls",
            floor_is="requests.Session",
            floor=cpu["session"],
            ours=cpu["ours"],
            unit="s",
            goal=CPU_GOAL,
        ),
        Row(
            section=section,
            what="the same of raw asyncio sockets",
            ours=cpu["raw"],
            unit="s",
        ),
        Row(
            section=section,
            what="the cloud's own, per 1,000 calls",
            ours=of_cloud,
            unit="s",
        ),
    ]


def count_rows(volumes: int, at_once: int) -> list[Row]:
    """Count what one whole run asks for."""
    with FastCloud(volumes=volumes) as cloud:
        bundle = authorities(cloud.all_cas)
        seen = taken(cloud, "run", volumes, at_once)
    section = f"calls of a run that exports {volumes:,} volumes, {at_once} at once"
    by_id = seen.calls.get("get volume", 0) + seen.calls.get("get image", 0)

    def row(what: str, ours: float, goal: float) -> Row:
        return Row(section=section, what=what, ours=ours, unit="", goal=goal, count=True)

    return [
        row("export calls per volume", seen.calls["export"] / volumes, 1.0),
        row("tokens", seen.calls["token"], 1),
        row("pages of volumes", seen.calls["list volumes"], ceil(volumes / PAGE)),
        row("pages of images (none are there yet)", seen.calls["list images"], 1),
        row("volumes and images read one by one", by_id, 0),
        row("tags set, per new image", seen.calls["tag"] / volumes, 1.0),
        row("calls to addresses that are not there", seen.calls.get("not found", 0), 0),
        row("TLS connections", seen.cloud["connections"], min(at_once, volumes)),
        row("TLS contexts", seen.client["tls_contexts"], 1),
        Row(
            section=section,
            what="authorities in the trust file",
            ours=bundle,
            unit="",
            count=True,
        ),
    ]


def memory_rows(small: int, large: int, at_once: int) -> list[Row]:
    """Measure the largest size of a process; what a run holds grows with its fleet."""
    with FastCloud(volumes=small) as cloud:
        run = taken(cloud, "run", small, at_once)
        few = [taken(cloud, "ours", small, at_once) for _ in range(SIZES_TAKEN)]
    with FastCloud(volumes=large) as cloud:
        many = [taken(cloud, "ours", large, at_once) for _ in range(SIZES_TAKEN)]
        whole = taken(cloud, "run", large, at_once)
    section = f"memory, {at_once} at once"
    per = (large - small) / 10_000

    def growth(before: Sequence[Taken], after: Sequence[Taken]) -> float:
        return max(0.0, _median(after, "peak_mib") - _median(before, "peak_mib")) / per

    return [
        Row(
            section=section,
            what=f"at most, a run with {small:,} volumes",
            ours=run.client["peak_mib"],
            unit="MiB",
            goal=MEMORY_GOAL,
        ),
        Row(
            section=section,
            what="growth of the client per 10,000 exports",
            ours=growth(few, many),
            unit="MiB",
            goal=GROWTH_GOAL,
        ),
        Row(
            section=section,
            what="growth of a whole run per 10,000 volumes, all started at once",
            ours=growth([run], [whole]),
            unit="MiB",
        ),
    ]


def _median(each: Sequence[Taken], key: str) -> float:
    return median(one.client[key] for one in each)
