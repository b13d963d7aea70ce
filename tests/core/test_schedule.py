"""Schedules: Debian's cron rules on both daylight-saving nights, leap days, and plain refusals."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from volume_images.schedule import (
    newest_slot,
    next_slot,
    slots,
    validate_schedule,
)

BERLIN = "Europe/Berlin"  # 2026: the gap is 29 March 02-03 h, the repeated hour 25 October 02-03 h


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(schedule: str, zone: str, after: str, until: str) -> list[str]:
    found = slots(schedule, zone, at(after), at(until))
    return [f"{slot:%m-%dT%H:%M}" for slot in found]


def test_slots_are_utc_instants_of_the_zones_wall_clock() -> None:
    found = list(slots("0 2 * * *", BERLIN, at("2026-03-01T00:00"), at("2026-03-03T00:00")))

    assert found == [at("2026-03-01T01:00"), at("2026-03-02T01:00")]
    assert {slot.tzinfo for slot in found} == {UTC}


def test_after_is_excluded_and_until_is_included() -> None:
    assert between("0 2 * * *", "UTC", "2026-03-01T02:00", "2026-03-02T02:00") == ["03-02T02:00"]


def test_a_part_of_a_second_neither_adds_nor_loses_a_slot() -> None:
    just_after = at("2026-03-01T02:00:00.5")
    just_before = at("2026-03-01T01:59:59.5")

    assert newest_slot("0 2 * * *", "UTC", just_after) == at("2026-03-01T02:00")
    assert next_slot("0 2 * * *", "UTC", just_before) == at("2026-03-01T02:00")
    assert next_slot("0 2 * * *", "UTC", just_after) == at("2026-03-02T02:00")


@pytest.mark.parametrize(
    ("schedule", "found"),
    [
        ("30 2 * * *", ["03-28T01:30", "03-29T01:00", "03-30T00:30"]),
        ("0,30 2 * * *", ["03-28T01:00", "03-28T01:30", "03-29T01:00", "03-30T00:00"]),
        ("0 2,3 * * *", ["03-28T01:00", "03-28T02:00", "03-29T01:00", "03-30T00:00"]),
        ("0 3 * * *", ["03-28T02:00", "03-29T01:00", "03-30T01:00"]),
    ],
)
def test_a_time_in_the_gap_runs_once_when_the_gap_ends(schedule: str, found: list[str]) -> None:
    assert between(schedule, BERLIN, "2026-03-28T00:00", "2026-03-30T01:00")[: len(found)] == found


@pytest.mark.parametrize(
    ("schedule", "found"),
    [
        ("30 2 * * *", ["10-24T00:30", "10-25T00:30", "10-26T01:30"]),
        ("0,30 2 * * *", ["10-24T00:30", "10-25T00:00", "10-25T00:30", "10-26T01:00"]),
        ("0 3 * * *", ["10-24T01:00", "10-25T02:00", "10-26T02:00"]),
    ],
)
def test_a_time_that_comes_twice_runs_at_its_first_pass(schedule: str, found: list[str]) -> None:
    assert between(schedule, BERLIN, "2026-10-24T00:00", "2026-10-26T03:00")[: len(found)] == found


def test_wildcard_hours_go_by_elapsed_time_over_both_nights() -> None:
    spring = list(slots("0 * * * *", BERLIN, at("2026-03-28T20:00"), at("2026-03-29T06:00")))
    autumn = list(slots("0 * * * *", BERLIN, at("2026-10-24T20:00"), at("2026-10-25T06:00")))

    assert spring == [at("2026-03-28T20:00") + timedelta(hours=hour) for hour in range(1, 11)]
    assert autumn == [at("2026-10-24T20:00") + timedelta(hours=hour) for hour in range(1, 11)]


def test_no_hour_is_lost_where_clocks_change_by_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    spring = between("0 */6 * * *", zone, "2027-10-02T08:00", "2027-10-03T02:00")
    autumn = between("0 */6 * * *", zone, "2028-04-01T08:00", "2028-04-02T02:00")

    assert spring == ["10-02T13:30", "10-02T19:00", "10-03T01:00"]
    assert autumn == ["04-01T13:00", "04-01T19:30", "04-02T01:30"]


@pytest.mark.parametrize(
    ("moment", "newest", "following"),
    [
        ("2026-03-29T00:59:59", "2026-03-28T01:30", "2026-03-29T01:00"),  # 01:59:59, just before
        ("2026-03-29T01:00:00", "2026-03-29T01:00", "2026-03-30T00:30"),  # 03:00, the gap's end
        ("2026-03-29T01:30:00", "2026-03-29T01:00", "2026-03-30T00:30"),  # 03:30, after it
        ("2026-10-25T00:29:59", "2026-10-24T00:30", "2026-10-25T00:30"),  # 02:29:59, first pass
        ("2026-10-25T00:30:00", "2026-10-25T00:30", "2026-10-26T01:30"),  # 02:30, first pass
        ("2026-10-25T01:15:00", "2026-10-25T00:30", "2026-10-26T01:30"),  # 02:15, second pass
        ("2026-10-25T01:45:00", "2026-10-25T00:30", "2026-10-26T01:30"),  # 02:45, second pass
        ("2026-10-25T02:15:00", "2026-10-25T00:30", "2026-10-26T01:30"),  # 03:15, after it
    ],
)
def test_newest_and_next_are_right_before_inside_and_after_both_nights(
    moment: str, newest: str, following: str
) -> None:
    assert newest_slot("30 2 * * *", BERLIN, at(moment)) == at(newest)
    assert next_slot("30 2 * * *", BERLIN, at(moment)) == at(following)


NIGHTS = {
    # New York 2026: the gap is 8 March 02-03 h (07:00 UTC), the repeated hour 1 November 01-02 h.
    ("30 2 * * *", "America/New_York"): [
        ("2026-03-08T06:59", "2026-03-07T07:30", "2026-03-08T07:00"),  # 01:59, just before
        ("2026-03-08T07:00", "2026-03-08T07:00", "2026-03-09T06:30"),  # 03:00, the gap's end
        ("2026-03-08T08:00", "2026-03-08T07:00", "2026-03-09T06:30"),  # 04:00, after it
    ],
    ("30 1 * * *", "America/New_York"): [
        ("2026-11-01T05:29", "2026-10-31T05:30", "2026-11-01T05:30"),  # 01:29, first pass
        ("2026-11-01T05:30", "2026-11-01T05:30", "2026-11-02T06:30"),  # 01:30, first pass
        ("2026-11-01T06:30", "2026-11-01T05:30", "2026-11-02T06:30"),  # 01:30, second pass
        ("2026-11-01T07:00", "2026-11-01T05:30", "2026-11-02T06:30"),  # 02:00, after it
    ],
    # Lord Howe moves by half an hour: the gap is 4 October 2026 02:00-02:30 (15:30 UTC the day
    # before), and 5 April 2026 01:30-02:00 comes twice (first at 14:30 UTC the day before).
    ("15 2 * * *", "Australia/Lord_Howe"): [
        ("2026-10-03T15:29", "2026-10-02T15:45", "2026-10-03T15:30"),  # 01:59, just before
        ("2026-10-03T15:30", "2026-10-03T15:30", "2026-10-04T15:15"),  # 02:30, the gap's end
        ("2026-10-03T16:00", "2026-10-03T15:30", "2026-10-04T15:15"),  # 03:00, after it
    ],
    ("45 1 * * *", "Australia/Lord_Howe"): [
        ("2026-04-04T14:44", "2026-04-03T14:45", "2026-04-04T14:45"),  # 01:44, first pass
        ("2026-04-04T14:45", "2026-04-04T14:45", "2026-04-05T15:15"),  # 01:45, first pass
        ("2026-04-04T15:15", "2026-04-04T14:45", "2026-04-05T15:15"),  # 01:45, second pass
        ("2026-04-04T15:30", "2026-04-04T14:45", "2026-04-05T15:15"),  # 02:00, after it
    ],
    # Apia crossed the date line: 30 December 2011 was no day there. It ended at 10:00 UTC.
    ("30 2 * * *", "Pacific/Apia"): [
        ("2011-12-30T09:59", "2011-12-29T12:30", "2011-12-30T10:00"),  # the 29th, 23:59
        ("2011-12-30T10:00", "2011-12-30T10:00", "2011-12-30T12:30"),  # the 31st, 00:00
        ("2011-12-30T12:30", "2011-12-30T12:30", "2011-12-31T12:30"),  # the 31st, 02:30
    ],
}


@pytest.mark.parametrize(
    ("schedule", "zone", "moment", "newest", "following"),
    [(*where, *vector) for where, vectors in NIGHTS.items() for vector in vectors],
)
def test_other_zones_gaps_and_repeated_hours_skip_and_double_no_slot(
    schedule: str, zone: str, moment: str, newest: str, following: str
) -> None:
    assert newest_slot(schedule, zone, at(moment)) == at(newest)
    assert next_slot(schedule, zone, at(moment)) == at(following)


@pytest.mark.parametrize(
    ("zone", "after"),
    [
        ("America/New_York", "2026-03-07T00:00"),
        ("America/New_York", "2026-10-31T00:00"),
        ("Australia/Lord_Howe", "2026-04-03T00:00"),
        ("Australia/Lord_Howe", "2026-10-02T00:00"),
        ("Pacific/Apia", "2011-12-29T00:00"),
    ],
)
def test_half_hours_go_by_elapsed_time_over_every_change_of_the_clock(
    zone: str, after: str
) -> None:
    start = at(after)
    found = list(slots("*/30 * * * *", zone, start, start + timedelta(days=3)))
    assert found == [start + timedelta(minutes=30 * half) for half in range(1, 145)]


@pytest.mark.parametrize(
    ("schedule", "newest"),
    [
        ("*/10 * * * *", "2026-03-02T02:00"),
        ("0 2 * * MON", "2026-03-02T02:00"),
        ("0 2 * * SUN", "2026-03-01T02:00"),
        ("0 2 15 * *", "2026-02-15T02:00"),
        ("0 2 1 4 *", "2025-04-01T02:00"),
        ("0 2 29 2 *", "2024-02-29T02:00"),
    ],
)
def test_the_newest_slot_is_found_however_rare(schedule: str, newest: str) -> None:
    assert newest_slot(schedule, "UTC", at("2026-03-02T02:05")) == at(newest)


def test_a_leap_day_is_found_over_a_century_without_one() -> None:
    assert newest_slot("0 2 29 2 *", "UTC", at("2104-02-29T01:59")) == at("2096-02-29T02:00")
    assert next_slot("0 2 29 2 *", "UTC", at("2096-02-29T02:00")) == at("2104-02-29T02:00")


def test_the_next_slot_is_found_however_long_before_it_the_newest_one_was() -> None:
    """Leap days that are Fridays or Sundays: twelve years lie between 2092 and 2104."""
    assert newest_slot("0 2 29 2 */5", "UTC", at("2096-03-01T00:00")) == at("2092-02-29T02:00")
    assert next_slot("0 2 29 2 */5", "UTC", at("2096-03-01T00:00")) == at("2104-02-29T02:00")
    assert next_slot("0 2 29 2 */5", "UTC", at("2092-03-01T00:00")) is None


def test_a_schedule_without_a_slot_in_nine_years_has_none() -> None:
    """Leap days that are Sundays: 2004 and 2032."""
    assert newest_slot("0 2 29 2 */7", "UTC", at("2026-03-02T02:05")) is None
    assert next_slot("0 2 29 2 */7", "UTC", at("2004-03-01T00:00")) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("@daily", "write five fields"),
        (" @reboot", "write five fields"),
        ("0 0 2 * * *", "has 6 fields"),
        ("0 2 * *", "has 4 fields"),
        ("", "has 0 fields"),
        ("60 2 * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 2 0 * *", "bad day-of-month"),
        ("0 2 31 2 *", "bad day-of-month"),
        ("0 2 * 13 *", "bad month"),
        ("0 2 * * 8", "bad day-of-week"),
        ("0 5-2 * * *", "bad hour"),
        ("*/0 * * * *", "bad minute"),
        ("0 2 * * MONTAG", "bad day-of-week"),
    ],
)
def test_anything_but_five_field_cron_is_refused_with_what_is_wrong(
    text: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        validate_schedule(text)


fields = st.text(alphabet="0123456789*/,-#LWMONJA ", max_size=12)


@given(st.lists(fields, min_size=5, max_size=5).map(" ".join) | st.text(max_size=30))
@example("1L/2 1#1-3 L/2 1-2/3 ²L")
def test_any_text_is_either_refused_with_a_value_error_or_usable(text: str) -> None:
    try:
        validate_schedule(text)
    except ValueError:
        return
    start = at("2026-03-02T02:05")
    assert all(slot > start for slot in slots(text, "UTC", start, start + timedelta(hours=1)))


ZONES = (
    "UTC",
    BERLIN,
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Kathmandu",
)
SCHEDULES = ("30 2 * * *", "*/15 * * * *", "*/20 2 * * *", "0 */2 * * *", "0 0 * * *", "5 1 * * 7")
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.sampled_from(SCHEDULES), st.sampled_from(ZONES), moments, st.integers(0, 4000))
def test_slots_do_not_depend_on_where_the_reckoning_starts(
    schedule: str, zone: str, start: datetime, minutes: int
) -> None:
    cut = start + timedelta(minutes=minutes)
    end = start + timedelta(days=4)

    whole = list(slots(schedule, zone, start, end))

    assert whole == [*slots(schedule, zone, start, cut), *slots(schedule, zone, cut, end)]
    assert whole == sorted(set(whole))


@given(st.sampled_from(SCHEDULES), st.sampled_from(ZONES), moments)
def test_no_slot_lies_between_the_newest_and_the_next(
    schedule: str, zone: str, moment: datetime
) -> None:
    newest = newest_slot(schedule, zone, moment)
    following = next_slot(schedule, zone, moment)

    assert newest is not None
    assert following is not None
    assert newest <= moment < following
    assert next_slot(schedule, zone, newest) == following
