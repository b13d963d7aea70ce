"""Whether each covered volume has a good image that is young enough."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.cleanup.state import Series
from volume_images.report import Freshness, FreshnessState
from volume_images.schedule import SLOT_AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A volume under a policy; without `max_age` it is never stale."""

    cloud: str
    policy: str
    volume_id: str
    max_age: timedelta | None


def freshness(covered: Covered, series: Series, now: datetime) -> Freshness:
    """Compare a series' newest good slot with `max_age`.

    A volume that was never exported is counted from when it was first seen under the policy.
    """
    counted_from = series.newest_slot or series.first_seen
    stale = covered.max_age is not None and now - counted_from > covered.max_age
    if series.newest_slot is None:
        state = FreshnessState.NEVER_EXPORTED
    else:
        state = FreshnessState.STALE if stale else FreshnessState.FRESH
    return Freshness(
        cloud=covered.cloud,
        policy=covered.policy,
        volume_id=covered.volume_id,
        state=state,
        newest_slot=series.newest_slot,
        stale=stale,
    )


def newest_slot(slots: Iterable[datetime], now: datetime) -> datetime | None:
    """Return the newest of the slots of good images that is not in the future."""
    return max((slot for slot in slots if slot <= now + SLOT_AHEAD), default=None)
