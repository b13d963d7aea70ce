"""Other clients at the same work, in turns with ours; what they import is not measured."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.clients import PROJECT, wanted
from tests.benchmarks.fast_cloud import FastCloud
from tests.benchmarks.http_rows import taken
from tests.benchmarks.names import REGION, project_id
from tests.benchmarks.table import Row, not_run

PYTHON = Path(__file__).parents[2] / ".tools" / "peers" / "bin" / "python"
CLIENTS = Path(__file__).with_name("peer_clients.py")
LATENCY = 0.1
AT_ONCE = 32
CPU_GOAL = 0.7

LIMIT = 20
LIMITED_LATENCY = 0.02
TOLD = 2 * LIMIT
"""What ours is told of the limit: twice as much, so that it is refused as well."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another client; one that `only_waits`, one request after the other, is raced once."""

    called: str
    wall_goal: float | None
    only_waits: bool = False


PEERS = {
    "openstacksdk": Peer("a loop over openstacksdk", 1 / 20, only_waits=True),
    "cinderclient": Peer("a loop over python-cinderclient", 1 / 20, only_waits=True),
    "huawei": Peer("a loop over huaweicloudsdkevs", 1 / 20, only_waits=True),
    "huawei-async": Peer("huaweicloudsdkevs, its async client", 1 / 3),
    "huawei-threads": Peer("huaweicloudsdkevs in 32 threads", None),
}

MISSING = f"{PYTHON} is not there: `make .tools/peers/.ready` makes it"


def peer_rows(volumes: int, rounds: int) -> list[Row]:
    """Race them all; medians count."""
    section = f"peers: {volumes} exports at {LATENCY * 1000:.0f} ms"
    if not PYTHON.exists():
        return [not_run(section, MISSING)]
    ours: list[Mapping[str, float]] = []
    raced: dict[str, list[Mapping[str, float]]] = {name: [] for name in PEERS}
    with FastCloud(volumes=volumes, latency=LATENCY) as cloud:
        for turn in range(rounds):
            ours.append(taken(cloud, "ours", volumes, AT_ONCE).client)
            for name, peer in PEERS.items():
                if turn == 0 or not peer.only_waits:
                    raced[name].append(_done(cloud, name, volumes))
    return [
        row for name, peer in PEERS.items() for row in _race_rows(section, peer, ours, raced[name])
    ]


def refused_rows(volumes: int) -> list[Row]:
    """Let a cloud refuse what is too much, without saying how long to wait; count what is left.

    Every client asks for each export once, and goes on after an error; ours asks again by itself.
    """
    section = f"a cloud that takes {LIMIT} exports a second and answers 429 to more, {volumes}"
    if not PYTHON.exists():
        return [not_run(section, MISSING)]
    rows = []
    with FastCloud(volumes=volumes, latency=LIMITED_LATENCY) as cloud:
        cloud.admit(LIMIT)
        seen = taken(cloud, "ours", volumes, AT_ONCE, a_second=TOLD)
        done = int(seen.client["done"])
        refused = seen.calls.get("refused", 0)
        us = f"ours finished {done} of {volumes} under {refused} answers of 429, told {TOLD}/s"
        for name, peer in PEERS.items():
            found = _peer(cloud, name, volumes)
            raised = ", ".join(f"{error} ({count})" for error, count in found["raised"].items())
            rows.append(
                Row(
                    section=section,
                    what="exports not made",
                    floor_is=peer.called,
                    floor=volumes - found["done"],
                    ours=volumes - done,
                    unit="",
                    goal=0,
                    count=True,
                    why=f"it finished {found['done']}, raised {raised or 'nothing'}; {us}",
                )
            )
    return rows


def _race_rows(
    section: str,
    peer: Peer,
    ours: list[Mapping[str, float]],
    theirs: list[Mapping[str, float]],
) -> list[Row]:
    def row(what: str, key: str, goal: float | None) -> Row:
        return Row(
            section=section,
            what=what,
            floor_is=peer.called,
            floor=median(one[key] for one in theirs),
            ours=median(one[key] for one in ours),
            unit="s",
            goal=goal,
        )

    return [row("wall", "seconds", peer.wall_goal), row("processor", "cpu_seconds", CPU_GOAL)]


def _done(cloud: FastCloud, name: str, volumes: int) -> Mapping[str, float]:
    took = _peer(cloud, name, volumes)
    assert took["done"] == volumes, f"{name} raised {took['raised']}"
    return took


def _peer(cloud: FastCloud, name: str, volumes: int) -> dict[str, Any]:
    given = {
        **cloud.secret(),
        "region": REGION,
        "project": PROJECT,
        "project_id": project_id(PROJECT),
        "ca": str(cloud.all_cas),
        "exports": list(wanted(volumes)),
    }
    ran = subprocess.run(
        [PYTHON, CLIENTS, name],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"PATH": "/bin"},
    )
    took: dict[str, Any] = json.loads(ran.stdout)
    return took
