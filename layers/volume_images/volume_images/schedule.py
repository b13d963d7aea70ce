"""Schedules: five-field cron in an IANA time zone -> slots, as instants in UTC.

Daylight saving follows Debian's cron. A job at fixed hours and minutes runs once on either night:
at the first of two equal wall-clock times, or when the gap ends if its time does not exist. A job
with `*` in its minutes or hours goes by elapsed time.

Slots are only ever computed forward: run backward, cron libraries slip in the repeated hour.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

SLOT_AHEAD = timedelta(minutes=5)
"""A slot may lie this far in the future, as clocks differ; one beyond does not count yet."""

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)

# How far back the newest slot is looked for: the first span that holds one. The last finds every
# leap day, also around a year like 2100 that has none.
_LOOK_BACK = (
    timedelta(hours=2),
    timedelta(hours=48),
    timedelta(days=32),
    timedelta(days=366),
    timedelta(days=9 * 366),
)


@lru_cache(maxsize=1024)  # each state that is read names its schedules
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


def slots(schedule: str, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the slots with `after < slot <= until`, in UTC, oldest first."""
    validate_schedule(schedule)
    if any(field.startswith("*") for field in schedule.split()[:2]):
        yield from _by_elapsed_time(schedule, ZoneInfo(zone), after, until)
        return
    start = after.astimezone(ZoneInfo(zone))
    for local in CronSim(schedule, start):
        slot = local.astimezone(UTC)
        if slot > until:
            return
        # From within a repeated hour, cronsim also yields what is due in its first pass.
        if slot > after:
            yield slot


def newest_slot(schedule: str, zone: str, at: datetime) -> datetime | None:
    """Return the newest slot at or before `at`; None when nine years hold none."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = _slots_of_day(schedule, zone, midnight)
    return max((slot for slot in day if slot <= at), default=None)


@lru_cache(maxsize=256)  # each of a day's ticks asks it of every policy, in each of its clouds
def _slots_of_day(schedule: str, zone: str, midnight: datetime) -> tuple[datetime, ...]:
    """Return the slots of the day after a midnight, and the newest one before, if there is one."""
    before = (
        max(slots(schedule, zone, midnight - span, midnight), default=None) for span in _LOOK_BACK
    )
    newest = next(filter(None, before), None)
    return (*([newest] if newest else []), *slots(schedule, zone, midnight, midnight + _DAY))


def next_slot(schedule: str, zone: str, after: datetime) -> datetime | None:
    """Return the first slot later than `after`; None when nine years hold none."""
    newest = newest_slot(schedule, zone, after)
    following = _following(schedule, zone, after if newest is None else newest)
    return following if following is not None and following <= after + _LOOK_BACK[-1] else None


@lru_cache(maxsize=1024)  # whenever it is asked for, between two slots it is the same one
def _following(schedule: str, zone: str, slot: datetime) -> datetime | None:
    return next(slots(schedule, zone, slot, slot + 2 * _LOOK_BACK[-1]), None)


def _by_elapsed_time(
    schedule: str, zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Yield the slots of a job with `*` in its minutes or hours, from one clock change to the next.

    Between two changes a zone is one offset from UTC. Over a change of half an hour (Lord Howe)
    cronsim loses the hour that follows.
    """
    position: datetime | None = after
    while position is not None:
        offset = _offset(zone, position + _SECOND)
        begin, position = position, None
        for local in CronSim(schedule, begin.astimezone(timezone(offset))):
            slot = local.astimezone(UTC)
            change = _next_change(zone, begin, min(slot, until))
            if change is not None:
                position = change - _SECOND
                break
            if slot > until:
                return
            yield slot
            begin = slot


def _next_change(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return when the zone first has another offset than right after `after`."""
    offset = _offset(zone, after + _SECOND)
    begin = after + _SECOND
    while begin < until:
        end = min(begin + timedelta(days=1), until)
        if _offset(zone, end) == offset:
            begin = end
            continue
        while end - begin > _SECOND:
            middle = begin + (end - begin) // 2
            begin, end = (middle, end) if _offset(zone, middle) == offset else (begin, middle)
        return end.replace(microsecond=0)
    return None


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
