"""Orphans: kept unless the config says otherwise, and judged only if this deployment made them."""

from collections.abc import Iterable
from dataclasses import replace
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
    NOTHING,
    NOW,
    PROJECT,
    config,
    days,
    image,
    only_group,
    plan,
    slot,
)
from volume_images.cleanup.announcing import remember
from volume_images.cleanup.due import due_groups
from volume_images.cleanup.plan import Expired, Scope
from volume_images.cleanup.rows import History, Past
from volume_images.cleanup.rule_digest import NO_RULES, RuleDigests, rule_digests
from volume_images.cleanup.state import CleanupState, empty_cleanup_state
from volume_images.config.schema import Config, Orphans
from volume_images.config.selection import members
from volume_images.model import Image
from volume_images.report import ImageResult

COVERING = config()
AFTER = timedelta(days=10)
LEFT = config().model_copy(update={"volumes": (), "orphans": Orphans(after=AFTER, keep=1)})
KEPT_FOR_EVER = LEFT.model_copy(update={"orphans": None})
WHY = "orphan: policy daily does not cover this volume"
IMAGES = days(1, 2, 3, 4, 5)
SAME: History = {"v1": (), "v2": ()}


def rules(by: Config) -> RuleDigests:
    return rule_digests(by, "otc", members(by, "otc", ()))


def judged(
    state: CleanupState,
    at: datetime,
    images: Iterable[Image] = IMAGES,
    *,
    by: Config = LEFT,
    history: History = SAME,
    **arguments: Any,  # noqa: ANN401
) -> tuple[CleanupState, Any]:
    """Plan and remember; return the state, and the plan's one group."""
    found = plan(images, at, by=by, version="v2", past=Past(state, history), **arguments)
    return remember(state, found, history), only_group(found)


def covered_until(at: datetime = NOW, images: Iterable[Image] = IMAGES) -> CleanupState:
    """Return the state after a plan under which the group was covered."""
    return remember(NOTHING.state, plan(images, at, by=COVERING), {})


def orphaned_at(at: datetime = NOW) -> CleanupState:
    """Return the state after a plan that first saw the group uncovered."""
    return judged(covered_until(at - HOUR), at)[0]


def expired(group: Any) -> list[str]:  # noqa: ANN401
    return [entry.image_id for entry in group.expired]


def test_an_orphan_goes_after_its_time_and_the_newest_stay_and_are_the_floor() -> None:
    state = orphaned_at()

    _, early = judged(state, NOW + AFTER - timedelta(seconds=1))
    _, late = judged(state, NOW + AFTER)

    assert expired(early) == []
    assert expired(late) == [f"daily-030{day}T0200" for day in (1, 2, 3, 4)]
    assert {entry.reason for entry in late.expired} == {WHY}
    assert [one.name for one in late.floor] == [image(5).name]
    assert [(entry.result, entry.reason) for entry in late.kept] == [(ImageResult.KEPT, WHY)]


def test_orphans_are_announced_and_wait_the_whole_grace_like_all_others() -> None:
    state = orphaned_at()
    announced_at = NOW + AFTER
    going: list[tuple[int, int]] = []
    for hours in range(0, 97, 24):
        at = announced_at + hours * HOUR
        found = plan(IMAGES, at, by=LEFT, version="v2", past=Past(state, SAME))
        state = remember(state, found, SAME)
        due = due_groups(state, found, grace=GRACE, without_wait=frozenset())
        going.append((hours, sum(len(group.deletions) for group in due)))

    assert going == [(0, 0), (24, 0), (48, 0), (72, 4), (96, 4)]


def test_without_a_rule_orphans_are_kept_for_ever_and_since_when_is_known() -> None:
    state, group = judged(covered_until(), NOW + HOUR, by=KEPT_FOR_EVER)
    later, still = judged(state, NOW + 400 * DAY, by=KEPT_FOR_EVER)

    assert expired(group) == expired(still) == []
    assert later.group(PROJECT, DAILY).orphan_since == NOW + HOUR


def test_keep_nothing_means_nothing() -> None:
    none = LEFT.model_copy(update={"orphans": Orphans(after=AFTER, keep=0)})
    state, _ = judged(covered_until(), NOW, by=none)

    _, group = judged(state, NOW + AFTER, by=none)

    assert len(expired(group)) == 5
    assert group.floor == ()


def test_a_group_that_nobody_saw_covered_may_be_of_another_deployment_and_is_left_alone() -> None:
    state = NOTHING.state
    for at in (NOW, NOW + AFTER, NOW + 2 * AFTER):
        state, group = judged(state, at)
        assert expired(group) == []

    assert state.groups == {}


def test_of_such_a_group_the_images_that_we_tagged_are_ours() -> None:
    mixed = [image(day, f"ours-{day}", deployment=DEPLOYMENT) for day in (1, 2)]
    mixed += [image(3, "untagged"), image(4, "theirs", deployment="ffffffffffff")]
    mixed += [image(5, "bad", status="killed")]
    state, _ = judged(NOTHING.state, NOW, mixed)

    _, group = judged(state, NOW + AFTER, mixed)

    assert expired(group) == ["ours-1"]
    assert [one.id for one in group.floor] == ["ours-2"]
    assert group.failed == ()


def test_images_of_a_group_that_left_go_by_their_state_too() -> None:
    others = [
        image(6, "bad", status="killed"),
        image(7, "pending", status="saving"),
        image(8, "stuck", status="queued"),
        image(9, "pinned", pinned=True),
    ]
    images = [*IMAGES, *others]
    state, _ = judged(covered_until(images=images), NOW, images)

    _, group = judged(state, NOW + AFTER, images, stuck={"stuck": slot(8)})

    assert {entry.image_id for entry in group.failed} == {"bad", "stuck"}
    assert "daily-0305T0200" not in expired(group)
    kept = {entry.recognised.image.id: entry.reason for entry in group.kept}
    assert kept["pinned"] == f"pinned, {WHY}"
    assert kept["pending"] == WHY


SIGNS = [
    pytest.param({"v2": (rules(COVERING), rules(LEFT))}, id="a config covered it"),
    pytest.param({"v2": (NO_RULES, rules(LEFT))}, id="a config could not be read"),
]


@pytest.mark.parametrize("history", SIGNS)
def test_what_was_covered_in_between_has_been_an_orphan_only_since(history: History) -> None:
    """Even if no cleanup ran at that time: a slip that is made twice counts once each."""
    state, group = judged(orphaned_at(), NOW + AFTER, history=history)

    assert expired(group) == []
    assert state.group(PROJECT, DAILY).orphan_since == NOW + AFTER


def test_an_image_of_a_later_slot_shows_that_it_was_covered() -> None:
    """As after a discovery that answered nothing for an hour: no config tells of that."""
    state, group = judged(orphaned_at(), NOW + AFTER, [*IMAGES, image(NOW + DAY)])

    assert expired(group) == []
    assert state.group(PROJECT, DAILY).orphan_since == NOW + AFTER


def test_an_edit_that_covers_nothing_does_not_restart_how_long_it_is_an_orphan() -> None:
    longer = LEFT.model_copy(update={"orphans": Orphans(after=AFTER + DAY, keep=1)})

    _, group = judged(orphaned_at(), NOW + AFTER, history={"v2": (rules(longer), rules(LEFT))})

    assert len(expired(group)) == 4


def test_a_cleanup_that_did_not_run_for_days_does_not_restart_it_either() -> None:
    _, group = judged(orphaned_at(), NOW + 3 * AFTER)

    assert len(expired(group)) == 4


def test_another_rule_for_orphans_starts_the_wait_anew() -> None:
    state, _ = judged(orphaned_at(), NOW + AFTER)
    other = LEFT.model_copy(update={"orphans": Orphans(after=AFTER, keep=2)})

    after, _ = judged(state, NOW + AFTER + HOUR, by=other, history={"v2": (rules(other),)})

    since = {one.since for one in after.group(PROJECT, DAILY).announced.values()}
    assert since == {NOW + AFTER + HOUR}


def test_a_group_that_is_covered_again_is_no_orphan_any_more() -> None:
    state, _ = judged(orphaned_at(), NOW + AFTER)

    after, group = judged(state, NOW + AFTER + HOUR, by=COVERING, history={"v2": ()})

    assert group.orphaned is None
    assert after.group(PROJECT, DAILY).orphan_since is None
    assert after.group(PROJECT, DAILY).announced.keys() == {"daily-0301T0200", "daily-0302T0200"}


def test_a_clock_that_was_ahead_does_not_make_orphans_older() -> None:
    state = orphaned_at(NOW + AFTER)

    after, _ = judged(state, NOW)

    assert after.group(PROJECT, DAILY).orphan_since == NOW


def test_a_narrowed_plan_does_not_forget_whose_groups_were_covered() -> None:
    elsewhere = Scope(policies=frozenset({"weekly"}))
    narrowed = plan(IMAGES, NOW, by=LEFT, scope=elsewhere, past=Past(covered_until(), SAME))
    state = remember(covered_until(), narrowed, SAME)

    after, _ = judged(state, NOW + HOUR)

    assert after.group(PROJECT, DAILY).orphan_since == NOW + HOUR


def forgotten(state: CleanupState, at: datetime) -> CleanupState:
    record = state.group(PROJECT, DAILY).model_copy(update={"forgotten_at": at})
    return state.with_group(PROJECT, DAILY, record)


def test_of_a_forgotten_group_the_newest_go_too_and_after_the_grace() -> None:
    state = forgotten(orphaned_at(), NOW)

    after, group = judged(state, NOW + HOUR)

    assert len(expired(group)) == 5
    assert {entry.reason for entry in group.expired} == {f"{WHY}, forgotten"}
    assert group.floor == ()
    assert {one.since for one in after.group(PROJECT, DAILY).announced.values()} == {NOW + HOUR}


@pytest.mark.parametrize("history", SIGNS)
def test_a_group_that_was_covered_after_it_was_forgotten_is_not_forgotten(
    history: History,
) -> None:
    state = forgotten(orphaned_at(), NOW)

    after, group = judged(state, NOW + HOUR, history=history)

    assert expired(group) == []
    assert after.group(PROJECT, DAILY).forgotten_at is None


def test_of_an_untrusted_state_nothing_counts_as_forgotten() -> None:
    state = forgotten(orphaned_at(), NOW).without_announcements()

    after, group = judged(state, NOW + HOUR)

    assert expired(group) == []
    assert after.group(PROJECT, DAILY).orphan_since == NOW + HOUR


ODD = [
    image(9, "too large", virtual_bytes=10**15),
    image(9, "theirs", deployment="ffffffffffff"),
    image(9, "too old", created_at=slot(8)),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda one: one.id)
def test_an_adopted_image_is_judged_like_a_good_one(odd: Image) -> None:
    record = NOTHING.state.group(PROJECT, DAILY).model_copy(update={"adopted": {odd.id: NOW}})
    state = empty_cleanup_state(DEPLOYMENT).with_group(PROJECT, DAILY, record)
    images = [*days(6, 7, 8), odd]

    before = only_group(plan(images))
    after, group = judged(state, NOW, images, by=COVERING)

    assert expired(before) == []
    assert expired(group) == ["daily-0306T0200"]
    assert after.group(PROJECT, DAILY).adopted == {odd.id: NOW}
    assert [one.id for one in group.floor] == [odd.id]


def test_an_adopted_image_that_is_not_active_is_still_unknown() -> None:
    record = NOTHING.state.group(PROJECT, DAILY).model_copy(update={"adopted": {"odd": NOW}})
    state = empty_cleanup_state(DEPLOYMENT).with_group(PROJECT, DAILY, record)

    _, group = judged(state, NOW, [*days(7, 8), image(9, "odd", status="deactivated")], by=COVERING)

    assert [entry.reason for entry in group.kept if entry.result is ImageResult.UNKNOWN] == [
        "unknown: status deactivated"
    ]


def test_what_was_adopted_leaves_the_state_with_its_image() -> None:
    record = NOTHING.state.group(PROJECT, DAILY).model_copy(update={"adopted": {"gone": NOW}})
    state = empty_cleanup_state(DEPLOYMENT).with_group(PROJECT, DAILY, record)

    after, _ = judged(state, NOW, days(9), by=COVERING)

    assert after.groups == {}


def test_a_former_prefix_and_a_former_policy_keep_a_series_in_its_group() -> None:
    old = [replace(one, name=one.name.replace("acme_daily", "old_nightly")) for one in days(6, 7)]
    today = config(formerly=["nightly"]).model_copy(update={"former_prefixes": ("old",)})

    group = only_group(plan([*old, *days(8, 9)], by=today))

    assert group.key == DAILY
    assert isinstance(group.expired[0], Expired)
    assert expired(group) == ["daily-0306T0200"]
    assert only_group(plan(days(8, 9), by=today)).key.volume_id == DB


def test_an_orphan_of_the_future_stays_and_takes_no_place_among_the_newest() -> None:
    at = NOW + AFTER

    _, group = judged(orphaned_at(), at, [*IMAGES[:2], image(at + HOUR, "ahead")])

    assert [one.id for one in group.floor] == ["daily-0302T0200"]
    assert expired(group) == ["daily-0301T0200"]


def test_a_held_orphan_says_what_holds_it() -> None:
    held = image(1, "held", pinned=True, protected=True)

    _, group = judged(orphaned_at(), NOW + AFTER, [held, *IMAGES[1:]])

    reasons = {entry.recognised.image.id: entry.reason for entry in group.kept}
    assert reasons["held"] == f"pinned, protected, {WHY}"
