"""The calendar of retention: which times share an hour, a day, a week, a month, a year."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volume_images.retention.calendar import (
    BEGINNING_OF_TIME,
    LONGEST_BUCKETS,
    SLOTS_REMEMBERED,
    RetentionCalendar,
    retention_calendar,
)
from volume_images.retention.rules import Duration

HOUR = timedelta(hours=1)

times = st.datetimes(datetime(2019, 12, 1), datetime(2022, 2, 1)).map(  # noqa: DTZ001
    lambda time: time.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
)


def shared(first: datetime, second: datetime) -> dict[str, bool]:
    calendar = retention_calendar("UTC", local_hours=False)
    pairs = zip(*calendar.buckets([first, second]), strict=True)
    return dict(zip(LONGEST_BUCKETS, (one == other for one, other in pairs), strict=True))


@given(times, times)
def test_two_times_share_a_bucket_if_the_calendar_says_so(
    first: datetime, second: datetime
) -> None:
    assert shared(first, second) == {
        "hourly": first == second,
        "daily": first.date() == second.date(),
        "weekly": first.isocalendar()[:2] == second.isocalendar()[:2],
        "monthly": (first.year, first.month) == (second.year, second.month),
        "yearly": first.year == second.year,
    }


def test_the_longest_bucket_of_each_tier_is_as_long_as_is_said() -> None:
    """Over all hours from 2027 to 2029: 2028 is a leap year."""
    hours = [datetime(2027, 1, 1, tzinfo=UTC) + hour * HOUR for hour in range(3 * 366 * 24)]
    tiers = zip(*retention_calendar("UTC", local_hours=False).buckets(hours), strict=True)
    longest = [max(Counter(tier).values()) * HOUR for tier in tiers]
    assert longest == list(LONGEST_BUCKETS.values())


@pytest.mark.parametrize(
    ("tier", "first", "second"),
    [
        ("hourly", datetime(2021, 3, 1, 5, tzinfo=UTC), datetime(2021, 3, 2, 4, tzinfo=UTC)),
        ("weekly", datetime(2020, 1, 8, tzinfo=UTC), datetime(2021, 1, 6, tzinfo=UTC)),  # 2 and 1
        ("monthly", datetime(2020, 2, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_later_year_does_not_make_up_for_an_earlier_week(
    tier: str, first: datetime, second: datetime
) -> None:
    assert not shared(first, second)[tier]


def test_no_more_times_are_remembered_than_a_fleet_needs() -> None:
    calendar = RetentionCalendar("UTC", local_hours=False)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    calendar.buckets(start + timedelta(hours=hour) for hour in range(SLOTS_REMEMBERED))

    assert len(calendar.remembered) == SLOTS_REMEMBERED
    assert calendar.buckets([start - timedelta(hours=1)])[0][-1] == 2019
    assert len(calendar.remembered) == 1


def test_a_day_back_keeps_the_wall_clock_and_24_hours_do_not() -> None:
    """Berlin's clocks went forward on 29 March 2026."""
    calendar = retention_calendar("Europe/Berlin", local_hours=False)
    noon = datetime(2026, 3, 29, 10, tzinfo=UTC)

    assert calendar.before(noon, Duration(days=1)) == datetime(2026, 3, 28, 11, tzinfo=UTC)
    assert calendar.before(noon, Duration(hours=24)) == datetime(2026, 3, 28, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        (Duration(months=1), datetime(2021, 3, 3, 2, tzinfo=UTC)),
        (Duration(years=1, months=1), datetime(2020, 3, 2, 2, tzinfo=UTC)),
        (Duration(months=15), datetime(2019, 12, 31, 2, tzinfo=UTC)),
        (Duration(months=3, days=31), datetime(2020, 11, 30, 2, tzinfo=UTC)),
        (Duration(years=9999), BEGINNING_OF_TIME),
    ],
)
def test_months_and_years_step_back_on_the_calendar(back: Duration, expected: datetime) -> None:
    """From 31 March 2021; a day that a month does not have runs over into the next one."""
    calendar = retention_calendar("UTC", local_hours=False)

    assert calendar.before(datetime(2021, 3, 31, 2, tzinfo=UTC), back) == expected
