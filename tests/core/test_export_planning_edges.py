"""The edges of export planning: quota and places to the last one, and times to the second."""

from datetime import datetime, timedelta

import pytest

from tests.core.export_samples import (
    DAILY,
    DAILY_WEB,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SLOT,
    config,
    recognised,
    records,
    scene,
    state,
)
from volume_images.export.draft import changed
from volume_images.export.owed import Debt, Overdue, Owed
from volume_images.export.planning import ExportPlan, plan_exports
from volume_images.export.scene import Scene
from volume_images.export.state import NewestGood, Record
from volume_images.model import GroupKey
from volume_images.recognition import ImageState

SECOND = timedelta(seconds=1)


def owed(group: GroupKey) -> Owed:
    return Owed(group, SLOT, SLOT + 12 * HOUR, "db01", waiting=False)


def plan(seen: Scene) -> ExportPlan:
    return plan_exports(Debt((owed(DAILY), owed(DAILY_WEB)), (), ()), seen)


@pytest.mark.parametrize("left", [0, 1])
def test_a_refusal_for_quota_says_how_many_images_there_was_room_for(left: int) -> None:
    planned = plan(scene(images_left=left))

    assert len(planned.steps) == left
    assert {outcome.reason for outcome in planned.outcomes} == {"image_quota"}
    assert all(outcome.details == {"images_left": left} for outcome in planned.outcomes)
    assert not planned.short_of_room


def test_waiting_for_a_place_says_how_many_there_are() -> None:
    planned = plan(scene(settings=config(cloud={"max_in_flight": 1})))

    assert [(one.reason, one.details) for one in planned.outcomes] == [
        ("no_room", {"max_in_flight": 1})
    ]
    assert planned.short_of_room


@pytest.mark.parametrize(("rate", "started"), [(0.0079, 1), (0.00834, 2)])
def test_no_more_start_than_can_be_sent_in_four_minutes(rate: float, started: int) -> None:
    """240 s at these rates are 1.9 and 2.0 requests; an intent is valid for a minute longer."""
    planned = plan(scene(settings=config(cloud={"requests_per_second": rate})))

    assert len(planned.steps) == started


def newest_good(slot: datetime, seen_as: ImageState = ImageState.GOOD) -> NewestGood | None:
    planned = plan(scene(images=[recognised(slot, seen_as)]))
    return changed(state(), planned.changes).record(DAILY).newest_good


def test_the_newest_good_image_is_good_and_at_most_five_minutes_ahead() -> None:
    found = newest_good(NOW + 5 * MINUTE)

    assert found is not None
    assert found.slot == NOW + 5 * MINUTE
    assert newest_good(NOW + 5 * MINUTE + SECOND) is None
    assert newest_good(SLOT - DAY, ImageState.PENDING) is None


@pytest.mark.parametrize(("behind", "said"), [(timedelta(), []), (SECOND, ["overtaken"])])
def test_an_overdue_slot_is_accounted_for_by_a_good_image_of_it_that_left_the_listing(
    behind: timedelta, said: list[str]
) -> None:
    slot = SLOT - DAY
    good = NewestGood(slot=slot - behind, image_id="image-1", created_at=slot)
    seen = scene(state(**records(db=Record(newest_good=good))))

    planned = plan_exports(Debt((), (Overdue(DAILY, slot),)), seen)

    assert [outcome.reason for outcome in planned.outcomes] == said
