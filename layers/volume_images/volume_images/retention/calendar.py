"""The calendar that retention counts in: buckets of time, and steps back from a moment."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from volume_images.retention.rules import Duration

BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)


class RetentionCalendar:
    """Days, weeks, months and years of one time zone; hours of UTC, unless asked otherwise."""

    def __init__(self, timezone: str, *, local_hours: bool = False) -> None:
        self._zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
        self._local_hours = local_hours

    def buckets(self, time: datetime) -> tuple[int, int, int, int, int]:
        """Return a number each for the hour, day, ISO week, month and year of a time in UTC."""
        local = self._local(time)
        hour = local if self._local_hours else time
        return hour.toordinal() * 24 + hour.hour, *_date_buckets(local.date())

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


@lru_cache(maxsize=4096)  # more than ten years of days, which the images of a fleet share
def _date_buckets(day: date) -> tuple[int, int, int, int]:
    iso = day.isocalendar()
    return day.toordinal(), iso.year * 100 + iso.week, day.year * 100 + day.month, day.year
