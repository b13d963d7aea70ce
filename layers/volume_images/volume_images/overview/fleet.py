"""How a fleet stands, as data: what `status`, `list` and the report page show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from volume_images.overview.volumes import Condition, SeriesView, VolumeView
from volume_images.report import CloudOutcome, iso


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudView:
    """How a cloud could be asked, and what is known of it as a whole.

    `safety_stops` are the safety rules that keep cleanup from judging groups of it.
    """

    outcome: CloudOutcome
    was_asked: bool
    safety_stops: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            **self.outcome.as_json(),
            "asked": self.was_asked,
            "safety_stops": list(self.safety_stops),
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """One policy over the whole fleet; `stored_bytes` is what the clouds tell of its images.

    `stale` counts also volumes never exported that should have been by now. Of the images that are
    to go, some may not be `announced` yet; `first_goes` is when the first of those that are may.
    """

    name: str
    max_age: timedelta | None
    next_slot: datetime | None
    volumes: int
    conditions: Mapping[Condition, int]
    stale: int
    pending: int
    waiting: int
    images: int
    going: int
    announced: int
    first_goes: datetime | None
    stored_bytes: int
    oldest_newest_slot: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "policy": self.name,
            "max_age_seconds": self.max_age.total_seconds() if self.max_age else None,
            "next_slot": iso(self.next_slot),
            "volumes": self.volumes,
            "conditions": {one.value: self.conditions.get(one, 0) for one in Condition},
            "stale": self.stale,
            "pending": self.pending,
            "waiting": self.waiting,
            "images": self.images,
            "going": self.going,
            "announced": self.announced,
            "first_goes": iso(self.first_goes),
            "stored_bytes": self.stored_bytes,
            "oldest_newest_slot": iso(self.oldest_newest_slot),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """All volumes of all clouds, at a time and by a version of the config."""

    at: datetime
    config_version: str
    clouds: tuple[CloudView, ...]
    policies: tuple[PolicyView, ...]
    volumes: tuple[VolumeView, ...]

    @property
    def series(self) -> Iterator[tuple[VolumeView, SeriesView]]:
        """Every volume under every policy that covers it."""
        return ((volume, one) for volume in self.volumes for one in volume.covered)

    @property
    def is_stale(self) -> bool:
        """Whether any volume has no good image that is young enough."""
        return any(one.stale for _, one in self.series)

    @property
    def is_known(self) -> bool:
        """Whether every cloud could be asked."""
        return all(cloud.was_asked for cloud in self.clouds)

    def as_json(self, *, with_images: bool = False) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "at": self.at.isoformat(),
            "config_version": self.config_version,
            "stale": self.is_stale,
            "known": self.is_known,
            "clouds": [cloud.as_json() for cloud in self.clouds],
            "policies": [policy.as_json() for policy in self.policies],
            "volumes": [volume.as_json(with_images=with_images) for volume in self.volumes],
        }
