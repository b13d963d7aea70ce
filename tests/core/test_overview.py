"""How a fleet stands, from facts alone: what is fresh, what is not known, what goes and why."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.core.cleanup_samples import (
    DAILY,
    DAY,
    DB,
    DEPLOYMENT,
    GRACE,
    HOUR,
    NOW,
    PROJECT,
    REQUESTED,
    WEB,
    config,
    days,
    facts,
    image,
    slot,
)
from volume_images.cleanup.announcing import remember
from volume_images.cleanup.plan import JudgedCloud, Scope
from volume_images.cleanup.planning import plan_cleanup
from volume_images.cleanup.rows import Past
from volume_images.cleanup.state import CleanupState, empty_cleanup_state
from volume_images.config.schema import Config
from volume_images.export.progress import Said, last_said
from volume_images.export.state import ExportState, Record, empty_export_state
from volume_images.model import Image, Volume
from volume_images.overview.fleet import FleetView
from volume_images.overview.sight import Sight
from volume_images.overview.survey import survey
from volume_images.overview.volumes import Attention, Condition, Presence, SeriesView, VolumeView
from volume_images.recognition import GIB, ImageState
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    ExportResult,
    Freshness,
    FreshnessState,
    ImageResult,
)

SERVED = CloudOutcome(cloud="otc", result=CloudResult.SERVED)
EMPTY = empty_cleanup_state(DEPLOYMENT)
TEN = days(*range(1, 11))


def judged(
    images: Iterable[Image],
    before: CleanupState = EMPTY,
    *,
    by: Config | None = None,
    version: str = "v1",
    at: datetime = NOW,
    there: Mapping[str, Volume] | None = None,
    stuck: Mapping[str, datetime] | None = None,
) -> JudgedCloud:
    """Judge a cloud as the next cleanup would."""
    seen = facts(images, at, stuck=stuck)
    if there is not None:
        seen = type(seen)(cloud="otc", project_id=PROJECT, at=at, volumes=there, images=seen.images)
    history = {
        record.judged.config_version: ()
        for record in before.groups.values()
        if record.judged is not None
    }
    plan = plan_cleanup(by or config(), version, DEPLOYMENT, seen, Scope(), Past(before, history))
    after = remember(before, plan, history)
    return JudgedCloud(facts=seen, plan=plan, before=before, after=after, grace=GRACE)


def exports(**fields: Any) -> ExportState:  # noqa: ANN401
    """Return an exporter's state in which DB's slot of today is accounted for."""
    known = {"records": {str(DAILY): {"accounted_until": slot(10)}}} | fields
    return ExportState.model_validate(
        empty_export_state(DEPLOYMENT).model_dump()
        | {"schedules": {"daily": "0 2 * * * UTC"}}
        | known
    )


def fleet(seen: JudgedCloud | None, remembered: ExportState | None = None) -> FleetView:
    """Survey one cloud."""
    sight = Sight(outcome=SERVED, exports=remembered or exports(), judged=seen)
    return survey(config(), "v1", [sight], NOW)


def volume(view: FleetView, volume_id: str = DB) -> VolumeView:
    """Return one volume of a view."""
    (found,) = [one for one in view.volumes if one.id == volume_id]
    return found


def series(view: FleetView) -> SeriesView:
    """Return DB under its policy."""
    (found,) = volume(view).covered
    return found


def test_a_volume_with_a_young_image_is_fresh_and_needs_no_look() -> None:
    seen = series(fleet(judged(days(8, 9, 10))))

    assert (seen.condition, seen.stale, seen.attention) == (Condition.FRESH, False, ())
    assert (seen.newest_slot, seen.good, seen.next_slot) == (slot(10), 3, slot(11))
    assert seen.max_age == timedelta(hours=40)
    assert seen.due_slot is None


def test_stale_and_never_exported_are_apart() -> None:
    stale = fleet(judged(days(1, 2, 3)))
    never = fleet(judged([]))

    assert series(stale).attention == (Attention.STALE,)
    assert stale.is_stale
    assert series(never).attention == (Attention.NEVER_EXPORTED,)
    assert not never.is_stale  # its age counts from when it was first seen


def test_requested_and_scheduled_images_count_together() -> None:
    seen = series(fleet(judged([image(1), image(NOW - HOUR, group=REQUESTED)])))

    assert (seen.condition, seen.newest_slot) == (Condition.FRESH, NOW - HOUR)
    assert [(one.requested, one.slot) for one in seen.images] == [
        (True, NOW - HOUR),
        (False, slot(1)),
    ]


def test_what_only_the_next_cleanup_would_announce_is_told_from_what_stands_announced() -> None:
    yesterday = judged(days(*range(1, 10)), version="v1", at=NOW - DAY)
    today = series(fleet(judged(TEN, yesterday.after, version="v2")))

    announced = {one.slot: one.going for one in today.going if one.going}
    assert {when: one.is_announced for when, one in announced.items()} == {
        slot(day): day <= 6 for day in range(1, 8)
    }
    assert announced[slot(1)].deletes_at == NOW - DAY + GRACE
    assert announced[slot(1)].config_version == "v1"
    assert announced[slot(7)].deletes_at == NOW + GRACE
    assert announced[slot(7)].config_version == "v2"


def test_a_cloud_that_could_not_be_asked_is_not_known_whatever_its_state_tells() -> None:
    entry = Freshness(
        cloud="otc",
        policy="daily",
        volume_id=DB,
        state=FreshnessState.FRESH,
        newest_slot=slot(10),
        stale=False,
    )
    down = CloudOutcome(cloud="otc", result=CloudResult.UNAVAILABLE, reason="no answer")
    sight = Sight(outcome=down, exports=exports(), freshness=(entry,))
    view = survey(config(), "v1", [sight], NOW)

    assert not view.is_known
    assert volume(view).presence is Presence.NOT_KNOWN
    assert series(view).attention == (Attention.NOT_KNOWN,)
    assert series(view).newest_slot == slot(10)  # as it was seen last


def test_a_listed_volume_of_which_no_state_tells_is_not_known_either() -> None:
    down = CloudOutcome(cloud="otc", result=CloudResult.NO_CREDENTIAL, reason="refused")
    view = survey(config(), "v1", [Sight(outcome=down, exports=exports())], NOW)

    assert series(view).condition is Condition.NOT_KNOWN
    assert series(view).newest_slot is None


def test_a_volume_under_no_policy_is_unprotected() -> None:
    view = fleet(judged(days(10)))

    assert volume(view, WEB).is_unprotected
    assert volume(view, WEB).attention == (Attention.UNPROTECTED,)
    assert not volume(view).is_unprotected


def test_a_covered_volume_that_is_gone_is_vanished() -> None:
    view = fleet(judged(days(10), there={}))

    assert volume(view).presence is Presence.GONE
    assert volume(view).attention == (Attention.VANISHED,)
    assert volume(view).name == "db01"  # as its newest image is labelled


def test_images_of_a_volume_that_left_the_config_are_shown_as_orphans() -> None:
    view = survey(
        config(select={"backup": "other"}),
        "v1",
        [
            Sight(
                outcome=SERVED,
                exports=exports(),
                judged=judged(days(9, 10), by=config(select={"backup": "other"})),
            )
        ],
        NOW,
    )
    (orphans,) = volume(view).series

    assert orphans.condition is None
    assert [one.result for one in orphans.images] == [ImageResult.KEPT, ImageResult.KEPT]
    assert volume(view).is_unprotected


def under_way(day: int, image_id: str) -> dict[str, Any]:
    started = slot(day) + timedelta(minutes=3)
    return {
        "under_way": {
            "name": {
                "group": str(DAILY),
                "slot": slot(day),
                "image_name": "name",
                "run_id": "r",
                "intended_at": started,
                "deadline": started + HOUR,
                "image_id": image_id,
            }
        }
    }


def uploading(volume_id: str) -> Mapping[str, Volume]:
    return {volume_id: Volume(id=volume_id, name="db01", status="uploading", size_gib=40)}


def test_a_volume_left_uploading_is_one_without_an_export_under_way() -> None:
    there = uploading(DB)
    left = fleet(judged(days(10), there=there))
    busy = fleet(judged(days(9), there=there), exports(**under_way(10, "i")))

    assert volume(left).attention == (Attention.LEFT_UPLOADING,)
    assert volume(busy).attention == ()
    assert [one.slot for one in series(busy).pending] == [slot(10)]


def test_an_export_is_pending_until_its_image_is_listed_settled() -> None:
    saving = image(10, "i", status="saving")
    followed = exports(records={}, **under_way(10, "i"))

    for remembered in (followed, exports(records={})):
        (pending,) = series(fleet(judged([image(9), saving]), remembered)).pending
        assert (pending.slot, pending.image_id) == (slot(10), "i")
    assert series(fleet(judged([image(9), image(10, "i")]), followed)).pending == ()


def test_an_image_whose_export_never_ends_is_stuck_and_not_pending() -> None:
    seen = series(
        fleet(judged([image(9), image(10, "i", status="saving")], stuck={"i": NOW - HOUR}))
    )

    assert seen.attention == (Attention.STUCK,)
    assert seen.pending == ()
    assert [one.stuck_since for one in seen.images] == [NOW - HOUR, None]


def test_a_slot_is_due_until_an_image_of_it_is_good_or_under_way() -> None:
    owed = exports(records={str(DAILY): {"accounted_until": slot(9)}})
    started = exports(records={str(DAILY): {"accounted_until": slot(9)}}, **under_way(10, "i"))

    assert series(fleet(judged(days(9)), owed)).due_slot == slot(10)
    assert series(fleet(judged(days(9)), started)).due_slot is None
    assert series(fleet(judged(days(9, 10)), owed)).due_slot is None


def test_a_request_waits_until_it_is_started() -> None:
    wish = {"group": str(REQUESTED), "slot": NOW - HOUR}
    assert series(fleet(judged(days(10)), exports(waiting={"w": wish}))).waiting == (NOW - HOUR,)


FAILED = {"failures": 2, "failed_at": slot(10) + HOUR, "failure": "export_failed"}
REFUSED = {
    "refusal": {"reason": "too_large", "facts": "f", "config_version": "v", "at": slot(10) + HOUR}
}
MISSED = {"said": "20260310T020000Z missed too_late"}
UNANSWERED = {"unanswered_at": slot(10) + HOUR}


@pytest.mark.parametrize(
    ("record", "result", "reason", "attention"),
    [
        (FAILED, ExportResult.FAILED, "export_failed", Attention.FAILING),
        (REFUSED, ExportResult.REFUSED, "too_large", Attention.FAILING),
        (UNANSWERED, ExportResult.UNKNOWN, "answer_lost", Attention.FAILING),
        (MISSED, ExportResult.MISSED, "too_late", Attention.MISSED),
    ],
)
def test_the_last_trouble_is_told_until_a_later_image_is_good(
    record: Mapping[str, Any], result: ExportResult, reason: str, attention: Attention
) -> None:
    remembered = exports(records={str(DAILY): {"accounted_until": slot(10), **record}})
    before = series(fleet(judged(days(9)), remembered))
    after = series(fleet(judged([image(10, created_at=slot(10) + 2 * HOUR)]), remembered))

    assert before.trouble is not None
    assert (before.trouble.result, before.trouble.reason) == (result, reason)
    assert before.attention == (attention,)
    assert after.trouble is None


def test_a_missed_slot_that_no_report_tells_of_yet_is_told() -> None:
    missed = {"group": str(DAILY), "slot": slot(10), "reason": "overtaken"}
    seen = series(fleet(judged(days(9)), exports(missed={"m": missed})))
    assert seen.attention == (Attention.MISSED,)


def test_what_a_run_said_last_reads_back() -> None:
    assert last_said("20260310T020000Z missed too_late") == Said(
        slot(10), ExportResult.MISSED, "too_late"
    )
    assert last_said(Record().said) is None


def test_policies_sum_up_their_volumes() -> None:
    (daily,) = fleet(judged([image(of, size_bytes=GIB) for of in range(1, 11)])).policies

    assert (daily.name, daily.volumes, daily.stale) == ("daily", 1, 0)
    assert daily.conditions == {Condition.FRESH: 1}
    assert (daily.images, daily.going, daily.stored_bytes) == (10, 7, 10 * GIB)
    assert (daily.announced, daily.first_goes) == (0, None)
    assert daily.oldest_newest_slot == slot(10)


def test_policies_tell_how_much_stands_announced_and_when_the_first_goes() -> None:
    yesterday = judged(days(*range(1, 10)), at=NOW - DAY)
    (daily,) = fleet(judged(TEN, yesterday.after)).policies

    assert (daily.going, daily.announced, daily.first_goes) == (7, 6, NOW - DAY + GRACE)


def test_the_json_has_all_images_only_where_they_are_asked_for() -> None:
    view = fleet(judged(TEN))
    short = json.loads(json.dumps(view.as_json()))["volumes"][0]["policies"][0]
    whole = json.loads(json.dumps(view.as_json(with_images=True)))["volumes"][0]["policies"][0]

    assert len(short["going"]) == 7
    assert "images" not in short
    assert len(whole["images"]) == short["image_count"] == 10


def test_what_is_not_ours_to_judge_is_shown_as_such() -> None:
    foreign = image(10, "f", deployment="ffffffffffff")
    (seen,) = series(fleet(judged([foreign]))).images

    assert (seen.state, seen.result) == (ImageState.UNKNOWN, ImageResult.UNKNOWN)
    assert seen.reasons == "unknown: deployment ffffffffffff"


def test_volumes_come_by_name() -> None:
    there = {
        one: Volume(id=one, name=name, status="in-use", size_gib=1)
        for one, name in ((DB, "b"), (WEB, "a"))
    }
    names: Sequence[str] = [one.name for one in fleet(judged([], there=there)).volumes]
    assert names == ["a", "b"]
