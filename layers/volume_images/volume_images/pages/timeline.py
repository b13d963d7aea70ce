"""A volume's images on a line of time: what each is, and where it stands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import log1p

from volume_images.overview.images import ImageView
from volume_images.overview.volumes import VolumeView
from volume_images.recognition import ImageState

WIDTH = 1000
"""Units from the oldest image to now."""

_SOONEST = timedelta(hours=6)  # up to about this age the line is even; beyond, it shrinks
_SHORTEST = timedelta(days=2)
_DAY = timedelta(days=1)
_TICKS = {
    "1 day": _DAY,
    "1 week": 7 * _DAY,
    "1 month": 30 * _DAY,
    "3 months": 91 * _DAY,
    "1 year": 365 * _DAY,
    "3 years": 3 * 365 * _DAY,
    "10 years": 10 * 365 * _DAY,
}
_EDGE = 9  # half a mark on a phone: none is cut
_APART = 170  # what a label needs on a phone


class Mark(StrEnum):
    """What an image, or an attempt at one, is shown as; each is a style of the page."""

    KEPT = "kept"
    EXPIRED = "expired"
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across all timelines, and what it says; between two that say something."""

    x: int
    says: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Ages -> places, now at the right: the older, the closer together, as rules keep images."""

    now: datetime
    oldest: timedelta

    @classmethod
    def of(cls, volumes: Iterable[VolumeView], now: datetime) -> "Scale":
        """Reach back to the oldest image of all."""
        ages = (now - image.slot for volume in volumes for image in volume.images)
        return cls(now, max(_SHORTEST, max(ages, default=_SHORTEST)))

    def place(self, moment: datetime) -> int:
        """Return where a moment stands, from 0 to WIDTH."""
        age = max(self.now - moment, timedelta())
        share = min(1.0, log1p(age / _SOONEST) / log1p(self.oldest / _SOONEST))
        return round(WIDTH - _EDGE - (WIDTH - 2 * _EDGE) * share)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Lines for ages that people think in, the newest first; no two labels touch."""
        found: list[Tick] = []
        last = WIDTH
        for says, age in _TICKS.items():
            x = self.place(self.now - age)
            if age < self.oldest and last - x >= _APART and x >= _APART // 2:
                found.append(Tick(x, says))
                last = x
        return tuple(found)


def mark_of(image: ImageView) -> Mark:
    """Say what an image is shown as."""
    if image.state is ImageState.GOOD:
        return Mark.EXPIRED if image.going else Mark.KEPT
    if image.state is ImageState.FAILED or image.stuck_since:
        return Mark.FAILED
    return Mark.PENDING if image.state is ImageState.PENDING else Mark.UNKNOWN


def marks(volume: VolumeView) -> list[tuple[datetime, Mark]]:
    """Return all marks of a volume: its images, and the attempts that left none (yet)."""
    found = [(image.slot, mark_of(image)) for image in volume.images]
    listed = {image.id for image in volume.images}
    for series in volume.series:
        found += [(one.slot, Mark.PENDING) for one in series.pending if one.image_id not in listed]
        if series.trouble:
            found.append((series.trouble.at, Mark.FAILED))
    return found


def lines(found: Iterable[tuple[datetime, Mark]], scale: Scale) -> Mapping[Mark, str]:
    """Spell marks as one path of an SVG each: a short line down wherever there is one."""
    places: defaultdict[Mark, set[int]] = defaultdict(set)
    for moment, mark in found:
        places[mark].add(scale.place(moment))
    return {
        mark: "".join(f"M{x} {_TOP[mark]}v{_HEIGHT[mark]}" for x in sorted(places[mark]))
        for mark in Mark
        if places[mark]
    }


# Where in 24 units each begins and how far it reaches: they are told apart without colours, too.
_TOP = {Mark.KEPT: 2, Mark.EXPIRED: 12, Mark.PENDING: 2, Mark.FAILED: 2, Mark.UNKNOWN: 8}
_HEIGHT = {Mark.KEPT: 20, Mark.EXPIRED: 10, Mark.PENDING: 20, Mark.FAILED: 10, Mark.UNKNOWN: 8}
