"""Other clients at the same work, in turns with ours; what they import is not measured."""

import json
import subprocess
from pathlib import Path
from statistics import median

from tests.benchmarks.clients import PROJECT, wanted
from tests.benchmarks.fast_cloud import FastCloud
from tests.benchmarks.http_rows import taken
from tests.benchmarks.names import REGION, project_id
from tests.benchmarks.table import Row

PYTHON = Path(__file__).parents[2] / ".tools" / "peers" / "bin" / "python"
PEERS = Path(__file__).with_name("peer_clients.py")
LATENCY = 0.1
AT_ONCE = 32
CPU_GOAL = 0.7
WALL_GOALS = {
    "openstacksdk": 1 / 20,
    "cinderclient": 1 / 20,
    "huawei": 1 / 20,
    "huawei-async": 1 / 3,
    "huawei-threads": None,
}
CALLED = {
    "openstacksdk": "a loop over openstacksdk",
    "cinderclient": "a loop over python-cinderclient",
    "huawei": "a loop over huaweicloudsdkevs",
    "huawei-async": "its async client",
    "huawei-threads": "its client in 32 threads",
}


def peer_rows(volumes: int, rounds: int) -> list[Row]:
    """Race them all; medians count."""
    raced: dict[str, list[dict[str, float]]] = {name: [] for name in ("ours", *WALL_GOALS)}
    with FastCloud(volumes=volumes, latency=LATENCY) as cloud:
        for _ in range(rounds):
            for name, each in raced.items():
                if name == "ours":
                    each.append(taken(cloud, "ours", volumes, AT_ONCE).client)
                else:
                    each.append(_peer(cloud, name, volumes))
    wall = {name: median(one["seconds"] for one in each) for name, each in raced.items()}
    cpu = {name: median(one["cpu_seconds"] for one in each) for name, each in raced.items()}
    section = f"peers: {volumes} exports at {LATENCY * 1000:.0f} ms"
    return [
        row
        for name, goal in WALL_GOALS.items()
        for row in (
            Row(
                section=section,
                what="wall",
                floor_is=CALLED[name],
                floor=wall[name],
                ours=wall["ours"],
                unit="s",
                goal=goal,
            ),
            Row(
                section=section,
                what="processor",
                floor_is=CALLED[name],
                floor=cpu[name],
                ours=cpu["ours"],
                unit="s",
                goal=CPU_GOAL,
            ),
        )
    ]


def _peer(cloud: FastCloud, name: str, volumes: int) -> dict[str, float]:
    given = {
        **cloud.secret(),
        "region": REGION,
        "project": PROJECT,
        "project_id": project_id(PROJECT),
        "ca": str(cloud.all_cas),
        "exports": list(wanted(volumes)),
    }
    ran = subprocess.run(
        [PYTHON, PEERS, name],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"PATH": "/bin"},
    )
    took: dict[str, float] = json.loads(ran.stdout)
    return took
