"""Schedules: five-field cron in an IANA time zone -> slots, as instants in UTC.

Daylight saving follows Debian's cron. A job at fixed hours and minutes runs once on either night:
at the first of two equal wall-clock times, or when the gap ends if its time does not exist. A job
with `*` in its minutes or hours goes by elapsed time.

Slots are only ever computed forward: run backward, cron libraries slip in the repeated hour.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

# How far back the newest slot is looked for: the first span that holds one. The last finds every
# leap day, also around a year like 2100 that has none.
_LOOK_BACK = (
    timedelta(hours=48),
    timedelta(days=32),
    timedelta(days=366),
    timedelta(days=9 * 366),
)


def validate_schedule(text: str) -> None:
    """Raise ValueError unless this is five-field cron: no seconds, no `@daily`."""
    if text.lstrip().startswith("@"):
        raise ValueError(f"{text!r} is no schedule here: write five fields, as in '0 2 * * *'")
    count = len(text.split())
    if count != len(("minute", "hour", "day", "month", "weekday")):
        raise ValueError(
            f"{text!r} has {count} fields: write five (minute hour day month weekday),"
            " as in '0 2 * * *'"
        )
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"{text!r} is no schedule: {str(error).lower()}") from None


def slots(schedule: str, timezone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the slots with `after < slot <= until`, in UTC, oldest first."""
    validate_schedule(schedule)
    start = after.astimezone(ZoneInfo(timezone))
    for local in CronSim(schedule, start):
        slot = local.astimezone(UTC)
        if slot > until:
            return
        # From within a repeated hour, cronsim also yields what is due in its first pass.
        if slot > after:
            yield slot


def newest_slot(schedule: str, timezone: str, at: datetime) -> datetime | None:
    """Return the newest slot at or before `at`; None when nine years hold none."""
    newest = (max(slots(schedule, timezone, at - span, at), default=None) for span in _LOOK_BACK)
    return next(filter(None, newest), None)


def next_slot(schedule: str, timezone: str, after: datetime) -> datetime | None:
    """Return the first slot later than `after`; None when nine years hold none."""
    return next(slots(schedule, timezone, after, after + _LOOK_BACK[-1]), None)
