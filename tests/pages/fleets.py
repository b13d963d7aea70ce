"""Fleets to look at as a page: every state that a volume and an image may be in, in any number."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from tests.pages.samples import HOSTILE, config
from volume_images.overview.fleet import CloudView, FleetView
from volume_images.overview.images import Going, ImageView
from volume_images.overview.policies import policy_views
from volume_images.overview.volumes import (
    Condition,
    Pending,
    Presence,
    SeriesView,
    Trouble,
    VolumeView,
)
from volume_images.recognition import GIB, ImageState
from volume_images.report import CloudOutcome, CloudResult, ExportResult, ImageResult

NOW = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
DAYS_KEPT = [*range(9), 14, 21, 28, 35, 60, 91, 121, 152, 182, 213, 243]
"""How old the images of a policy with keep_daily, keep_weekly and keep_monthly are."""


def volume_id(number: int) -> str:
    return str(UUID(int=number, version=4))


def image(number: int, days: int, *, policy: str = "daily", expired: bool = False) -> ImageView:
    slot = SLOT - days * DAY
    going = Going(
        since=NOW - HOUR,
        deletes_at=NOW + 71 * HOUR,
        reason="expired",
        config_version="Zs1k",
        is_announced=True,
    )
    return ImageView(
        id=f"{number}-{days}",
        name="",
        policy=policy,
        requested=False,
        slot=slot,
        captured_at=slot + timedelta(minutes=3),
        size_bytes=(3 + number % 40) * GIB,
        virtual_bytes=40 * GIB,
        state=ImageState.GOOD,
        why="",
        result=ImageResult.ANNOUNCED if expired else ImageResult.KEPT,
        reasons="" if expired else f"keep_daily {1 + days % 7}/7, keep_weekly {1 + days % 5}/5",
        going=going if expired else None,
    )


def unfinished(number: int, state: ImageState, days: int = 0) -> ImageView:
    good = image(number, days)
    return ImageView(
        id=f"{number}-{state}",
        name="",
        policy="daily",
        requested=state is ImageState.PENDING,
        slot=good.slot + 6 * HOUR,
        captured_at=good.captured_at + 6 * HOUR,
        size_bytes=None,
        virtual_bytes=None,
        state=state,
        why="",
        result=ImageResult.KEPT,
        reasons=f"{state}, kept",
    )


def volume(number: int, *series: SeriesView, name: str = "", size: int = 40) -> VolumeView:
    return VolumeView(
        cloud="otc",
        id=volume_id(number),
        name=name or f"db{number:04}-data",
        presence=Presence.THERE,
        status="in-use",
        size_gib=size,
        series=series,
    )


def series(number: int, *images: ImageView, late: int = 0, policy: str = "daily") -> SeriesView:
    """Return a series whose newest image is so many days old."""
    days = (days for days in DAYS_KEPT if days >= late)
    good = [image(number, one, policy=policy, expired=one in (7, 8)) for one in days]
    return SeriesView(
        policy=policy,
        condition=Condition.STALE if late else Condition.FRESH,
        stale=late > 0,
        newest_slot=good[0].slot,
        max_age=40 * HOUR,
        next_slot=SLOT + DAY,
        images=(*images, *good),
    )


def odd_ones() -> list[VolumeView]:
    """Return a volume of each kind that needs a look, and one with a hostile name."""
    failing = Trouble(
        result=ExportResult.FAILED,
        reason="Image transfer failed: not enough space on the conversion host",
        at=NOW - HOUR,
        in_a_row=3,
    )
    pending = Pending(
        slot=SLOT, requested=False, since=NOW - HOUR, deadline=NOW + HOUR, image_id=""
    )
    late = series(3, unfinished(3, ImageState.FAILED, 1), late=5)
    new = SeriesView(
        policy="weekly",
        condition=Condition.NEVER_EXPORTED,
        first_seen=NOW - 5 * HOUR,
        due_slot=SLOT,
        next_slot=SLOT + 6 * DAY,
        pending=(pending,),
    )
    troubled = series(4, unfinished(4, ImageState.UNKNOWN))
    orphaned = SeriesView(policy="nightly", condition=None, images=(image(6, 60), image(6, 61)))
    return [
        volume(1, series(1), name=HOSTILE),
        volume(2, series(2, unfinished(2, ImageState.PENDING))),
        volume(3, SeriesView(**_fields(late) | {"trouble": failing}), size=2048),
        volume(4, SeriesView(**_fields(troubled) | {"trouble": failing})),
        volume(5, new, name="a-volume-with-a-name-that-is-as-long-as-names-may-be-" * 4),
        volume(6, orphaned),
        volume(7),
        volume(8, series(8, late=2), series(8, policy="weekly")),
    ]


def _fields(one: SeriesView) -> dict[str, object]:
    return {name: getattr(one, name) for name in SeriesView.__slots__}


def fleet_of(count: int, *, unasked: bool = False) -> FleetView:
    """Return a fleet of so many volumes, the first of which are the odd ones."""
    plain = (volume(number, series(number)) for number in range(9, count + 1))
    volumes = tuple(islice((*odd_ones(), *plain), count))
    served = CloudOutcome(cloud="otc", result=CloudResult.SERVED)
    down = CloudOutcome(
        cloud="lab", result=CloudResult.UNAVAILABLE, reason="lab: no answer from 192.0.2.1"
    )
    next_slots = dict.fromkeys(config().policies, SLOT + DAY)
    return FleetView(
        at=NOW,
        config_version="3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
        clouds=(
            CloudView(outcome=served, was_asked=True),
            *((CloudView(outcome=down, was_asked=False),) if unasked else ()),
        ),
        policies=policy_views(config(), volumes, next_slots),
        volumes=volumes,
    )
