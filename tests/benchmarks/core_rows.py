"""What needs no network: planning, the pace under a limit, the fleet through few places, growth."""

import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.benchmarks import planning, scale, throttled
from tests.benchmarks.fast_service import PAGE, Service
from tests.benchmarks.http_rows import LATENCY
from tests.benchmarks.memory_size import ONE_PROCESSOR_MB
from tests.benchmarks.names import project_id, volume_id
from tests.benchmarks.table import Row
from tests.support.fleet import Fleet
from tests.template.rendered import Stack
from volume_images.cloud.endpoints import Service as Endpoint
from volume_images.cloud.fields import Entry
from volume_images.cloud.openstack import OpenstackImages

SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
SLOT_GOAL = 1.1
EXPORT_TIME = timedelta(minutes=10)
GROWTH_GOAL = 4.0
LONGEST_DAY = 60
MEMORY_GB = Stack().properties("ExportVolumes")["MemorySize"] / 1024


def planning_rows(groups: int, rounds: int) -> list[Row]:
    """Judge in a process of its own: the collector is frozen there."""
    command = [sys.executable, "-m", "tests.benchmarks.planning", "--json"]
    ran = subprocess.run(
        [*command, "--groups", str(groups), "--rounds", str(rounds)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,  # it fails when the goal is missed, and the table says so
    )
    found = json.loads(ran.stdout.splitlines()[-1])
    section = f"planning {groups * planning.GROUP_SIZE:,} images in {groups:,} groups"
    return [
        Row(
            section=section,
            what="processor time, every verdict with its reasons",
            floor_is="read, group, sort",
            floor=found["floor"],
            ours=found["judged"],
            unit="s",
            goal=planning.GOAL,
        ),
        Row(section=section, what="peak memory", ours=found["mib"], unit="MiB"),
    ]


def decoding_rows(rounds: int) -> list[Row]:
    """Read a full page of images, on the share of a processor that the function has."""
    project = project_id("decoding")
    service = Service("https://bench", PAGE)
    for index in range(PAGE):
        one = volume_id(project, index)
        name = f"bench_daily_db_{one}_20260302T020000Z"
        options = {"image_name": name, "disk_format": "qcow2"}
        service.answer(
            "POST",
            f"/volume/v3/{project}/volumes/{one}/action",
            project,
            json.dumps({"os-volume_upload_image": options}).encode(),
        )
    _, document = service.answer("GET", "/image/v2/images", project, b"")
    body = json.dumps(document)
    dialect = OpenstackImages(Endpoint("https://bench"), project)

    def decoded() -> object:
        return dialect.page(Entry(json.loads(body), "bench"), {}).items

    took = min(planning.cpu_seconds(decoded) for _ in range(rounds))
    return [
        Row(
            section="decoding what is listed",
            what=f"a page of {PAGE:,} images at {MEMORY_GB * 1024:.0f} MB",
            floor_is="waiting for it",
            floor=1000 * LATENCY,
            ours=1000 * took * ONE_PROCESSOR_MB / (MEMORY_GB * 1024),
            unit="ms",
            goal=1,
        )
    ]


Case = tuple[float, int, Sequence[str]]
"""A limit, in requests a second, how many exports meet it, and what the config says of it."""


def throttled_rows(cases: Sequence[Case], seeds: int) -> list[Row]:
    """Meet limits that never say how long to wait; the worst of limiters and seeds counts."""
    section = f"a throttled cloud without Retry-After, worst of 3 limiters and {seeds} seeds"
    rows = []
    for rate, volumes, ceilings in cases:
        for ceiling in ceilings:
            met = throttled.virtual(rate, volumes, ceiling, seeds)
            named = f"{volumes:,} at {rate:g}/s, `requests_per_second` {ceiling}"
            slowest = max(met, key=lambda row: row.ratio)
            longest, most = slowest.goal
            kept = ceiling == throttled.LOW
            rows += [
                Row(
                    section=section,
                    what=f"{named}: time",
                    floor_is="ideal",
                    floor=volumes / rate,
                    ours=slowest.seconds,
                    unit="s",
                    goal=longest,
                    why="`requests_per_second` is a ceiling, and kept: half of it is twice the time"
                    if kept
                    else "",
                ),
                Row(
                    section=section,
                    what=f"{named}: refused",
                    ours=100 * max(row.refused for row in met),
                    unit="%",
                    goal=100 * most,
                ),
            ]
    return rows


def throttled_client_rows() -> list[Row]:
    """Send the exports through the whole client, over HTTP, in real time."""
    rate, volumes = 10, 150
    met = throttled.real(rate, volumes, throttled.RIGHT)
    longest, most = met.goal
    section = f"the whole client, {volumes} exports in the sandbox throttled to {rate}/s"
    return [
        Row(
            section=section,
            what="time",
            floor_is="ideal",
            floor=volumes / rate,
            ours=met.seconds,
            unit="s",
            goal=longest,
        ),
        Row(section=section, what="refused", ours=100 * met.refused, unit="%", goal=100 * most),
    ]


def slot_rows(volumes: int, places: int) -> list[Row]:
    """Follow a slot through ticks on a simulated clock, until every image is active."""
    fleet = Fleet(volumes=volumes, max_in_flight=places)
    fleet.only.export_times = [EXPORT_TIME]
    for _ in range(LONGEST_DAY):
        fleet.tick()
        if len(fleet.only.active_at) == volumes:
            break
    took = max(fleet.only.active_at.values()) - SLOT
    section = f"slot to active: {volumes:,} volumes, {places} in flight, 10 minutes each"
    exports = fleet.only.posts.total() / volumes
    return [
        Row(
            section=section,
            what="simulated time",
            floor_is="what the limit allows",
            floor=(volumes / places) * EXPORT_TIME.total_seconds() / 60,
            ours=took.total_seconds() / 60,
            unit="min",
            goal=SLOT_GOAL,
            count=True,
        ),
        Row(section=section, what="exports per volume", ours=exports, unit="", goal=1, count=True),
        Row(
            section=section,
            what="most exports under way at once",
            ours=fleet.only.most_exports,
            unit="",
            goal=places,
            count=True,
        ),
    ]


def growth_rows(clouds: Sequence[int]) -> list[Row]:
    """Run the first tick of fleets, in processes of their own, whose starts count, too.

    Clouds that answer at once leave the processor's time: what is waited for grows no faster than
    the calls, and those are counted elsewhere.
    """
    runs = [scale.measured(count) for count in clouds]
    section = "growth of one tick that looks at a fleet and fills its places"
    rows = []
    for small, large in itertools.pairwise(runs):
        times = large["volumes"] / small["volumes"]
        spent = [MEMORY_GB * run["process_seconds"] for run in (small, large)]
        rows.append(
            Row(
                section=section,
                what=f"GB-seconds, {large['volumes']:,.0f} / {small['volumes']:,.0f} volumes",
                floor=spent[0],
                ours=spent[1],
                unit="GB-s",
                goal=GROWTH_GOAL * times / 4,
            )
        )
    largest = runs[-1]
    each = (largest["peak"] - runs[0]["peak"]) / (largest["volumes"] - runs[0]["volumes"])
    rows.append(
        Row(
            section=section,
            what="memory per volume",
            ours=each,
            unit="bytes",
            goal=scale.MOST_BYTES_EACH,
        )
    )
    return rows
