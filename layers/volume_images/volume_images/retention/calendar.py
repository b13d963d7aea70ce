"""The calendar that retention counts in: buckets of time, and steps back from a moment."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from volume_images.retention.rules import Duration

SLOTS_REMEMBERED = 16_384  # of every hour for almost two years
LONGEST_BUCKETS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "yearly": timedelta(days=366),
}
"""How long a bucket of each tier lasts at most, but for the night that clocks are put back in."""

BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)

Buckets = tuple[int, int, int, int, int]
"""A number for each of `LONGEST_BUCKETS`, in their order."""


class RetentionCalendar:
    """The buckets of one time zone; its hours are those of UTC, unless asked otherwise."""

    def __init__(self, timezone: str, *, local_hours: bool) -> None:
        self._zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
        self._local_hours = local_hours
        self.remembered: dict[float, Buckets] = {}

    def buckets(self, times: Iterable[datetime]) -> list[Buckets]:
        """Return the buckets of times in UTC, worked out once: a fleet's volumes share their slots.

        They are remembered by timestamp, since hashing a datetime takes three times as long: that
        takes another tenth off judging a fleet.
        """
        found: list[Buckets] = []
        for time in times:
            timestamp = time.timestamp()
            buckets = self.remembered.get(timestamp)
            if buckets is None:
                if len(self.remembered) >= SLOTS_REMEMBERED:
                    self.remembered.clear()
                buckets = self.remembered[timestamp] = self._buckets_of(time)
            found.append(buckets)
        return found

    def _buckets_of(self, time: datetime) -> Buckets:
        local = self._local(time)
        hour = local if self._local_hours else time
        iso = local.isocalendar()
        return (
            hour.toordinal() * 24 + hour.hour,
            local.toordinal(),
            iso.year * 100 + iso.week,
            local.year * 100 + local.month,
            local.year,
        )

    def before(self, time: datetime, duration: Duration) -> datetime:
        """Go back by calendar steps on the zone's wall clock, then by the hours as elapsed time.

        A day that a month does not have runs over into the next one, as in Go's `AddDate`, which
        restic uses: 31 March - 1m is "31 February", so 3 March, or 2 March in a leap year.
        """
        local = self._local(time)
        months = (local.year - duration.years) * 12 + local.month - 1 - duration.months
        year, month = divmod(months, 12)
        try:
            first = date(year, month + 1, 1)
            day = date.fromordinal(first.toordinal() + local.day - 1 - duration.days)
            stepped = datetime.combine(day, local.timetz())
            return stepped.astimezone(UTC) - timedelta(hours=duration.hours)
        except (ValueError, OverflowError):  # as by 9999y: dates do not reach back so far
            return BEGINNING_OF_TIME

    def _local(self, time: datetime) -> datetime:
        if self._zone is UTC:
            return time
        try:
            return time.astimezone(self._zone)
        except OverflowError:  # within a day of either end of the calendar
            return time


@lru_cache
def retention_calendar(timezone: str, *, local_hours: bool) -> RetentionCalendar:
    """Return the calendar of a zone: the same one each time, for what it remembers."""
    return RetentionCalendar(timezone, local_hours=local_hours)
