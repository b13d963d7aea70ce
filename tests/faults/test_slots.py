"""Each slot once: whenever ticks come, whatever the clock does, whoever renames or loses what."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.fleet import TICK, Fleet, FleetStore
from volume_images.model import Image, ImageStatus, Tick
from volume_images.report import ExportResult, Report
from volume_images.schedule import newest_slot, slots

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def exported(fleet: Fleet) -> list[str]:
    """Return the slots that were POSTed, as their names spell them, in order."""
    return [name.split("_")[-1] for name, count in fleet.only.posts.items() for _ in range(count)]


def spelled(*times: str) -> list[str]:
    return [f"{at(time):%Y%m%dT%H%M%SZ}" for time in times]


NIGHTS = [
    ("Europe/Berlin", "30 2 * * *", "2026-03-28T22:00", ["2026-03-29T01:00"]),
    ("Europe/Berlin", "30 2 * * *", "2026-10-24T22:00", ["2026-10-25T00:30"]),
    ("America/New_York", "30 2 * * *", "2026-03-08T04:00", ["2026-03-08T07:00"]),
    ("America/New_York", "30 1 * * *", "2026-11-01T03:00", ["2026-11-01T05:30"]),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T13:00", ["2026-10-03T15:30"]),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00", ["2026-04-04T14:45"]),
    ("Pacific/Apia", "30 2 * * *", "2011-12-30T08:00", ["2011-12-30T10:00", "2011-12-30T12:30"]),
    ("UTC", "0 2 29 2 *", "2028-02-29T00:00", ["2028-02-29T02:00"]),
]


@pytest.mark.parametrize(("zone", "schedule", "begin", "due"), NIGHTS)
def test_a_night_of_ticks_exports_each_slot_once(
    zone: str, schedule: str, begin: str, due: list[str]
) -> None:
    fleet = Fleet(volumes=1, timezone=zone, schedule=schedule, catch_up="1h")
    fleet.clock.time = at(begin)
    reports = fleet.ticks(36)
    assert exported(fleet) == spelled(*due)
    assert sum(report.counts["missed"] for report in reports) == 0


@pytest.mark.slow
@pytest.mark.parametrize("outage", [1, 2, 3, 4])
@pytest.mark.parametrize(("zone", "schedule", "begin", "due"), NIGHTS)
def test_whenever_ticks_come_back_in_such_a_night_the_newest_slot_is_started_once(
    zone: str, schedule: str, begin: str, due: list[str], outage: int
) -> None:
    """The first tick after an outage falls before, inside or after the gap or repeated hour."""
    fleet = Fleet(volumes=1, timezone=zone, schedule=schedule, catch_up="23h")
    fleet.clock.time = at(begin) - 30 * TICK
    fleet.ticks(3)
    before = len(exported(fleet))
    fleet.clock.time = at(begin) + outage * HOUR
    reports = fleet.ticks(36 - 6 * outage)
    told = [
        f"{one.slot:%Y%m%dT%H%M%SZ}"
        for report in reports
        for one in report.outcomes
        if one.result == "missed"
    ]
    asked = exported(fleet)[before:]
    assert sorted([*asked, *told]) == spelled(*due)
    assert asked[-1:] == spelled(due[-1])


@examples(10)
@given(
    gaps=st.lists(st.integers(min_value=1, max_value=90), min_size=1, max_size=12),
    schedule=st.sampled_from(["0 2 * * *", "0 */6 * * *", "30 * * * *"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_however_late_ticks_come_each_slot_is_exported_once_or_missed_once(
    gaps: list[int], schedule: str, zone: str
) -> None:
    fleet = Fleet(volumes=1, schedule=schedule, timezone=zone, catch_up="5h")
    fleet.clock.time = at("2026-03-28T12:00")
    fleet.only.export_time = timedelta(minutes=9)
    reports = [fleet.run()]
    newest = newest_slot(schedule, zone, reports[0].started_at)
    assert newest is not None
    begun = newest - TICK if exported(fleet) else newest
    for gap in gaps:
        fleet.clock.time += gap * TICK
        reports.append(fleet.run(Tick(scheduled_at=fleet.clock.now())))
    told = [one.slot for report in reports for one in report.changed if one.result == "missed"]
    asked = [
        datetime.strptime(one, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for one in exported(fleet)
    ]
    due = list(slots(schedule, zone, begun, fleet.clock.now()))
    assert sorted([*told, *asked]) == due


def rename(fleet: Fleet) -> None:
    """Give the volume another name, which is a part of its images' names."""
    fleet.only.name = "another"


def extend(fleet: Fleet) -> None:
    """Make the volume larger."""
    fleet.only.size_gib = 3


def lose_the_image(fleet: Fleet) -> None:
    """Let the image expire, as a cleanup would."""
    fleet.only.held.clear()


def unlist(fleet: Fleet) -> None:
    """Let discovery find nothing, once or for ever; the volume is still there by its id."""
    fleet.only.lists_volumes = False


def plant_in_the_future(fleet: Fleet) -> None:
    """Let somebody's clock have been a month ahead."""
    (image,) = fleet.only.held.values()
    ahead = Image(
        id="ahead",
        name=f"{image.name[:-16]}20260402T020000Z",
        status=ImageStatus.ACTIVE,
        owner=image.owner,
        created_at=at("2026-04-02T02:01"),
        virtual_bytes=image.virtual_bytes,
    )
    fleet.only.held["ahead"] = ahead


ANY_TIME = [rename, extend, unlist, plant_in_the_future]
EVENTS = [(event, pending) for event in ANY_TIME for pending in (True, False)]


@pytest.mark.parametrize(("event", "pending"), [*EVENTS, (lose_the_image, False)])
def test_what_happens_to_a_volume_or_its_image_neither_doubles_a_slot_nor_stops_the_next(
    event: Callable[[Fleet], None],
    pending: bool,  # noqa: FBT001
) -> None:
    fleet = Fleet(volumes=1)
    fleet.ticks(1 if pending else 2)
    event(fleet)
    fleet.ticks(6)
    assert exported(fleet) == spelled("2026-03-02T02:00")
    for day in (3, 4):
        fleet.clock.time = at(f"2026-03-0{day}T02:05")
        fleet.ticks(3)
    assert exported(fleet) == spelled("2026-03-02T02:00", "2026-03-03T02:00", "2026-03-04T02:00")


@pytest.mark.parametrize(
    "event", [rename, extend, plant_in_the_future], ids=lambda one: one.__name__
)
def test_nor_does_it_when_the_state_is_lost_as_well(event: Callable[[Fleet], None]) -> None:
    fleet = Fleet(volumes=1)
    fleet.tick()
    event(fleet)
    assert isinstance(fleet.store, FleetStore)
    fleet.store.objects.clear()
    fleet.ticks(4)
    fleet.store.objects.clear()
    fleet.ticks(2)
    assert exported(fleet) == spelled("2026-03-02T02:00")


def test_no_mark_hides_a_volume_that_is_added_after_all_others_are_done() -> None:
    fleet = Fleet(volumes=2)
    fleet.ticks(3)
    fleet.only.size = 3
    fleet.clock.time += HOUR
    fleet.ticks(2)
    assert exported(fleet) == spelled(*["2026-03-02T02:00"] * 3)


def test_no_mark_of_a_narrowed_run_hides_the_other_volumes() -> None:
    fleet = Fleet(volumes=3)
    narrowed = Tick(volume_ids=frozenset({fleet.only.volume_id(0)}))
    fleet.run(narrowed)
    fleet.clock.time += TICK
    fleet.run(narrowed)
    assert len(fleet.only.posts) <= 1
    fleet.ticks(2)
    assert exported(fleet) == spelled(*["2026-03-02T02:00"] * 3)


def test_no_mark_hides_an_export_that_fails_at_last() -> None:
    fleet = Fleet(volumes=1)
    fleet.only.export_time = 2 * HOUR
    fleet.only.fails = frozenset({fleet.only.volume_id(0)})
    fleet.ticks(13)
    fleet.only.fails = frozenset()
    fleet.ticks(16)
    assert exported(fleet) == spelled("2026-03-02T02:00", "2026-03-02T02:00")
    assert fleet.state().records[f"daily/{fleet.only.volume_id(0)}"].newest_good is not None


calls = st.frozensets(st.integers(min_value=1, max_value=40), max_size=6)


@examples(20)
@given(vanishes=calls, lost=calls, fails=calls)
def test_a_state_lost_at_any_call_and_answers_lost_at_others_cost_no_second_export(
    vanishes: frozenset[int], lost: frozenset[int], fails: frozenset[int]
) -> None:
    fleet = Fleet(volumes=3, max_in_flight=2)
    assert isinstance(fleet.store, FleetStore)
    fleet.store.vanishes_at = vanishes
    fleet.store.answer_lost_at = lost
    fleet.store.fails_after_writing_at = fails
    fleet.ticks(12)
    fleet.ticks(24)
    assert sorted(exported(fleet)) == spelled(*["2026-03-02T02:00"] * 3)
    assert len(fleet.only.active_at) == 3


def test_a_write_whose_answer_is_lost_counts_as_what_it_was() -> None:
    """Every single write: each is repeated by the client and finds its own success."""
    fleet = Fleet(volumes=2)
    assert isinstance(fleet.store, FleetStore)
    fleet.store.answer_lost_at = frozenset(range(1, 200))
    reports = fleet.ticks(3)
    assert [report.red for report in reports] == [()] * 3
    assert exported(fleet) == spelled(*["2026-03-02T02:00"] * 2)


def test_ticks_that_come_twice_or_hours_late_start_nothing_twice() -> None:
    fleet = Fleet(volumes=1, schedule="0 * * * *", catch_up="5h")
    times = []
    for _ in range(4 * 6):
        times.append(fleet.clock.now())
        fleet.tick()
    asked = exported(fleet)
    assert asked == spelled(*(f"2026-03-02T0{hour}:00" for hour in (2, 3, 4, 5)))
    for late in (times[0], times[7], times[-1], times[-1]):
        fleet.run(Tick(scheduled_at=late))
    assert exported(fleet) == asked
    fleet.clock.time = at("2026-03-02T06:00")
    fleet.ticks(2)
    assert exported(fleet) == [*asked, *spelled("2026-03-02T06:00")]


def test_edits_of_the_schedule_neither_double_nor_invent_nor_lose_a_slot() -> None:
    fleet = Fleet(volumes=1)
    fleet.ticks(3)
    fleet.clock.time = at("2026-03-02T10:35")
    fleet.edit(schedule="0 * * * *")
    reports = fleet.ticks(10)  # to 12:15
    fleet.edit(schedule="30 14 * * *")
    reports += fleet.ticks(16)  # to 14:55
    fleet.only.down = True
    fleet.clock.time = at("2026-03-03T14:25")
    reports += fleet.ticks(2)
    fleet.edit(schedule="0 20 * * *")
    reports += fleet.ticks(2)
    fleet.only.down = False
    reports += fleet.ticks(3)
    assert exported(fleet) == spelled(
        "2026-03-02T02:00",
        "2026-03-02T11:00",
        "2026-03-02T12:00",
        "2026-03-02T14:30",
        "2026-03-03T14:30",
    )
    assert [one for report in reports for one in report.outcomes if one.result == "missed"] == []


def test_a_slot_whose_export_is_stuck_when_the_next_is_due_is_told_as_missed() -> None:
    fleet = Fleet(volumes=1, schedule="0 * * * *")
    fleet.only.sticks = frozenset({fleet.only.volume_id(0)})
    reports = fleet.ticks(10)
    told = [one for report in reports for one in report.outcomes if one.result == "missed"]
    assert [(one.slot, one.reason) for one in told] == [(at("2026-03-02T02:00"), "stuck")]


def test_a_slot_that_is_long_in_doubt_is_told_as_missed_with_all_that_came_after_it() -> None:
    fleet = Fleet(volumes=1, schedule="0 * * * *", export={"deadline": "3h"})
    fleet.only.sticks = frozenset({fleet.only.volume_id(0)})
    reports = fleet.ticks(22)
    told = [one.slot for report in reports for one in report.outcomes if one.result == "missed"]
    assert told == [at("2026-03-02T02:00"), at("2026-03-02T03:00"), at("2026-03-02T04:00")]


def test_a_store_that_fails_after_the_report_makes_the_run_red_and_no_slot_is_hidden() -> None:
    def after_two_nights(*fails: int) -> tuple[Fleet, list[Report]]:
        fleet = Fleet(volumes=1, catch_up="1h")
        fleet.tick()
        fleet.clock.time += 2 * DAY
        assert isinstance(fleet.store, FleetStore)
        fleet.store.fails_after_writing_at = frozenset(fails)
        return fleet, [fleet.run()]

    sound, _ = after_two_nights()
    assert isinstance(sound.store, FleetStore)
    _, reports = after_two_nights(sound.store.calls)
    assert [one.result for one in reports[0].outcomes].count(ExportResult.MISSED) == 1
    assert "what was reported is not written down" in reports[0].red[0]
