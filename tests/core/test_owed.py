"""Which slots are owed: the newest due one of each volume; none is invented, none is hidden."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.core.export_samples import (
    DAILY,
    DAY,
    DB,
    HOUR,
    MEMBERS,
    MINUTE,
    NOW,
    REQUESTED,
    SLOT,
    WEB,
    config,
    records,
    state,
)
from tests.support.examples import examples
from volume_images.config.selection import Member
from volume_images.export.changes import Accept, Accounted
from volume_images.export.draft import changed
from volume_images.export.owed import (
    TICK,
    debt,
    newest_slots,
    waiting_debt,
)
from volume_images.export.state import ExportState, Record, Waiting
from volume_images.export.timetable import schedule_text, start_by
from volume_images.schedule import slots

ONE = (MEMBERS[0],)


SCHEDULES = {"daily": schedule_text(config().policies["daily"])}


def owed_slots(
    known: ExportState,
    at: datetime = NOW,
    now: datetime = NOW,
    **policy: object,
) -> tuple[list[datetime], list[datetime]]:
    owing = debt(config(**policy), known, ONE, at=at, now=now)
    return [one.slot for one in owing.owed], [one.slot for one in owing.overdue]


def test_a_volume_seen_first_is_owed_the_newest_slot_and_none_before() -> None:
    owing = debt(config(), state(), ONE, at=NOW, now=NOW)
    assert [(one.group, one.slot) for one in owing.owed] == [(DAILY, SLOT)]
    assert owing.overdue == ()
    known = changed(state(), owing.first_seen)
    assert owed_slots(known) == ([SLOT], [])


def test_a_volume_that_joins_after_the_catch_up_is_owed_nothing_until_the_next_slot() -> None:
    late = SLOT + 13 * HOUR
    owing = debt(config(), state(), ONE, at=late, now=late)
    assert owing.owed == ()
    known = changed(state(), owing.first_seen)
    assert owed_slots(known, at=late, now=late) == ([], [])
    assert owed_slots(known, at=NOW + DAY, now=NOW + DAY) == ([SLOT + DAY], [])


def test_the_newest_slot_is_owed_and_every_older_one_is_overdue() -> None:
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT - 3 * DAY)))
    assert owed_slots(known) == ([SLOT], [SLOT - 2 * DAY, SLOT - DAY])


def test_an_accounted_slot_is_owed_no_more() -> None:
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT)))
    assert owed_slots(known) == ([], [])


def test_the_triggers_time_chooses_the_slot_and_the_clock_its_age() -> None:
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT - DAY)))
    assert owed_slots(known, at=SLOT - MINUTE, now=NOW) == ([], [])
    assert owed_slots(known, at=SLOT, now=NOW + 9 * HOUR) == ([SLOT], [])


def test_an_edited_schedule_invents_no_slot_before_the_edit() -> None:
    known = state(
        schedules=SCHEDULES,
        **records(db=Record(accounted_until=SLOT)),
    )
    afternoon = SLOT + 13 * HOUR + 5 * MINUTE
    assert owed_slots(known, afternoon, afternoon, schedule="0 * * * *") == (
        [SLOT + 13 * HOUR],
        [],
    )
    half_past = afternoon + 25 * MINUTE
    assert owed_slots(known, half_past, half_past, schedule="0 * * * *") == ([], [])


def test_what_the_old_schedule_still_owed_is_owed_after_an_edit_until_the_new_one_is_due() -> None:
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT - 2 * DAY)))
    at = SLOT + 30 * MINUTE
    edited = config(schedule="0 5 * * *")
    owing = debt(edited, known, ONE, at=at, now=at)
    assert [(one.slot, one.start_by) for one in owing.owed] == [(SLOT, SLOT + 12 * HOUR)]
    assert [one.slot for one in owing.overdue] == [SLOT - DAY]
    known = changed(known, owing.edits)
    five = SLOT + 3 * HOUR
    assert owed_slots(known, five, five, schedule="0 5 * * *") == ([five], [SLOT - DAY, SLOT])


def test_an_edit_invents_no_slot_at_any_later_tick_either() -> None:
    """The last slot accounted for lies before the edit, and the new schedule has slots between."""
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT)))
    hourly = config(schedule="0 * * * *")
    half_past = SLOT + 10 * HOUR + 30 * MINUTE
    owing = debt(hourly, known, ONE, at=half_past, now=half_past)
    assert (owing.owed, owing.overdue) == ((), ())
    known = changed(known, owing.edits)
    for minutes in (10, 20):
        at = half_past + minutes * MINUTE
        assert owed_slots(known, at, at, schedule="0 * * * *") == ([], [])
    at = SLOT + 11 * HOUR
    assert owed_slots(known, at, at, schedule="0 * * * *") == ([at], [])


def test_an_edit_that_is_taken_back_at_once_changes_nothing() -> None:
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT - DAY)))
    for schedule, minutes in (("0 5 * * *", 10), ("0 2 * * *", 20)):
        at = SLOT + minutes * MINUTE
        owing = debt(config(schedule=schedule), known, ONE, at=at, now=at)
        assert [one.slot for one in owing.owed] == [SLOT]
        known = changed(known, owing.edits)
    at = SLOT + DAY
    assert owed_slots(known, at, at) == ([at], [SLOT])


def test_a_volume_that_joins_with_an_edit_is_owed_the_newest_slot_that_was_in_force() -> None:
    known = state(schedules=SCHEDULES, **records(web=Record(accounted_until=SLOT)))
    at = SLOT + 6 * HOUR
    edited = config(schedule="0 5 * * *")
    owing = debt(edited, known, ONE, at=at, now=at)
    assert [one.slot for one in owing.owed] == [SLOT]
    known = changed(known, [*owing.edits, *owing.first_seen])
    later = at + 10 * MINUTE
    assert owed_slots(known, later, later, schedule="0 5 * * *") == ([SLOT], [])


@examples(60)
@given(
    ticks=st.lists(
        st.tuples(
            st.integers(min_value=1, max_value=20),
            st.sampled_from([None, "0 2 * * *", "0 5 * * *", "30 */3 * * *", "15 4 * * *"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_however_schedules_are_edited_each_slot_was_in_force_when_it_was_due(
    ticks: list[tuple[int, str | None, bool]],
) -> None:
    """Every slot that is ever owed was one of the schedule of its time, or within a tick of it."""
    at, schedule = SLOT + MINUTE, "0 2 * * *"
    in_force = [(SLOT - DAY, schedule)]
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT - DAY)))
    for tens, edit, exported in ticks:
        at += tens * 10 * MINUTE
        if edit is not None and edit != schedule:
            schedule = edit
            in_force.append((at - TICK, schedule))
        owing = debt(config(schedule=schedule), known, ONE, at=at, now=at)
        spans = zip(in_force, [*(begin for begin, _ in in_force[1:]), at], strict=True)
        allowed = {slot for (begin, text), end in spans for slot in slots(text, "UTC", begin, end)}
        seen = [one.slot for one in (*owing.overdue, *owing.owed)]
        assert set(seen) <= allowed | {SLOT}
        assert len(owing.owed) <= 1
        known = changed(known, owing.edits)
        if exported and seen:
            known = changed(known, [Accounted(DAILY, max(seen))])


def test_a_policy_that_gets_its_first_schedule_owes_nothing_before_it() -> None:
    """Slots that triggers named before are no slots of the schedule."""
    known = state(**records(db=Record(accounted_until=SLOT - 30 * DAY)))
    assert owed_slots(known, schedule="0 * * * *") == ([SLOT], [])
    assert owed_slots(known, NOW + 10 * MINUTE, NOW, schedule="0 * * * *") == ([], [])


def test_a_policy_under_another_name_owes_what_it_owed_before() -> None:
    known = state(
        schedules={"nightly": SCHEDULES["daily"]},
        records={f"nightly/{DB}": Record(accounted_until=SLOT - 2 * DAY)},
    )
    owing = debt(config(formerly=["nightly"]), known, ONE, at=NOW, now=NOW)
    assert [(one.group, one.slot) for one in owing.overdue] == [(DAILY, SLOT - DAY)]
    assert [(one.group, one.slot) for one in owing.owed] == [(DAILY, SLOT)]
    noted = changed(known, owing.first_seen)
    assert owed_slots(noted, formerly=["nightly"]) == ([SLOT], [SLOT - DAY])


def test_a_policy_that_is_renamed_and_edited_at_once_owes_each_schedules_slots() -> None:
    """Of the one before, what was due while it was in force; of the new one, none in the past."""
    known = state(
        schedules={"nightly": "0 3 * * * UTC"},
        records={f"nightly/{DB}": Record(accounted_until=SLOT - 2 * DAY)},
    )
    owing = debt(config(formerly=["nightly"]), known, ONE, at=NOW, now=NOW)
    due = [one.slot for one in (*owing.overdue, *owing.owed)]
    three = (SLOT - 2 * DAY).replace(hour=3)
    assert due == [three, three + DAY, SLOT]  # the edit is a tick older than the look
    assert {one.group for one in (*owing.overdue, *owing.owed)} == {DAILY}


def test_a_slot_that_is_due_and_waits_too_is_owed_once() -> None:
    waiting = Waiting(group=DAILY, slot=SLOT)
    owing = debt(config(), state([Accept(waiting)]), ONE, at=NOW, now=NOW)
    assert [(one.slot, one.waiting) for one in owing.owed] == [(SLOT, False)]


def test_a_time_zone_is_part_of_the_schedule() -> None:
    one, other = config(), config(timezone="Europe/Berlin")
    assert schedule_text(one.policies["daily"]) != schedule_text(other.policies["daily"])


def test_a_policy_without_a_schedule_owes_nothing_by_itself() -> None:
    assert owed_slots(state(), schedule=None) == ([], [])


def test_without_catch_up_a_slot_may_start_until_the_next_one() -> None:
    policy = config(catch_up=None).policies["daily"]
    assert start_by(policy, SLOT, outside_schedule=False) == SLOT + DAY
    assert start_by(policy, SLOT, outside_schedule=True) == SLOT + DAY
    unscheduled = config(catch_up=None, schedule=None).policies["daily"]
    assert start_by(unscheduled, SLOT, outside_schedule=False) == SLOT + DAY
    once_in_nine_years = config(catch_up=None, schedule="0 0 29 2 *").policies["daily"]
    leap_day = datetime(2096, 2, 29, tzinfo=UTC)
    assert start_by(once_in_nine_years, leap_day, outside_schedule=False) == datetime(
        2104, 2, 29, tzinfo=UTC
    )


def test_catch_up_says_how_late_any_slot_may_start() -> None:
    policy = config(catch_up="3h").policies["daily"]
    assert start_by(policy, SLOT, outside_schedule=False) == SLOT + 3 * HOUR
    assert start_by(policy, SLOT, outside_schedule=True) == SLOT + 3 * HOUR


def test_what_waits_is_owed_beside_the_schedule() -> None:
    waiting = Waiting(group=REQUESTED, slot=NOW)
    known = state([Accept(waiting)], **records(db=Record(accounted_until=SLOT)))
    owing = debt(config(), known, MEMBERS, at=NOW, now=NOW)
    assert [(one.group, one.slot, one.label) for one in owing.owed if one.waiting] == [
        (REQUESTED, NOW, "db01")
    ]


def test_a_request_for_a_volume_that_left_the_config_is_owed_to_nobody() -> None:
    waiting = Waiting(group=REQUESTED, slot=NOW)
    known = state([Accept(waiting)])
    assert debt(config(), known, (Member("daily", WEB, ""),), at=NOW, now=NOW).owed[0].slot == SLOT
    assert waiting_debt(config(), known, (Member("daily", WEB, ""),), frozenset(known.waiting)) == (
        waiting_debt(config(), state(), MEMBERS, frozenset())
    )


def test_only_the_accepted_slots_are_owed_to_a_run_of_a_request() -> None:
    first = Waiting(group=REQUESTED, slot=NOW)
    other = Waiting(group=REQUESTED, slot=NOW + HOUR)
    known = state([Accept(first), Accept(other)])
    key = next(iter(known.waiting))
    owing = waiting_debt(config(), known, MEMBERS, frozenset({key}))
    assert [one.slot for one in owing.owed] == [NOW]


def test_newest_slots_are_told_whether_owed_or_not() -> None:
    assert list(newest_slots(config(), ONE, NOW)) == [(DAILY, SLOT)]
    assert list(newest_slots(config(schedule=None), ONE, NOW)) == []


@examples(200)
@given(
    minutes=st.lists(st.integers(min_value=1, max_value=3 * 24 * 60), min_size=1, max_size=12),
)
def test_however_ticks_fall_each_slot_is_owed_once_or_overdue_once(minutes: list[int]) -> None:
    """Over any sequence of ticks in which what is owed is exported at once, no slot is lost."""
    known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=SLOT - DAY)))
    at, seen = NOW, []
    for step in minutes:
        at += timedelta(minutes=step)
        owing = debt(config(catch_up="30d"), known, ONE, at=at, now=at)
        slots = [*(one.slot for one in owing.overdue), *(one.slot for one in owing.owed)]
        seen += slots
        if slots:
            known = state(schedules=SCHEDULES, **records(db=Record(accounted_until=max(slots))))
    days = (at - SLOT) // DAY
    assert seen == [SLOT + day * DAY for day in range(days + 1)]
    assert ONE[0].volume_id == DB
