"""The fleet of a simulated year: three clouds on three continents, hourly to monthly policies."""

import json
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from volume_images.dialect import Dialect

PREFIX = "acme"
GRACE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Place:
    """A cloud, its dialect, and the time zone that its policies go by."""

    name: str
    dialect: Dialect
    zone: str


PLACES = (
    Place("berlin", Dialect.HUAWEI, "Europe/Berlin"),
    Place("newyork", Dialect.OPENSTACK, "America/New_York"),
    Place("lordhowe", Dialect.OPENSTACK, "Australia/Lord_Howe"),
)
"""The last one moves its clocks by half an hour."""

POLICIES: dict[str, dict[str, Any]] = {
    # Hourly, but not on each day: what a year costs is its slots.
    "often": {
        "place": "newyork",
        "schedule": "0 * 1 * *",
        "retention": {"keep_last": 4, "keep_daily": 2},
    },
    "hours": {
        "place": "lordhowe",
        "schedule": "0 */6 * * 0",
        "catch_up": "5h",
        "retention": {"keep_hourly": 6, "keep_weekly": 2},
    },
    "night": {
        "place": "berlin",
        "schedule": "30 2 * * *",
        "catch_up": "12h",
        "retention": {"keep_last": 2, "keep_daily": 4, "keep_monthly": 2, "min_keep": 2},
    },
    "early": {
        "place": "newyork",
        "schedule": "30 1 * * *",
        "catch_up": "23h",
        "retention": {"keep_daily": 5, "keep_weekly": 3},
    },
    "week": {
        "place": "lordhowe",
        "schedule": "15 2 * * 0",
        "catch_up": "23h",
        "retention": {"keep_weekly": 3, "keep_within": "30d"},
    },
    "month": {
        "place": "berlin",
        "schedule": "0 3 1,29 * *",
        "catch_up": "23h",
        "retention": {"keep_monthly": 3},
    },
}
"""Each selects the volumes with a tag of its name."""

VOLUMES = {
    "berlin": (("night",), ("night", "month"), ("night",)),
    "newyork": (("often",), ("early",), ("early",)),
    "lordhowe": (("hours",), ("hours", "week"), ("week",)),
}
"""The tags of each volume."""


@dataclass(frozen=True, slots=True)
class FleetVolume:
    """A volume of the fleet; a discovered one is in no list, but has its tags in the cloud."""

    id: str
    cloud: str
    name: str
    tags: tuple[str, ...]
    discovered: bool


def discovering(seed: int) -> str:
    """Return the cloud in which a year of this seed discovers a volume: in each tenth year, one.

    It is looked at each hour then, and the year takes longer.
    """
    return "" if seed % 10 else PLACES[(seed // 10 - 1) % len(PLACES)].name


def volumes_of(dice: random.Random, discovering: str) -> list[FleetVolume]:
    """Return the volumes; the last one of the cloud that discovers is found by its tags."""
    found = []
    for number, (cloud, tagged) in enumerate(VOLUMES.items()):
        for index, tags in enumerate(tagged):
            volume_id = f"{number + 1:08x}-0000-4000-8000-{dice.getrandbits(48):012x}"
            discovered = cloud == discovering and index == len(tagged) - 1
            found.append(FleetVolume(volume_id, cloud, f"{cloud}-{index}", tags, discovered))
    return found


def document(volumes: list[FleetVolume]) -> dict[str, Any]:
    """Return the config, as somebody might have written it at first."""
    policies = {}
    for name, policy in POLICIES.items():
        zone = next(place.zone for place in PLACES if place.name == policy["place"])
        rest = {key: value for key, value in policy.items() if key != "place"}
        policies[name] = {"select": {name: "yes"}, "timezone": zone} | rest
    listed = [
        {"id": one.id, "cloud": one.cloud, "name": one.name, "tags": dict.fromkeys(one.tags, "yes")}
        for one in volumes
        if not one.discovered
    ]
    found = {(v.cloud, tag) for v in volumes if v.discovered for tag in v.tags}
    clouds = {
        place.name: {
            "dialect": place.dialect.value,
            "region": place.name,
            "project": "backup",
            "max_in_flight": 3,
            "max_concurrency": 1,
            "requests_per_second": 1000,
        }
        for place in PLACES
    }
    whole: dict[str, Any] = json.loads(
        json.dumps(
            {
                "version": 1,
                "prefix": PREFIX,
                "clouds": clouds,
                "policies": policies,
                "volumes": listed,
                "discover": [
                    {"cloud": cloud, "tags": {tag: ["yes"]}} for cloud, tag in sorted(found)
                ],
                "grace": f"{GRACE.days}d",
            }
        )
    )
    return whole
