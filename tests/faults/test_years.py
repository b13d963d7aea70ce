"""Simulated years: whatever goes wrong, no rule is broken; and what the simulation rests on."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.faults.oracle import due_times
from tests.faults.year_slots import Owing
from tests.faults.years.judging import judge_the_end
from tests.faults.years.living import live
from tests.faults.years.year import Year, told


@pytest.mark.slow
def test_a_month_is_the_same_with_every_tick_and_with_those_alone_that_have_something_due(
    record_property: Callable[[str, object], None],
) -> None:
    some, all_ticks = (live(Year(11, 31), skips_idle_ticks=skips) for skips in (True, False))
    record_property("simulated days", 2 * 31)
    record_property("faults injected", some.struck + all_ticks.struck)
    assert some.violations == all_ticks.violations == []
    assert _left(some) == _left(all_ticks)
    assert _said(some) == _said(all_ticks)
    assert all_ticks.counts["exports"] > 2 * some.counts["exports"]


@pytest.mark.slow
def test_a_seed_tells_everything(record_property: Callable[[str, object], None]) -> None:
    once, again = (live(Year(5, 31)) for _ in range(2))
    record_property("simulated days", 2 * 31)
    record_property("faults injected", once.struck + again.struck)
    assert told(once) == told(again)
    assert _left(once) == _left(again)


@pytest.mark.slow
def test_a_whole_year_that_comes_to_nothing_proves_nothing() -> None:
    year = Year(1, 365)
    judge_the_end(year)
    told_of = " ".join(year.violations)
    assert "only 0 of 2" in told_of
    assert "only 0 images had to expire" in told_of


def _said(year: Year) -> list[tuple[datetime, object]]:
    """Return all that reports say of slots."""
    return [
        (one.started_at, sorted(one.outcomes, key=lambda outcome: outcome.cloud))
        for one in year.reports
        if one.outcomes
    ]


def _left(year: Year) -> dict[str, list[tuple[str, str, datetime]]]:
    """Return what a year leaves in each cloud."""
    return {
        name: sorted((one.id, one.name, one.created_at) for one in site.cloud.world.images.values())
        for name, site in year.sites.items()
    }


@pytest.mark.parametrize(
    ("schedule", "zone", "night", "due"),
    [
        ("30 2 * * *", "Europe/Berlin", "2027-10-30", ["31T00:30"]),
        ("30 2 * * *", "Europe/Berlin", "2028-03-25", ["26T01:00"]),
        ("30 1 * * *", "America/New_York", "2027-11-06", ["07T05:30"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2027-10-02", ["02T15:30"]),
        ("0 1-3 * * *", "Europe/Berlin", "2028-03-25", ["26T00:00", "26T01:00"]),
        (
            "30 * * * *",
            "Australia/Lord_Howe",
            "2028-04-01",
            ["01T14:30", "01T15:00", "01T16:00", "01T17:00"],
        ),
        ("0 4 29 2 *", "UTC", "2028-02-28", ["29T04:00"]),
    ],
)
def test_the_oracle_knows_the_nights_of_cron(
    schedule: str, zone: str, night: str, due: list[str]
) -> None:
    """Worked out by hand from cron(8) of Debian."""
    evening = datetime.fromisoformat(f"{night}T14:00").replace(tzinfo=UTC)
    hours = 3 if "Lord_Howe" in zone else 20
    until = datetime.fromtimestamp(evening.timestamp() + hours * 3600, UTC)
    assert [f"{time:%dT%H:%M}" for time in due_times(schedule, zone, evening, until)] == due


@pytest.mark.parametrize(
    ("catch_up", "until", "last"),
    [
        ({}, "2028-10-01T03:45", "2028-09-02T02:00"),
        ({}, "2028-10-01T04:00", "2028-09-02T03:00"),
        ({"catch_up": "5h"}, "2028-10-01T03:45", "2028-09-02T03:00"),
    ],
)
def test_the_onlooker_waits_for_a_slot_without_catch_up_until_the_next_one(
    catch_up: dict[str, str], until: str, last: str
) -> None:
    volume_id = "00000002-0000-4000-8000-000000000000"
    document = {
        "policies": {
            "often": {
                "select": {"often": "yes"},
                "schedule": "0 * 1 * *",
                "timezone": "America/New_York",
            }
            | catch_up
        },
        "volumes": [{"id": volume_id, "cloud": "newyork", "tags": {"often": "yes"}}],
    }
    owing = Owing(datetime(2028, 8, 20, tzinfo=UTC))
    owing.reads(document, owing.first, {volume_id: ("often",)})
    due = [slot for _, slot in owing.due(datetime.fromisoformat(f"{until}Z"))]
    assert due[-1] == datetime.fromisoformat(f"{last}Z")
    assert due[0] == datetime(2028, 9, 1, tzinfo=ZoneInfo("America/New_York"))
