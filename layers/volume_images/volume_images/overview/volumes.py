"""One volume as people look at it, under each policy that covers it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from volume_images.overview.images import ImageView
from volume_images.recognition import ImageState
from volume_images.report import ExportResult, iso


class Condition(StrEnum):
    """Whether a volume under a policy has a good image that is young enough.

    One that was never exported may be too old or not yet: see `SeriesView.stale`. Of a cloud that
    could not be asked nothing is known, whatever was seen there earlier.
    """

    FRESH = "fresh"
    STALE = "stale"
    NEVER_EXPORTED = "never_exported"
    NOT_KNOWN = "not_known"


class Presence(StrEnum):
    """Whether a volume is in its cloud."""

    THERE = "there"
    GONE = "gone"
    NOT_KNOWN = "not_known"


class Attention(StrEnum):
    """Why a person should look at a volume, the most urgent first."""

    STALE = "stale"
    NOT_KNOWN = "not_known"
    FAILING = "failing"
    STUCK = "stuck"
    MISSED = "missed"
    LEFT_UPLOADING = "left_uploading"
    VANISHED = "vanished"
    SAFETY_STOP = "safety_stop"
    NEVER_EXPORTED = "never_exported"
    UNPROTECTED = "unprotected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An export under way; without an `image_id`, one that was only just asked for."""

    slot: datetime
    requested: bool
    since: datetime
    deadline: datetime | None
    image_id: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "slot": self.slot.isoformat(),
            "requested": self.requested,
            "since": self.since.isoformat(),
            "deadline": iso(self.deadline),
            "image_id": self.image_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What went wrong last, since the newest good image; `in_a_row` counts failures alone.

    Of a missed slot, `at` is the slot.
    """

    result: ExportResult
    reason: str
    at: datetime
    in_a_row: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "result": self.result.value,
            "reason": self.reason,
            "at": self.at.isoformat(),
            "in_a_row": self.in_a_row,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """A volume under a policy: scheduled and requested exports together.

    `condition` is None where the policy does not cover the volume (any more): its images are
    orphans. `newest_slot` is that of the newest good image, of a cloud that could not be asked as
    cleanup saw it last. `due_slot` is owed now, `next_slot` comes next; `waiting` are accepted
    requests. `images` are newest first.
    """

    policy: str
    condition: Condition | None
    stale: bool = False
    newest_slot: datetime | None = None
    first_seen: datetime | None = None
    max_age: timedelta | None = None
    due_slot: datetime | None = None
    next_slot: datetime | None = None
    pending: tuple[Pending, ...] = ()
    waiting: tuple[datetime, ...] = ()
    trouble: Trouble | None = None
    images: tuple[ImageView, ...] = ()
    safety_stops: tuple[str, ...] = ()

    @property
    def is_covered(self) -> bool:
        """Whether the policy covers the volume."""
        return self.condition is not None

    @property
    def good(self) -> int:
        """How many good images there are."""
        return sum(image.state is ImageState.GOOD for image in self.images)

    @property
    def going(self) -> tuple[ImageView, ...]:
        """The images that are to go, the first one first."""
        found = [(image.going.deletes_at, image) for image in self.images if image.going]
        return tuple(image for _, image in sorted(found, key=lambda one: one[0]))

    @property
    def attention(self) -> tuple[Attention, ...]:
        """Why a person should look at it, the most urgent first."""
        never = self.condition is Condition.NEVER_EXPORTED
        applies = {
            Attention.STALE: self.stale and not never,
            Attention.NOT_KNOWN: self.condition is Condition.NOT_KNOWN,
            Attention.FAILING: self.trouble is not None
            and self.trouble.result is not ExportResult.MISSED,
            Attention.STUCK: any(image.stuck_since for image in self.images),
            Attention.MISSED: self.trouble is not None
            and self.trouble.result is ExportResult.MISSED,
            Attention.SAFETY_STOP: bool(self.safety_stops),
            Attention.NEVER_EXPORTED: never,
        }
        return tuple(one for one in Attention if applies.get(one, False))

    def as_json(self, *, with_images: bool = False) -> dict[str, Any]:
        """Return the JSON form; of the images only those that go, unless all are wanted."""
        shown = self.images if with_images else self.going
        return {
            "policy": self.policy,
            "condition": self.condition.value if self.condition else None,
            "stale": self.stale,
            "attention": [one.value for one in self.attention],
            "newest_slot": iso(self.newest_slot),
            "first_seen": iso(self.first_seen),
            "max_age_seconds": self.max_age.total_seconds() if self.max_age else None,
            "good_images": self.good,
            "image_count": len(self.images),
            "due_slot": iso(self.due_slot),
            "next_slot": iso(self.next_slot),
            "pending": [one.as_json() for one in self.pending],
            "waiting": [slot.isoformat() for slot in self.waiting],
            "trouble": self.trouble.as_json() if self.trouble else None,
            "safety_stops": list(self.safety_stops),
            "images" if with_images else "going": [image.as_json() for image in shown],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeView:
    """A volume, under whatever policies cover it; one that is gone has its images still.

    `left_uploading`: its cloud says `uploading`, and no export of ours is under way.
    """

    cloud: str
    id: str
    name: str
    presence: Presence
    status: str = ""
    size_gib: int | None = None
    left_uploading: bool = False
    series: tuple[SeriesView, ...] = ()

    @property
    def covered(self) -> tuple[SeriesView, ...]:
        """The series of the policies that cover it."""
        return tuple(one for one in self.series if one.is_covered)

    @property
    def images(self) -> tuple[ImageView, ...]:
        """All images, the newest first."""
        found = [image for one in self.series for image in one.images]
        return tuple(sorted(found, key=lambda image: (image.slot, image.captured_at), reverse=True))

    @property
    def is_unprotected(self) -> bool:
        """Whether it is in its cloud, and no policy covers it."""
        return self.presence is Presence.THERE and not self.covered

    @property
    def attention(self) -> tuple[Attention, ...]:
        """Why a person should look at it, the most urgent first."""
        own = {one for series in self.series for one in series.attention}
        if self.left_uploading:
            own.add(Attention.LEFT_UPLOADING)
        if self.presence is Presence.GONE and self.covered:
            own.add(Attention.VANISHED)
        if self.is_unprotected:
            own.add(Attention.UNPROTECTED)
        return tuple(one for one in Attention if one in own)

    def as_json(self, *, with_images: bool = False) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "cloud": self.cloud,
            "volume_id": self.id,
            "name": self.name,
            "presence": self.presence.value,
            "status": self.status,
            "size_gib": self.size_gib,
            "unprotected": self.is_unprotected,
            "left_uploading": self.left_uploading,
            "attention": [one.value for one in self.attention],
            "policies": [one.as_json(with_images=with_images) for one in self.series],
        }
