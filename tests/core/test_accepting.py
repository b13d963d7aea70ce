"""What is taken on outside the schedule: once, however often it is asked for."""

from datetime import datetime

import pytest

from tests.core.export_samples import (
    DAILY,
    DAILY_WEB,
    HOUR,
    MEMBERS,
    MINUTE,
    NOW,
    REQUESTED,
    config,
    records,
    state,
    under_way,
)
from volume_images.export.accepting import Acceptance, Wanted, accept, take_on_slot
from volume_images.export.draft import changed
from volume_images.export.state import ExportState, NewestGood, Record
from volume_images.report import ExportResult

ONE = MEMBERS[:1]


def taken(known: ExportState, *slots: datetime) -> Acceptance:
    wanted = [Wanted(ONE, slot) for slot in slots]
    return accept(wanted, cloud="otc", config=config(), state=known, now=NOW)


def test_a_request_is_taken_on_and_the_next_tick_looks() -> None:
    acceptance = taken(state(), NOW)
    known = changed(state(), acceptance.changes)
    assert [(one.group, one.slot) for one in known.waiting.values()] == [(REQUESTED, NOW)]
    assert acceptance.keys == set(known.waiting)
    assert known.next_look == NOW


def test_a_message_delivered_twice_is_one_request() -> None:
    known = changed(state(), taken(state(), NOW).changes)
    again = taken(known, NOW)
    assert (again.changes, again.keys) == ((), frozenset(known.waiting))


@pytest.mark.parametrize("apart", [-30 * MINUTE, 30 * MINUTE])
def test_a_request_soon_after_or_before_a_waiting_one_is_that_one(apart: object) -> None:
    known = changed(state(), taken(state(), NOW).changes)
    assert taken(known, NOW + apart).keys == frozenset(known.waiting)
    assert len(changed(known, taken(known, NOW + 61 * MINUTE).changes).waiting) == 2


def test_two_requests_in_one_batch_are_one() -> None:
    assert len(taken(state(), NOW, NOW + MINUTE).keys) == 1


def test_a_request_soon_after_an_image_is_done_already() -> None:
    good = NewestGood(slot=NOW - 30 * MINUTE, image_id="image-1", created_at=NOW)
    (done,) = taken(state(**records(requested=Record(newest_good=good))), NOW).outcomes
    assert (done.result, done.reason, done.image_id) == (
        ExportResult.DONE,
        "min_interval",
        "image-1",
    )
    scheduled = taken(state(**records(db=Record(newest_good=good))), NOW)
    assert scheduled.outcomes == ()


def test_a_request_while_one_is_under_way_is_that_one() -> None:
    entry = under_way(NOW - HOUR + MINUTE, REQUESTED)
    (deferred,) = taken(state(under_way={entry.image_name: entry}), NOW).outcomes
    assert (deferred.result, deferred.image_id) == (ExportResult.DEFERRED, "image-1")
    older = under_way(NOW - HOUR, REQUESTED)
    assert taken(state(under_way={older.image_name: older}), NOW).outcomes == ()


def test_a_named_slot_is_taken_on_once_for_every_volume() -> None:
    named = take_on_slot(MEMBERS, NOW)
    waiting = changed(state(named), named).waiting
    assert sorted((one.group, one.slot) for one in waiting.values()) == [
        (DAILY, NOW),
        (DAILY_WEB, NOW),
    ]
