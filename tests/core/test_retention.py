"""Retention: restic's semantics by vectors (E1-E14), and what differs for a fleet (D1-D6)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from volume_images.errors import EmptyPolicy, PolicyWouldEmptyGroup, SafetyStop
from volume_images.retention.judging import Candidate, State, Verdict, judge
from volume_images.retention.rules import COUNT_RULES, WINDOW_RULES, RetentionRules

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def image(text: str, **facts: object) -> Candidate:
    """Make an image that was created at its slot, and has that time for its id."""
    defaults = {"id": text, "time": at(text), "created_at": at(text)}
    return Candidate(**(defaults | facts))


def verdicts(
    images: list[Candidate], rules: dict[str, object], **how: object
) -> dict[str, Verdict]:
    how = {"timezone": "UTC", "now": NOW} | how
    return {each.id: each for each in judge(images, RetentionRules(**rules), **how)}


def kept(
    images: list[Candidate], rules: dict[str, object], **how: object
) -> dict[str, tuple[str, ...]]:
    judged = verdicts(images, rules, **how)
    return {each.id: each.reasons for each in judged.values() if each.keep}


def kept_strictly(
    times: list[str], rules: dict[str, object], **how: object
) -> dict[str, tuple[str, ...]]:
    return kept([image(time) for time in times], rules, strict=True, **how)


# restic's semantics, in strict mode.

NEW_YEAR = ["2020-12-28T02:00", "2021-01-01T02:00", "2021-01-03T02:00", "2021-01-04T02:00"]


def test_e1_an_iso_week_may_span_two_years() -> None:
    assert kept_strictly(NEW_YEAR, {"keep_weekly": 2}) == {
        "2021-01-04T02:00": ("weekly",),
        "2021-01-03T02:00": ("weekly",),
    }


def test_e2_the_oldest_image_takes_a_place_that_is_left() -> None:
    assert kept_strictly(NEW_YEAR, {"keep_weekly": 3}) == {
        "2021-01-04T02:00": ("weekly",),
        "2021-01-03T02:00": ("weekly",),
        "2020-12-28T02:00": ("oldest weekly",),
    }


def test_e3_a_month_back_from_the_31st_of_march_is_the_3rd() -> None:
    times = [
        "2021-03-02T23:59:59",
        "2021-03-03T00:00:00",
        "2021-03-03T00:00:01",
        "2021-03-31T00:00",
    ]

    assert set(kept_strictly(times, {"keep_within": "1m"})) == {
        "2021-03-03T00:00:01",
        "2021-03-31T00:00",
    }


def test_e4_an_image_exactly_at_the_start_of_a_window_is_not_in_it() -> None:
    times = ["2021-05-01T10:00:00", "2021-05-01T10:00:01", "2021-05-02T10:00:00"]

    assert set(kept_strictly(times, {"keep_within": "1d"})) == {
        "2021-05-01T10:00:01",
        "2021-05-02T10:00:00",
    }


def test_e5_a_year_back_from_a_leap_day_is_the_1st_of_march() -> None:
    times = [
        "2023-02-28T02:00:01",
        "2023-03-01T02:00:00",
        "2023-03-01T02:00:01",
        "2024-02-29T02:00",
    ]

    assert set(kept_strictly(times, {"keep_within": "1y"})) == {
        "2023-03-01T02:00:01",
        "2024-02-29T02:00",
    }


def test_e6_images_of_the_same_instant_take_a_place_each() -> None:
    same = [image("2021-01-01T02:00", id=name) for name in "abc"]

    assert kept(same, {"keep_last": 2}, strict=True) == {"c": ("last",), "b": ("last",)}
    assert kept(same, {"keep_daily": 2}, strict=True) == {"c": ("daily",), "a": ("oldest daily",)}


def test_e7_the_oldest_takes_a_place_of_its_own_day_only_if_one_is_left() -> None:
    times = ["2025-01-01T02:00", "2025-01-01T14:00"]

    assert kept_strictly(times, {"keep_daily": 2}) == {
        "2025-01-01T14:00": ("daily",),
        "2025-01-01T02:00": ("oldest daily",),
    }
    assert kept_strictly(times, {"keep_daily": 1}) == {"2025-01-01T14:00": ("daily",)}


def test_e8_one_image_may_serve_several_rules() -> None:
    ten_days = [f"2025-01-{day:02}T02:00" for day in range(1, 11)]

    assert kept_strictly(ten_days, {"keep_last": 2, "keep_weekly": 1}) == {
        "2025-01-10T02:00": ("last", "weekly"),
        "2025-01-09T02:00": ("last",),
    }


def test_e9_months_are_those_of_the_time_zone() -> None:
    times = ["2025-03-31T15:30", "2025-03-31T16:30"]

    assert set(kept_strictly(times, {"keep_monthly": 1})) == {"2025-03-31T16:30"}
    assert kept_strictly(times, {"keep_monthly": 2}, timezone="Asia/Shanghai") == {
        "2025-03-31T16:30": ("monthly",),
        "2025-03-31T15:30": ("monthly",),
    }


VIENNA_NIGHT = ["2017-10-28T23:30", "2017-10-29T00:30", "2017-10-29T01:30", "2017-10-29T02:30"]


def test_e10_local_hours_lose_one_of_a_repeated_hour_and_hours_of_utc_do_not() -> None:
    rules = {"keep_hourly": 3}
    images = [image(time) for time in VIENNA_NIGHT]

    local = kept(images, rules, timezone="Europe/Vienna", strict=True)
    ours = kept(images, rules, timezone="Europe/Vienna")

    assert set(local) == {"2017-10-29T02:30", "2017-10-29T01:30", "2017-10-28T23:30"}
    assert set(ours) == {"2017-10-29T02:30", "2017-10-29T01:30", "2017-10-29T00:30"}


def test_e11_restic_lets_an_image_of_the_future_take_the_place_of_real_ones() -> None:
    times = ["2025-12-30T02:00", "2025-12-31T02:00", "2030-01-01T02:00"]

    assert kept_strictly(times, {"keep_last": 1}, now=at("2026-01-01T00:00")) == {
        "2030-01-01T02:00": ("last",)
    }


def test_e12_with_images_of_the_future_alone_every_window_holds_all() -> None:
    times = ["2030-01-01T02:00", "2031-01-01T02:00", "2032-01-01T02:00"]

    assert set(kept_strictly(times, {"keep_within": "1d"}, now=at("2026-01-01T00:00"))) == set(
        times
    )


def test_e13_a_year_of_dailies_keeps_days_sundays_month_ends_and_the_first() -> None:
    start = date(2025, 1, 1)
    days = [f"{start + timedelta(days=day)}T02:00" for day in range(400)]
    rules = {"keep_daily": 7, "keep_weekly": 5, "keep_monthly": 12, "keep_yearly": 3}
    expected = [
        *("2026-02-04", "2026-02-03", "2026-02-02", "2026-02-01"),
        *("2026-01-31", "2026-01-30", "2026-01-29"),
        *("2026-01-25", "2026-01-18", "2026-01-11"),
        *("2025-12-31", "2025-11-30", "2025-10-31", "2025-09-30", "2025-08-31", "2025-07-31"),
        *("2025-06-30", "2025-05-31", "2025-04-30", "2025-03-31"),
        "2025-01-01",
    ]

    survivors = kept_strictly(days, rules)

    assert sorted(survivors) == sorted(f"{day}T02:00" for day in expected)
    assert survivors["2026-02-04T02:00"] == ("daily", "weekly", "monthly", "yearly")
    assert survivors["2025-12-31T02:00"] == ("monthly", "yearly")
    assert survivors["2025-01-01T02:00"] == ("oldest yearly",)


@pytest.mark.parametrize("strict", [True, False])
def test_e14_rules_that_keep_nothing_or_would_empty_the_group_stop(strict: bool) -> None:  # noqa: FBT001
    images = [image("2025-01-01T02:00"), image("2025-01-02T02:00")]

    with pytest.raises(EmptyPolicy, match="no retention rule keeps anything"):
        verdicts(images, {"keep_last": 0, "min_keep": 5}, strict=strict)
    with pytest.raises(PolicyWouldEmptyGroup, match="keep none of 2 images"):
        verdicts(images, {"min_keep": 5}, keep_labels=[["unheard-of"]], strict=strict)
    assert issubclass(EmptyPolicy, SafetyStop)
    assert issubclass(PolicyWouldEmptyGroup, SafetyStop)


def test_an_empty_group_is_not_emptied() -> None:
    assert judge([], RetentionRules(keep_last=1), timezone="UTC", now=NOW) == ()


def test_without_the_oldest_rule_a_place_that_is_left_stays_empty() -> None:
    assert kept_strictly(NEW_YEAR, {"keep_weekly": 3}, oldest_rule=False) == {
        "2021-01-04T02:00": ("weekly",),
        "2021-01-03T02:00": ("weekly",),
    }


def test_windows_of_a_tier_keep_the_newest_of_each_bucket_without_counting() -> None:
    times = ["2025-01-01T02:00", "2025-01-09T02:00", "2025-01-10T02:00", "2025-01-10T14:00"]

    assert kept_strictly(times, {"keep_within_daily": "7d"}) == {
        "2025-01-10T14:00": ("daily within",),
        "2025-01-09T02:00": ("daily within",),
    }


def test_windows_count_from_the_newest_image_before_now() -> None:
    """An image of this very moment is not past yet: then windows count from the one before it."""
    times = ["2025-01-01T00:00", "2025-01-01T14:00", "2025-01-03T02:00"]

    assert kept_strictly(times, {"keep_within": "1d"}, now=at("2025-01-03T02:00")) == dict.fromkeys(
        times, ("within",)
    )
    assert kept_strictly(times, {"keep_within": "1d"}, now=at("2025-01-03T02:01")) == {
        "2025-01-03T02:00": ("within",)
    }


def test_labels_keep_what_has_all_labels_of_any_set() -> None:
    images = [
        image("2025-01-01T02:00", labels=frozenset({"backup", "prod"})),
        image("2025-01-02T02:00", labels=frozenset({"backup"})),
        image("2025-01-03T02:00", labels=frozenset({"forever"})),
        image("2025-01-04T02:00"),
    ]
    labels = [["prod", "backup"], ["forever"]]

    assert kept(images, {}, keep_labels=labels, strict=True) == {
        "2025-01-01T02:00": ("labels",),
        "2025-01-03T02:00": ("labels",),
    }
    assert kept(images[:3], {"keep_last": 1}, keep_labels=labels) == {
        "2025-01-01T02:00": ("labels backup,prod",),
        "2025-01-03T02:00": ("labels forever", "keep_last 1/1"),
    }


def test_a_window_longer_than_the_calendar_holds_everything() -> None:
    times = ["0001-01-01T00:00:01", "2025-01-01T02:00"]

    for window in ("9999y", "999999999999m", "99999999999d", "99999999999999h"):
        assert set(kept_strictly(times, {"keep_within": window})) == set(times)


@pytest.mark.parametrize("timezone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_are_judged_in_every_zone(timezone: str) -> None:
    times = ["0001-01-01T00:00:00", "9999-12-31T23:59:59"]

    survivors = kept_strictly(times, {"keep_daily": 2, "keep_within": "1y"}, timezone=timezone)

    assert set(survivors) == set(times)


def test_windows_step_back_on_the_zones_wall_clock_and_hours_as_elapsed_time() -> None:
    """Berlin's 29 March 2026 has 23 hours: a day back from 12:00 is 12:00, 24 h back is 11:00."""
    day = ["2026-03-28T11:00:00", "2026-03-28T11:00:01", "2026-03-29T10:00"]
    hours = ["2026-03-28T10:00:00", "2026-03-28T10:00:01", "2026-03-29T10:00"]

    assert set(kept_strictly(day, {"keep_within": "1d"}, timezone="Europe/Berlin")) == set(day[1:])
    assert set(kept_strictly(hours, {"keep_within": "24h"}, timezone="Europe/Berlin")) == set(
        hours[1:]
    )


# What differs for the images of a fleet.


def test_d1_an_image_of_the_future_is_kept_and_takes_no_place() -> None:
    images = [image("2025-12-30T02:00"), image("2025-12-31T02:00"), image("2030-01-01T02:00")]

    assert kept(images, {"keep_last": 1}, now=at("2026-01-01T00:00")) == {
        "2025-12-31T02:00": ("keep_last 1/1",),
        "2030-01-01T02:00": ("future",),
    }


def test_d1_clocks_may_differ_by_the_allowance() -> None:
    now = at("2026-01-01T02:00")
    images = [image("2026-01-01T02:05"), image("2026-01-01T02:05:01")]

    assert kept(images, {"keep_last": 1}, now=now) == {
        "2026-01-01T02:05": ("keep_last 1/1",),
        "2026-01-01T02:05:01": ("future",),
    }
    assert kept(images, {"keep_last": 1}, now=now, future_allowance=timedelta()) == {
        "2026-01-01T02:05": ("future",),
        "2026-01-01T02:05:01": ("future",),
    }


def test_d1_a_pinned_image_within_the_allowance_is_not_of_the_future() -> None:
    now = at("2026-01-01T02:00")
    images = [image("2026-01-01T02:05", pinned=True), image("2026-01-01T01:00")]

    assert kept(images, {"keep_last": 1}, now=now)["2026-01-01T02:05"] == ("pinned",)


def test_d2_a_slot_has_one_place_and_its_first_image_holds_it() -> None:
    slot = at("2026-01-01T02:00")
    images = [
        image("2025-12-31T02:00"),
        image("2026-01-01T02:00", id="c", created_at=slot + timedelta(minutes=3)),
        image("2026-01-01T02:00", id="b", created_at=slot + timedelta(minutes=1)),
        image("2026-01-01T02:00", id="a", created_at=slot + timedelta(minutes=3)),
    ]

    assert verdicts(images, {"keep_last": 2}) == {
        "2025-12-31T02:00": Verdict("2025-12-31T02:00", keep=True, reasons=("keep_last 2/2",)),
        "a": Verdict("a", keep=False, reasons=("duplicate of b",), duplicate_of="b"),
        "b": Verdict("b", keep=True, reasons=("keep_last 1/2",)),
        "c": Verdict("c", keep=False, reasons=("duplicate of b",), duplicate_of="b"),
    }


def test_d2_of_images_created_together_the_smaller_id_holds_the_slot() -> None:
    same = [image("2026-01-01T02:00", id=name) for name in ("c", "a", "b")]

    assert kept(same, {"keep_last": 3}) == {"a": ("keep_last 1/3",)}


def test_d2_a_pinned_image_holds_its_slot_before_an_earlier_one() -> None:
    images = [
        image("2026-01-01T02:00", id="earlier"),
        image("2026-01-01T02:00", id="pinned", created_at=at("2026-01-01T03:00"), pinned=True),
        image("2025-12-31T02:00", id="yesterday"),
    ]

    judged = verdicts(images, {"keep_last": 1})

    assert judged["pinned"].reasons == ("pinned",)
    assert judged["earlier"] == Verdict("earlier", False, ("duplicate of pinned",), "pinned")  # noqa: FBT003
    assert judged["yesterday"].reasons == ("keep_last 1/1",)


def test_d2_only_good_images_take_places_or_hold_slots() -> None:
    images = [
        image("2026-01-01T02:00", id="failed", state=State.FAILED),
        image("2026-01-01T02:00", id="good", created_at=at("2026-01-01T03:00")),
        image("2026-01-02T02:00", id="unknown", state=State.UNKNOWN, why="deployment ab12"),
        image("2026-01-03T02:00", id="pending", state=State.PENDING),
    ]

    assert kept(images, {"keep_last": 1}) == {
        "failed": ("failed",),
        "good": ("keep_last 1/1",),
        "unknown": ("unknown: deployment ab12",),
        "pending": ("pending",),
    }


def test_d3_pinned_and_protected_images_are_kept_and_take_no_place() -> None:
    images = [
        image("2026-01-01T02:00"),
        image("2026-01-02T02:00"),
        image("2026-01-03T02:00", pinned=True),
        image("2026-01-04T02:00", protected=True),
        image("2026-01-05T02:00", pinned=True, protected=True),
    ]

    assert kept(images, {"keep_last": 1}) == {
        "2026-01-02T02:00": ("keep_last 1/1",),
        "2026-01-03T02:00": ("pinned",),
        "2026-01-04T02:00": ("protected",),
        "2026-01-05T02:00": ("pinned", "protected"),
    }


def test_d3_a_protected_duplicate_stays() -> None:
    images = [
        image("2026-01-01T02:00", id="first"),
        image("2026-01-01T02:00", id="held", created_at=at("2026-01-01T03:00"), protected=True),
    ]

    assert kept(images, {"keep_last": 1}) == {"first": ("keep_last 1/1",), "held": ("protected",)}


def test_every_reason_to_stay_apart_is_named() -> None:
    odd = image("2030-01-01T02:00", pinned=True, state=State.UNKNOWN, why="status deactivated")

    assert kept([odd], {"keep_last": 1}) == {
        odd.id: ("pinned", "future", "unknown: status deactivated")
    }


def test_d4_the_newest_images_stay_whatever_the_rules_say() -> None:
    images = [image(f"2026-01-0{day}T02:00") for day in range(1, 6)]

    assert kept(images, {"keep_last": 1, "min_keep": 3}) == {
        "2026-01-05T02:00": ("keep_last 1/1",),
        "2026-01-04T02:00": ("floor 2/3",),
        "2026-01-03T02:00": ("floor 3/3",),
    }


def test_d4_the_floor_alone_keeps_the_newest_beside_a_label() -> None:
    images = [
        image("2026-01-01T02:00", labels=frozenset({"golden"})),
        image("2026-01-02T02:00"),
        image("2026-01-03T02:00"),
    ]

    assert kept(images, {}, keep_labels=[["golden"]]) == {
        "2026-01-01T02:00": ("labels golden",),
        "2026-01-03T02:00": ("floor 1/1",),
    }


def test_d4_pinned_images_do_not_fill_the_floor() -> None:
    images = [image("2026-01-01T02:00"), image("2026-01-02T02:00"), image("2026-01-03T02:00")]
    images[2] = replace(images[2], pinned=True)

    assert kept(images, {"keep_last": 1, "min_keep": 2}) == {
        "2026-01-01T02:00": ("floor 2/2",),
        "2026-01-02T02:00": ("keep_last 1/1",),
        "2026-01-03T02:00": ("pinned",),
    }


def test_d5_the_slot_counts_and_not_when_the_cloud_created_it() -> None:
    """A day's image, created after midnight, stays the image of its day."""
    late = image("2026-01-01T23:00", created_at=at("2026-01-02T00:40"))
    following = image("2026-01-02T23:00")

    assert set(kept([late, following], {"keep_daily": 2}, oldest_rule=False)) == {
        late.id,
        following.id,
    }
    assert set(kept([late, following], {"keep_daily": 2}, oldest_rule=False, strict=True)) == {
        following.id
    }


def test_d6_days_are_those_of_the_zone_and_hours_those_of_utc() -> None:
    """Kathmandu is 5:45 ahead: 18:20 UTC is 00:05 there, and 18:20 and 18:10 UTC are one hour."""
    images = [image("2026-01-01T18:10"), image("2026-01-01T18:20")]

    days = kept(images, {"keep_daily": 2}, timezone="Asia/Kathmandu", oldest_rule=False)
    hours = kept(images, {"keep_hourly": 2}, timezone="Asia/Kathmandu", oldest_rule=False)

    assert set(days) == {"2026-01-01T18:10", "2026-01-01T18:20"}
    assert set(hours) == {"2026-01-01T18:20"}


# How verdicts are told.


def test_states_are_spelled_as_lists_and_recognition_spell_them() -> None:
    assert [str(state) for state in State] == ["good", "pending", "failed", "unknown"]


def test_reasons_name_the_rule_and_the_place_taken() -> None:
    images = [image(f"2026-01-{day:02}T{hour:02}:00") for day in range(1, 9) for hour in (2, 14)]
    rules = {
        "keep_last": 2,
        "keep_hourly": 1,
        "keep_daily": "unlimited",
        "keep_weekly": 5,
        "keep_monthly": 2,
        "keep_yearly": 1,
        "keep_within": "1d",
        "keep_within_daily": "2d",
    }

    survivors = kept(images, rules)

    assert survivors["2026-01-08T14:00"] == (
        "keep_within 1d",
        "keep_last 1/2",
        "keep_hourly 1/1",
        "keep_daily unlimited",
        "keep_weekly 1/5",
        "keep_monthly 1/2",
        "keep_yearly 1/1",
        "keep_within_daily 2d",
    )
    assert survivors["2026-01-08T02:00"] == ("keep_within 1d", "keep_last 2/2")
    assert survivors["2026-01-04T14:00"] == ("keep_daily unlimited", "keep_weekly 2/5")
    assert survivors["2026-01-01T02:00"] == (
        "oldest keep_daily",
        "oldest keep_weekly",
        "oldest keep_monthly",
    )


@pytest.mark.parametrize("rule", [*COUNT_RULES, *WINDOW_RULES])
def test_each_rule_that_can_be_written_keeps_the_newest_image(rule: str) -> None:
    """Else a key of the config could do nothing, and its images would go."""
    value = 2 if rule in COUNT_RULES else "1d"

    (reason,) = kept([image("2026-01-01T02:00")], {rule: value})["2026-01-01T02:00"]

    assert reason.split()[0] == rule


def test_what_no_rule_keeps_is_expired() -> None:
    images = [image("2026-01-01T02:00"), image("2026-01-02T02:00")]

    assert judge(images, RetentionRules(keep_last=1), timezone="UTC", now=NOW) == (
        Verdict("2026-01-01T02:00", keep=False, reasons=("expired",)),
        Verdict("2026-01-02T02:00", keep=True, reasons=("keep_last 1/1",)),
    )


def test_both_passes_of_a_repeated_hour_are_two_slots_even_as_local_times() -> None:
    """Two datetimes of one ZoneInfo are equal in Python when only their fold differs."""
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    images = [
        Candidate(id="first", time=first, created_at=first),
        Candidate(id="second", time=first.replace(fold=1), created_at=first.replace(fold=1)),
    ]

    assert kept(images, {"keep_last": 1}) == {"second": ("keep_last 1/1",)}
    assert set(kept(images, {"keep_hourly": 2}, timezone="Europe/Berlin")) == {"first", "second"}
