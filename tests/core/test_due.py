"""What may be deleted: after the whole grace, in a safe order, the longest wait first."""

from datetime import timedelta

import pytest

from tests.core.cleanup_samples import (
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
