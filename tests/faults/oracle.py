"""When a schedule is due, worked out by looking at every quarter of an hour on a wall clock.

Knows nothing of the product's own schedules. Daylight saving goes by cron(8) of Debian: a job at
fixed times runs once on either night, at once if its time was skipped, and not again if its time
comes twice; a job with `*` in its minutes or hours goes by elapsed time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
SUNDAY = 7


@lru_cache(maxsize=64)
def due_times(schedule: str, timezone: str, after: datetime, until: datetime) -> list[datetime]:
    """Return the times with `after < time <= until`; all minutes must be quarters of hours."""
    cron = Cron(schedule)
    start = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [time for time in _due(cron, ZoneInfo(timezone), start, until) if after < time]


class Cron:
    """Five fields, of which each is `*`, numbers, ranges or steps."""

    def __init__(self, text: str) -> None:
        minutes, hours, days, months, weekdays = text.split()
        self.minutes = _numbers(minutes, 0, 59)
        self.hours = _numbers(hours, 0, 23)
        self.days = _numbers(days, 1, 31)
        self.months = _numbers(months, 1, 12)
        self.weekdays = {day % SUNDAY for day in _numbers(weekdays, 0, 7)}
        self.any_day = days.startswith("*") or weekdays.startswith("*")
        self.is_fixed = not (minutes.startswith("*") or hours.startswith("*"))
        assert all(minute % 15 == 0 for minute in self.minutes)

    def matches(self, wall: datetime) -> bool:
        """Whether a wall clock shows a time of this job."""
        day = wall.day in self.days
        weekday = wall.isoweekday() % SUNDAY in self.weekdays
        return (
            wall.minute in self.minutes
            and wall.hour in self.hours
            and wall.month in self.months
            and (day and weekday if self.any_day else day or weekday)
        )


def _due(cron: Cron, zone: ZoneInfo, start: datetime, until: datetime) -> Iterator[datetime]:
    time = start
    wall_before = (start - QUARTER).astimezone(zone).replace(tzinfo=None)
    newest_wall = wall_before
    while time <= until:
        wall = time.astimezone(zone).replace(tzinfo=None)
        if not cron.is_fixed:
            is_due = cron.matches(wall)
        elif wall <= newest_wall:
            is_due = False  # the wall clock shows this time again
        elif wall - wall_before > QUARTER:
            skipped = (wall - wall_before) // QUARTER
            is_due = any(cron.matches(wall - QUARTER * back) for back in range(skipped))
        else:
            is_due = cron.matches(wall)
        if is_due:
            yield time
        wall_before, newest_wall = wall, max(wall, newest_wall)
        time += QUARTER


def _numbers(field: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = least if first == "*" else int(first)
        end = most if first == "*" else int(last or first)
        found |= set(range(begin, end + 1, int(step or 1)))
    return found
