"""What may be deleted: after the whole grace, in a safe order, the longest wait first."""

from datetime import datetime, timedelta

import pytest

from tests.core.cleanup_samples import (
    DAY,
    DB,
    DEPLOYMENT,
    GRACE,
    HOUR,
    NOW,
    REQUESTED,
    config,
    days,
    image,
    plan,
    slot,
)
from volume_images.cleanup.announcing import remember
from volume_images.cleanup.due import DueGroup, due_groups
from volume_images.cleanup.plan import CleanupPlan
from volume_images.cleanup.state import CleanupState, empty_cleanup_state
from volume_images.model import Image

NOBODY: frozenset[str] = frozenset()


def announced(found: CleanupPlan, before: CleanupState | None = None) -> CleanupState:
    return remember(before or empty_cleanup_state(DEPLOYMENT), found, {"v1": ()})


def due(
    state: CleanupState, found: CleanupPlan, without_wait: frozenset[str] = NOBODY
) -> tuple[DueGroup, ...]:
    return due_groups(state, found, grace=GRACE, without_wait=without_wait)


def ids(groups: tuple[DueGroup, ...]) -> list[list[str]]:
    return [[deletion.image.id for deletion in group.deletions] for group in groups]


def after(images: list[Image], waited: timedelta) -> list[list[str]]:
    """Return what is due when plans in a row have had the same images for so long."""
    state = announced(plan(images))
    for hours in range(24, int(waited / HOUR), 24):
        state = announced(plan(images, NOW + hours * HOUR), state)
    last = plan(images, NOW + waited)
    return ids(due(announced(last, state), last))


@pytest.mark.parametrize(
    ("waited", "expected"),
    [(GRACE - timedelta(seconds=1), []), (GRACE, [["daily-0306T0200"]])],
)
def test_an_image_is_due_when_it_has_stood_announced_for_the_whole_grace(
    waited: timedelta, expected: list[list[str]]
) -> None:
    assert after(days(6, 7, 8, 9), waited) == expected


@pytest.mark.parametrize(
    ("waited", "expected"),
    [(timedelta(hours=24, seconds=-1), []), (timedelta(hours=24), [["bad"]])],
)
def test_a_failed_image_is_due_24_hours_after_it_was_first_seen_so(
    waited: timedelta, expected: list[list[str]]
) -> None:
    assert after([image(5, "bad", status="killed"), *days(9)], waited) == expected


@pytest.mark.parametrize(
    ("found_at", "expected"),
    [(NOW - DAY + timedelta(seconds=1), []), (NOW - DAY, [["stuck"]])],
)
def test_a_stuck_image_is_due_24_hours_after_it_was_found_so_whoever_saw_it_first(
    found_at: datetime, expected: list[list[str]]
) -> None:
    images = [image(5, "stuck", status="queued"), *days(9)]
    found = plan(images, stuck={"stuck": found_at})

    assert ids(due(announced(found), found)) == expected


def test_failed_and_stuck_images_say_by_which_rule_they_go() -> None:
    images = [
        image(4, "failed", status="killed", group=REQUESTED),
        image(5, "stuck", status="queued", group=REQUESTED),
    ]
    found = plan(images, stuck={"stuck": slot(7)})

    ((failed, stuck),) = (
        group.deletions for group in due(announced(found), found, frozenset({DB}))
    )

    assert failed.standing.reason == "failed since 2026-03-10T12:00:00Z"
    assert stuck.standing.reason == "stuck since 2026-03-07T02:00:00Z"


def test_an_image_that_failed_starts_anew_where_it_was_good_in_between() -> None:
    bad = [image(5, "bad", status="killed"), *days(9)]
    state = announced(plan(bad))
    state = announced(plan([image(5, "bad"), *days(9)], NOW + 23 * HOUR), state)
    last = plan(bad, NOW + 24 * HOUR)

    assert ids(due(announced(last, state), last)) == []


def test_without_wait_everything_of_the_volume_is_due_at_once_and_of_no_other() -> None:
    found = plan([*days(6, 7, 8, 9), image(5, "bad", status="killed")])
    state = announced(found)

    assert ids(due(state, found, frozenset({DB}))) == [["bad", "daily-0306T0200"]]
    assert due(state, found, frozenset({"another"})) == ()


def test_nothing_is_due_that_the_written_state_does_not_carry() -> None:
    found = plan(days(6, 7, 8, 9))

    assert due(empty_cleanup_state(DEPLOYMENT), found, frozenset({DB})) == ()


def test_duplicates_go_before_what_they_duplicate_and_then_the_oldest_first() -> None:
    """A duplicate is only deleted while the image that has its slot is there."""
    images = [
        *days(7, 5, 6, 9),
        image(5, "twice", created_at=slot(5) + HOUR),
        image(1, "bad", status="killed"),
    ]
    found = plan(images, by=config(keep_last=1))

    ((failed, duplicate, *expired),) = (
        group.deletions for group in due(announced(found), found, frozenset({DB}))
    )

    assert failed.image.id == "bad"
    assert duplicate.image.id == "twice"
    assert duplicate.winner == image(5)
    assert [one.image.id for one in expired] == [f"daily-030{day}T0200" for day in (5, 6, 7)]
    assert {one.winner for one in (failed, *expired)} == {None}


def test_the_group_that_has_waited_longest_comes_first() -> None:
    """Time may run out in the midst of it: no group may starve for its name."""
    requested = [image(day, group=REQUESTED) for day in (6, 7, 8, 9)]
    early = announced(plan(requested, NOW - HOUR))
    both = plan([*days(6, 7, 8, 9), *requested], NOW)

    groups = due(announced(both, early), both, frozenset({DB}))

    assert ids(groups) == [["daily.request-0306T0200"], ["daily-0306T0200"]]
    assert [one.id for one in groups[1].floor] == ["daily-0309T0200"]
