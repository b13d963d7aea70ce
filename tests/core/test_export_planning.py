"""Which owed slots start: done, missed, busy, spaced, refused, or within the room there is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.export_samples import (
    DAILY,
    DAILY_WEB,
    DAY,
    DB,
    HOUR,
    MINUTE,
    NOW,
    REQUESTED,
    SLOT,
    WEB,
    config,
    name,
    recognised,
    records,
    scene,
    state,
    under_way,
    volume,
)
from tests.support.examples import examples
from volume_images.dialect import Dialect
from volume_images.export.draft import changed
from volume_images.export.owed import Debt, Overdue, Owed
from volume_images.export.planning import ExportPlan, intents, plan_exports
from volume_images.export.preflight import facts
from volume_images.export.scene import Scene
from volume_images.export.state import NewestGood, Record, Refusal, Stuck
from volume_images.model import GroupKey
from volume_images.recognition import ImageState
from volume_images.report import ExportResult


def owed(group: GroupKey = DAILY, slot: datetime = SLOT, *, waiting: bool = False) -> Owed:
    return Owed(group, slot, slot + 12 * HOUR, "db01", waiting)


def plan(seen: Scene, *owing: Owed, overdue: Sequence[Overdue] = ()) -> ExportPlan:
    return plan_exports(Debt(owing or (owed(),), tuple(overdue), ()), seen)


def said(planned: ExportPlan) -> list[tuple[ExportResult, str]]:
    return [(outcome.result, outcome.reason) for outcome in planned.outcomes]


def test_a_due_slot_with_nothing_against_it_is_started_under_its_name() -> None:
    (step,) = plan(scene()).steps
    assert step.request.image_name == step.intent.image_name == name()
    assert (step.request.volume_id, step.request.force) == (DB, False)
    assert (step.intent.run_id, step.intent.image_id) == ("run-2", "")
    assert step.intent.deadline == NOW + HOUR + 40 * MINUTE


def test_formats_are_always_sent_and_default_by_dialect() -> None:
    (step,) = plan(scene()).steps
    assert (step.request.disk_format, step.request.container_format) == ("vhd", "bare")
    assert Dialect.OPENSTACK.traits.default_format == "raw"
    asked = config(export={"disk_format": "zvhd2", "os_type": "windows", "force": True})
    (step,) = plan(scene(settings=asked)).steps
    assert (step.request.disk_format, step.request.os_type) == ("zvhd2", "windows")
    assert step.request.force


def test_an_image_of_exactly_this_slot_means_done() -> None:
    planned = plan(scene(images=[recognised()]))
    assert said(planned) == [(ExportResult.DONE, "already_exported")]
    assert changed(state(), planned.changes).record(DAILY).accounted_until == SLOT


def test_a_later_good_image_means_done() -> None:
    planned = plan(scene(images=[recognised(SLOT + MINUTE)]))
    assert said(planned) == [(ExportResult.DONE, "later_image")]


def test_an_image_named_in_the_future_does_not_stop_a_slot() -> None:
    assert plan(scene(images=[recognised(NOW + DAY)])).steps


def test_an_older_image_does_not_stop_a_slot() -> None:
    assert plan(scene(images=[recognised(SLOT - DAY)])).steps


@pytest.mark.parametrize("gone", [ImageState.FAILED, ImageState.GONE])
def test_a_failed_image_of_the_slot_does_not_stop_it(gone: ImageState) -> None:
    assert plan(scene(images=[recognised(state=gone)])).steps


def test_a_stuck_image_of_the_slot_does_not_stop_it() -> None:
    stuck = Stuck(group=DAILY, slot=SLOT, image_name=name(), found_at=NOW)
    seen = scene(
        state(stuck={"image-1": stuck}),
        [recognised(state=ImageState.PENDING, image_id="image-1")],
    )
    assert plan(seen).steps


def test_an_unknown_image_of_the_slot_blocks_it() -> None:
    blocked = plan(scene(images=[recognised(state=ImageState.UNKNOWN)]))
    assert said(blocked) == [(ExportResult.UNKNOWN, "image_unknown")]


def test_of_two_images_of_a_slot_the_good_one_counts() -> None:
    unknown = recognised(state=ImageState.UNKNOWN, image_id="image-1")
    good = recognised(image_id="image-2")
    assert said(plan(scene(images=[unknown, good]))) == [(ExportResult.DONE, "already_exported")]


def test_a_pending_image_of_the_slot_is_waited_for() -> None:
    waiting = plan(scene(images=[recognised(state=ImageState.PENDING)]))
    assert said(waiting) == [(ExportResult.DEFERRED, "uploading")]
    assert changed(state(), waiting.changes).record(DAILY).accounted_until is None


def test_another_volumes_image_says_nothing() -> None:
    assert plan(scene(images=[recognised(group=DAILY_WEB)])).steps


def test_a_requested_image_does_not_stand_for_the_schedule() -> None:
    assert plan(scene(images=[recognised(SLOT + MINUTE, group=REQUESTED)])).steps


def test_one_export_of_a_volume_at_a_time() -> None:
    entry = under_way(NOW - HOUR, REQUESTED)
    busy = plan(scene(state(under_way={entry.image_name: entry})))
    assert said(busy) == [(ExportResult.DEFERRED, "volume_uploading")]
    both = plan(scene(), owed(), owed(REQUESTED, NOW, waiting=True))
    assert [step.owed.group for step in both.steps] == [REQUESTED]
    assert said(both) == [(ExportResult.DEFERRED, "volume_uploading")]


def test_an_intent_of_another_run_is_not_posted_again() -> None:
    entry = under_way(image_id="")
    assert said(plan(scene(state(under_way={entry.image_name: entry})))) == [
        (ExportResult.DEFERRED, "uploading")
    ]


def test_a_slot_older_than_the_catch_up_is_missed_with_the_last_reason() -> None:
    late = SLOT + 12 * HOUR + MINUTE
    planned = plan(scene(now=late))
    assert said(planned) == [(ExportResult.MISSED, "too_late")]
    known = changed(state(), planned.changes)
    assert [(one.slot, one.reason) for one in known.missed.values()] == [(SLOT, "too_late")]
    assert known.record(DAILY).accounted_until == SLOT
    failing = state(**records(db=Record(failures=2, failure="export_failed", failed_at=SLOT)))
    assert said(plan(scene(failing, now=late))) == [(ExportResult.MISSED, "export_failed")]
    refused = state(**records(db=Record(refusal=refusal())))
    assert said(plan(scene(refused, now=late))) == [(ExportResult.MISSED, "volume_in_use")]


def test_an_overtaken_slot_is_missed_unless_an_image_of_it_turns_up() -> None:
    older = Overdue(DAILY, SLOT - DAY)
    missed = plan(scene(), overdue=[older])
    assert said(missed) == [(ExportResult.MISSED, "overtaken")]
    found = plan(scene(images=[recognised(SLOT - DAY)]), overdue=[older])
    assert found.outcomes == ()
    assert changed(state(), found.changes).record(DAILY).accounted_until == SLOT - DAY
    entry = under_way(SLOT - DAY)
    following = state(under_way={entry.image_name: entry})
    assert said(plan(scene(following), overdue=[older])) == [
        (ExportResult.DEFERRED, "volume_uploading")
    ]


def test_nothing_is_given_up_behind_an_export_that_is_followed() -> None:
    """To account for the later slot would hide the earlier one."""
    entry = under_way(SLOT - 2 * DAY)
    following = state(under_way={entry.image_name: entry})
    older = [Overdue(DAILY, SLOT - 2 * DAY), Overdue(DAILY, SLOT - DAY)]
    planned = plan(scene(following), overdue=older)
    assert planned.given_up == ()
    assert plan(scene(), overdue=older).given_up == plan(scene(), overdue=older).outcomes
    assert [one.slot for one in plan(scene(), overdue=older).given_up] == [
        one.slot for one in older
    ]
    deferred = scene(volumes=None)
    assert [one.slot for one in plan(deferred, overdue=older).given_up] == [
        one.slot for one in older
    ]


@pytest.mark.parametrize("state_of_it", [ImageState.PENDING, ImageState.UNKNOWN])
def test_a_slot_whose_image_nobody_follows_any_more_is_missed_when_it_is_too_late(
    state_of_it: ImageState,
) -> None:
    older = Overdue(DAILY, SLOT - DAY)
    given_up = scene(images=[recognised(SLOT - DAY, state_of_it)])
    planned = plan(given_up, overdue=[older])
    assert (said(planned), len(planned.steps)) == ([(ExportResult.MISSED, "overtaken")], 1)
    late = scene(images=[recognised(state=state_of_it)], now=SLOT + 12 * HOUR + MINUTE)
    assert said(plan(late)) == [(ExportResult.MISSED, "too_late")]
    followed = scene(
        state(under_way={(entry := under_way()).image_name: entry}),
        [recognised(state=ImageState.PENDING)],
        now=SLOT + 12 * HOUR + MINUTE,
    )
    assert said(plan(followed)) == [(ExportResult.DEFERRED, "uploading")]


def refusal(**changes: Any) -> Refusal:  # noqa: ANN401
    plain = {
        "reason": "volume_in_use",
        "facts": facts(volume()),
        "config_version": "v1",
        "at": NOW - MINUTE,
    }
    return Refusal.model_validate(plain | changes)


def test_a_refusal_stands_while_facts_and_config_are_the_same_for_an_hour() -> None:
    known = state(**records(db=Record(refusal=refusal())))
    assert said(plan(scene(known))) == [(ExportResult.REFUSED, "volume_in_use")]
    for changes in (
        {"at": NOW - HOUR},
        {"config_version": "v0"},
        {"facts": facts(volume(status="in-use"))},
    ):
        again = state(**records(db=Record(refusal=refusal(**changes))))
        assert plan(scene(again)).steps, changes


@pytest.mark.parametrize(
    ("seen", "result", "reason"),
    [
        (None, ExportResult.REFUSED, "volume_not_found"),
        (volume(status="uploading"), ExportResult.DEFERRED, "volume_uploading"),
        (volume(status="in-use"), ExportResult.REFUSED, "volume_in_use"),
        (volume(status="error"), ExportResult.REFUSED, "volume_status"),
        (volume(size_gib=0), ExportResult.REFUSED, "volume_size"),
        (volume(size_gib=1025), ExportResult.REFUSED, "volume_too_large"),
    ],
)
def test_what_a_volume_is_like_is_checked_before_any_post(
    seen: Any,  # noqa: ANN401
    result: ExportResult,
    reason: str,
) -> None:
    planned = plan(scene(volumes=[seen] if seen else []))
    assert said(planned) == [(result, reason)]
    remembered = changed(state(), planned.changes).record(DAILY).refusal
    assert (remembered is not None) is (result is ExportResult.REFUSED)


def test_a_format_that_the_dialect_does_not_know_is_refused() -> None:
    foreign = config({"dialect": "openstack"}, export={"disk_format": "zvhd2"})
    assert said(plan(scene(settings=foreign))) == [(ExportResult.REFUSED, "disk_format")]


@pytest.mark.parametrize(
    ("export", "reasons"),
    [
        ({"disk_format": "raw"}, []),
        ({}, []),
        ({"disk_format": "qcow2"}, ["encrypted_format"]),
        ({"container_format": "ovf"}, ["encrypted_format"]),
    ],
)
def test_cinder_exports_an_encrypted_volume_as_it_is_or_not_at_all(
    export: dict[str, str], reasons: list[str]
) -> None:
    locked = replace(volume(), encrypted=True)
    plain = config({"dialect": "openstack"}, export=export)
    assert [reason for _, reason in said(plan(scene(volumes=[locked], settings=plain)))] == reasons
    ours = config(export=export)
    assert said(plan(scene(volumes=[locked], settings=ours))) == []


@pytest.mark.parametrize(
    ("status", "size_gib", "reasons"),
    [
        ("in-use", 40, []),
        ("available", 40, ["volume_not_attached"]),
        ("error", 40, ["volume_status"]),
        ("uploading", 40, ["volume_status"]),
        ("in-use", 1025, ["volume_too_large"]),
    ],
)
def test_an_image_job_takes_attached_disks_and_asks_for_no_force(
    status: str, size_gib: int, reasons: list[str]
) -> None:
    jobs = config({"strategy": "ims_job"})
    planned = plan(scene(volumes=[volume(status=status, size_gib=size_gib)], settings=jobs))
    assert [reason for _, reason in said(planned)] == reasons


def test_an_attached_volume_is_exported_by_force_only() -> None:
    forced = config(export={"force": True})
    assert plan(scene(volumes=[volume(status="in-use")], settings=forced)).steps


def test_only_huawei_limits_the_size() -> None:
    plain = config({"dialect": "openstack"})
    assert plan(scene(volumes=[volume(size_gib=2048)], settings=plain)).steps


@pytest.mark.parametrize(("failures", "wait"), [(1, 10), (2, 60), (3, 180), (4, 360), (9, 360)])
def test_failures_in_a_row_space_the_attempts(failures: int, wait: int) -> None:
    record = Record(failures=failures, failed_at=NOW - timedelta(minutes=wait - 1))
    early = plan(scene(state(**records(db=record))))
    assert said(early) == [(ExportResult.DEFERRED, "next_attempt")]
    assert early.decisions[0].look_at == NOW + MINUTE
    record = Record(failures=failures, failed_at=NOW - timedelta(minutes=wait))
    assert plan(scene(state(**records(db=record)))).steps


def test_a_post_without_an_answer_is_tried_again_after_an_hour() -> None:
    record = Record(unanswered_at=NOW - 59 * MINUTE)
    assert said(plan(scene(state(**records(db=record))))) == [
        (ExportResult.DEFERRED, "next_attempt")
    ]
    record = Record(unanswered_at=NOW - HOUR)
    assert plan(scene(state(**records(db=record)))).steps


def test_a_paused_cloud_gets_nothing_new() -> None:
    paused = scene(state(paused_until=NOW + MINUTE))
    assert said(plan(paused)) == [(ExportResult.DEFERRED, "cloud_paused")]
    assert plan(scene(state(paused_until=NOW))).steps


def test_at_most_one_post_per_slot_and_run() -> None:
    tried = scene(posted=frozenset({f"{DAILY}@{SLOT:%Y%m%dT%H%M%SZ}"}))
    assert said(plan(tried)) == [(ExportResult.DEFERRED, "already_tried")]


def test_a_cloud_out_of_reach_defers_what_is_due_and_still_misses_what_is_late() -> None:
    older = Overdue(DAILY, SLOT - DAY)
    assert said(plan(scene(volumes=None), overdue=[older])) == [
        (ExportResult.MISSED, "overtaken"),
        (ExportResult.DEFERRED, "cloud_unavailable"),
    ]
    good = NewestGood(slot=SLOT, image_id="image-1", created_at=SLOT)
    known = state(**records(db=Record(newest_good=good)))
    assert said(plan(scene(known, volumes=None))) == [(ExportResult.DONE, "already_exported")]


def test_no_more_exports_than_the_cloud_has_room_for() -> None:
    one = config({"max_in_flight": 1})
    full = plan(scene(settings=one), owed(), owed(DAILY_WEB))
    assert (len(full.steps), full.short_of_room) == (1, True)
    assert said(full) == [(ExportResult.DEFERRED, "no_room")]
    entry = under_way(group=GroupKey("weekly", requested=False, volume_id="7" + WEB[1:]))
    none = plan(scene(state(under_way={entry.image_name: entry}), settings=one))
    assert (none.steps, none.short_of_room) == ((), True)


def test_no_more_intents_than_can_be_posted_while_they_are_valid() -> None:
    slow = config({"requests_per_second": 0.004})
    assert len(plan(scene(settings=slow), owed(), owed(DAILY_WEB)).steps) == 1


def test_exports_beyond_the_image_quota_are_refused() -> None:
    full = plan(scene(images_left=1), owed(), owed(DAILY_WEB))
    assert len(full.steps) == 1
    assert said(full) == [(ExportResult.REFUSED, "image_quota")]
    over = plan(scene(images_left=0))
    assert (over.steps, said(over)) == ((), [(ExportResult.REFUSED, "image_quota")])


def test_of_a_quota_that_does_not_do_for_all_the_stalest_get_their_share() -> None:
    newer, older = (
        NewestGood(slot=SLOT - days * DAY, image_id="i", created_at=SLOT) for days in (1, 5)
    )
    seen = state(**records(db=Record(newest_good=newer), web=Record(newest_good=older)))
    planned = plan(scene(seen, images_left=1), owed(), owed(DAILY_WEB))
    assert [step.owed.group for step in planned.steps] == [DAILY_WEB]


def test_a_volume_that_was_not_looked_for_yet_is_not_called_missing() -> None:
    planned = plan(scene(volumes=(), unread=frozenset({DB})))
    assert said(planned) == [(ExportResult.DEFERRED, "volume_not_read")]


def test_fewest_attempts_first_then_the_stalest() -> None:
    tried = Record(posts_slot=SLOT, posts=1)
    fresh = Record(
        newest_good=NewestGood(slot=SLOT - DAY, image_id="i", created_at=SLOT), posts_slot=None
    )
    one = config({"max_in_flight": 1})
    first = plan(
        scene(state(**records(db=tried, web=fresh)), settings=one), owed(), owed(DAILY_WEB)
    )
    assert [step.owed.group for step in first.steps] == [DAILY_WEB]
    never = plan(scene(state(**records(web=fresh)), settings=one), owed(DAILY_WEB), owed())
    assert [step.owed.group for step in never.steps] == [DAILY]


def test_requests_and_the_schedule_take_free_places_in_turn() -> None:
    ids = [f"0000000{n}-0000-4000-8000-000000000000" for n in range(6)]
    owing = [owed(GroupKey("daily", n >= 3, ids[n]), SLOT, waiting=n >= 3) for n in range(6)]
    four = config({"max_in_flight": 4})
    planned = plan(scene(settings=four, volumes=[volume(one) for one in ids]), *owing)
    assert [step.owed.waiting for step in planned.steps] == [True, False, True, False]


def test_a_lone_place_goes_to_the_schedule_after_a_request_and_the_other_way_round() -> None:
    ids = [f"0000000{n}-0000-4000-8000-000000000000" for n in range(6)]
    owing = [owed(GroupKey("daily", n >= 3, ids[n]), SLOT, waiting=n >= 3) for n in range(6)]
    one = config({"max_in_flight": 1})
    known, turns = state(), []
    while owing:
        seen = scene(known, settings=one, volumes=[volume(one) for one in ids])
        (step,) = plan(seen, *owing).steps
        known = changed(known, intents([step], seen)).model_copy(update={"under_way": {}})
        turns.append(step.owed.waiting)
        owing.remove(step.owed)
    assert turns == [True, False, True, False, True, False]


def test_an_intent_counts_the_posts_for_its_slot() -> None:
    known = state(**records(db=Record(posts_slot=SLOT, posts=2)))
    seen = scene(known)
    after = changed(known, intents(plan(seen).steps, seen))
    assert (after.record(DAILY).posts, list(after.under_way)) == (3, [name()])
    next_day = scene(known, now=NOW + DAY)
    after = changed(known, intents(plan(next_day, owed(slot=SLOT + DAY)).steps, next_day))
    assert after.record(DAILY).posts == 1


def test_the_newest_good_image_of_every_group_is_remembered() -> None:
    planned = plan(scene(images=[recognised(SLOT - DAY), recognised(SLOT - 2 * DAY)]))
    good = changed(state(), planned.changes).record(DAILY).newest_good
    assert good is not None
    assert good.slot == SLOT - DAY
    again = plan(scene(state(planned.changes), [recognised(SLOT - DAY)]))
    assert again.changes == ()


@examples(150)
@given(
    count=st.integers(min_value=0, max_value=30),
    room=st.integers(min_value=1, max_value=12),
    busy=st.integers(min_value=0, max_value=12),
    quota=st.none() | st.integers(min_value=0, max_value=12),
)
def test_every_owed_slot_is_started_or_said_and_never_beyond_the_room(
    count: int, room: int, busy: int, quota: int | None
) -> None:
    ids = [f"00000000-0000-4000-8000-0000000000{n:02}" for n in range(count)]
    owing = [owed(replace(DAILY, volume_id=one)) for one in ids]
    entries = [
        under_way(group=replace(DAILY, volume_id=f"10000000-0000-4000-8000-0000000000{n:02}"))
        for n in range(busy)
    ]
    seen = scene(
        state(under_way={entry.image_name: entry for entry in entries}),
        settings=config({"max_in_flight": room}),
        volumes=[volume(one) for one in ids],
        images_left=quota,
    )
    planned = plan_exports(Debt(tuple(owing), (), ()), seen)
    assert len(planned.steps) + len(planned.outcomes) == count
    assert len(planned.steps) <= max(0, room - busy)
    assert quota is None or len(planned.steps) <= quota
    assert {step.request.volume_id for step in planned.steps}.isdisjoint(
        outcome.volume_id for outcome in planned.outcomes
    )
    assert WEB not in ids
