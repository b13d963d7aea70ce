"""How long images have stood announced: what confirms, withdraws and restarts a wait."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pydantic import BaseModel

from tests.core.cleanup_samples import (
    DAILY,
    DAY,
    DB,
    DEPLOYMENT,
    HOUR,
    NOW,
    PROJECT,
    config,
    days,
    image,
    only_group,
    plan,
    slot,
    volumes,
)
from volume_images.cleanup.announcing import first_seen, lapsed, remember
from volume_images.cleanup.plan import Scope
from volume_images.cleanup.rows import History
from volume_images.cleanup.rule_digest import NO_RULES, RuleDigests, rule_digests
from volume_images.cleanup.state import (
    Announced,
    CleanupState,
    GroupRecord,
    Judged,
    Series,
    VolumeFacts,
    empty_cleanup_state,
)
from volume_images.config.schema import Config, Orphans, Policy
from volume_images.config.selection import members
from volume_images.model import GroupKey, Image

IMAGES = days(6, 7, 8, 9)
OLDEST = "daily-0306T0200"
UNCHANGED: History = {"v1": ()}


def started(at: datetime = NOW) -> CleanupState:
    """Return the state after one plan, which announces the oldest of four images."""
    return remember(empty_cleanup_state(DEPLOYMENT), plan(IMAGES, at), {})


def digests(by: Config) -> RuleDigests:
    return rule_digests(by, "otc", members(by, "otc", ()))


def since(state: CleanupState, image_id: str = OLDEST) -> datetime | None:
    announced = state.group(PROJECT, DAILY).announced
    return announced[image_id].since if image_id in announced else None


def test_an_expired_image_is_announced_with_reason_rules_and_config_version() -> None:
    found = plan(IMAGES)

    record = remember(empty_cleanup_state(DEPLOYMENT), found, {}).group(PROJECT, DAILY)

    digest = only_group(found).digest
    assert digest
    assert record == GroupRecord(
        judged=Judged(at=NOW, digest=digest, config_version="v1"),
        announced={OLDEST: Announced(since=NOW, reason="expired")},
    )


def test_each_further_plan_confirms_and_the_wait_goes_on() -> None:
    before = started()

    after = remember(before, plan(IMAGES, NOW + HOUR), UNCHANGED)

    assert since(after) == NOW
    assert after.group(PROJECT, DAILY).judged == Judged(
        at=NOW + HOUR, digest=digests(config()).of(DAILY), config_version="v1"
    )
    assert lapsed(before, after) == 0


@pytest.mark.parametrize(
    ("images", "again"),
    [(days(7, 8, 9), IMAGES), ([image(6, pinned=True), *days(7, 8, 9)], IMAGES)],
    ids=["not listed", "pinned"],
)
def test_a_plan_that_does_not_have_the_image_expired_withdraws_it(
    images: list[Image], again: list[Image]
) -> None:
    withdrawn = remember(started(), plan(images, NOW + HOUR), UNCHANGED)
    renewed = remember(withdrawn, plan(again, NOW + 2 * HOUR), UNCHANGED)

    assert since(withdrawn) is None
    assert since(renewed) == NOW + 2 * HOUR


@pytest.mark.parametrize(
    ("gap", "stands"), [(36 * HOUR, True), (36 * HOUR + timedelta(seconds=1), False)]
)
def test_a_wait_starts_again_when_no_plan_confirmed_it_for_36_hours(
    gap: timedelta, *, stands: bool
) -> None:
    before = started()

    after = remember(before, plan(IMAGES, NOW + gap), UNCHANGED)

    assert since(after) == (NOW if stands else NOW + gap)
    assert lapsed(before, after) == (0 if stands else 1)


def test_a_clock_that_was_ahead_confirms_nothing() -> None:
    after = remember(started(NOW + DAY), plan(IMAGES, NOW), UNCHANGED)

    assert since(after) == NOW


OTHER_RULES = [
    pytest.param(config(keep_last=2), id="a count"),
    pytest.param(config(min_keep=2), id="the floor"),
    pytest.param(config(timezone="Europe/Berlin"), id="the time zone"),
    pytest.param(config(formerly=["nightly"]), id="former names of the policy"),
    pytest.param(config().model_copy(update={"former_prefixes": ("old",)}), id="former prefixes"),
    pytest.param(
        config().model_copy(update={"former_deployments": ("fedcba987654",)}),
        id="former deployments",
    ),
]


@pytest.mark.parametrize("other", OTHER_RULES)
def test_a_wait_starts_again_under_other_rules(other: Config) -> None:
    before = started()

    after = remember(
        before, plan(IMAGES, NOW + HOUR, by=other, version="v2"), {"v1": (digests(other),)}
    )

    assert since(after) == NOW + HOUR
    assert lapsed(before, after) == 1


@pytest.mark.parametrize("between", [*OTHER_RULES, pytest.param(None, id="does not parse")])
def test_a_wait_starts_again_after_other_rules_that_were_reverted_in_between(
    between: Config | None,
) -> None:
    """Comparing only then and now would keep the old date of a slip that is made twice."""
    seen = NO_RULES if between is None else digests(between)

    after = remember(
        started(),
        plan(IMAGES, NOW + HOUR, version="v3"),
        {"v1": (seen, digests(config()))},
    )

    assert since(after) == NOW + HOUR


def test_a_wait_starts_again_after_a_version_that_did_not_cover_the_volume() -> None:
    uncovered = config().model_copy(update={"volumes": ()})

    after = remember(
        started(), plan(IMAGES, NOW + HOUR, version="v3"), {"v1": (digests(uncovered),)}
    )

    assert since(after) == NOW + HOUR


def test_a_config_without_the_cloud_covers_nothing_in_it() -> None:
    assert rule_digests(config(), "another cloud", members(config(), "otc", ())) == NO_RULES


EDITS_OF_NO_RULE = [
    pytest.param(config(max_age="99h"), id="freshness"),
    pytest.param(config(schedule="0 3 * * *"), id="schedule"),
    pytest.param(config(catch_up="9h"), id="catching up"),
    pytest.param(config(export={"force": True}), id="how it is exported"),
    pytest.param(config(requests={"keep_last": 9}), id="rules of another group"),
    pytest.param(config().model_copy(update={"grace": 99 * HOUR}), id="the grace itself"),
    pytest.param(
        config().model_copy(update={"orphans": Orphans(after=9 * DAY)}), id="rules of orphans"
    ),
]


@pytest.mark.parametrize("edit", EDITS_OF_NO_RULE)
def test_an_edit_that_decides_nothing_about_the_group_does_not_restart_its_wait(
    edit: Config,
) -> None:
    after = remember(
        started(), plan(IMAGES, NOW + HOUR, by=edit, version="v2"), {"v1": (digests(edit),)}
    )

    assert since(after) == NOW


def test_every_key_of_the_config_is_known_to_decide_what_is_kept_or_not_to() -> None:
    """Who adds a key adds it here: to what restarts a wait, or to what does not.

    Which groups there are, `select` and its like, is not a rule: a group that is not covered is an
    orphan, and has other rules. Images of another prefix are nobody's.
    """
    covering = {
        "select",
        "exclude",
        "volumes",
        "discover",
        "clouds",
        "policies",
        "prefix",
        "version",
    }
    known = set(covering)
    for case in (*OTHER_RULES, *EDITS_OF_NO_RULE):
        (edited,) = case.values
        known |= _other_fields(edited, config())
        known |= _other_fields(edited.policies["daily"], config().policies["daily"])
    assert known == Config.model_fields.keys() | Policy.model_fields.keys()


def _other_fields(one: BaseModel, other: BaseModel) -> set[str]:
    return {name for name, value in one if value != getattr(other, name)}


def test_without_config_versions_only_the_rules_then_and_now_are_compared() -> None:
    same = remember(started(), plan(IMAGES, NOW + HOUR, version="v3"), {"v1": None})
    other = remember(
        started(), plan(IMAGES, NOW + HOUR, by=config(keep_last=2), version="v3"), {"v1": None}
    )

    assert since(same) == NOW
    assert since(other) == NOW + HOUR


def test_a_narrowed_plan_says_nothing_of_other_groups() -> None:
    before = started()
    elsewhere = plan(IMAGES, NOW + HOUR, scope=Scope(volume_ids=frozenset({"another"})))

    after = remember(before, elsewhere, UNCHANGED)

    assert after.groups == before.groups


def test_a_group_that_is_not_there_any_more_leaves_the_state() -> None:
    after = remember(started(), plan([], NOW + HOUR), UNCHANGED)

    assert after.groups == {}


def test_a_group_that_became_an_orphan_is_announced_no_more() -> None:
    uncovered = config().model_copy(update={"volumes": ()})

    after = remember(started(), plan(IMAGES, NOW + HOUR, by=uncovered), UNCHANGED)

    assert since(after) is None


@pytest.mark.parametrize(("gap", "stays"), [(HOUR, True), (37 * HOUR, False)])
def test_a_record_of_another_project_stays_as_long_as_its_row_could_go_on(
    gap: timedelta, *, stays: bool
) -> None:
    before = started()
    elsewhere = before.model_copy(
        update={"groups": {f"other/{DAILY}": before.group(PROJECT, DAILY)}}
    )

    after = remember(elsewhere, plan(IMAGES, NOW + gap), {"v1": ()})

    assert (f"other/{DAILY}" in after.groups) is stays
    assert since(after) == NOW + gap


def test_a_failed_image_is_counted_from_when_it_was_first_seen_so() -> None:
    failed = [image(5, "bad", status="killed"), *days(9)]
    first = remember(empty_cleanup_state(DEPLOYMENT), plan(failed), {})
    second = remember(first, plan(failed, NOW + 50 * HOUR), {})
    healed = remember(second, plan([image(5, "bad"), *days(9)], NOW + 51 * HOUR), {"v1": ()})

    assert first.group(PROJECT, DAILY).failed_since == {"bad": NOW}
    assert second.group(PROJECT, DAILY).failed_since == {"bad": NOW}
    assert healed.group(PROJECT, DAILY).failed_since == {}


def test_a_stuck_image_is_counted_from_when_it_was_found_stuck() -> None:
    stuck = plan([image(5, "stuck", status="queued")], stuck={"stuck": slot(7)})

    state = remember(empty_cleanup_state(DEPLOYMENT), stuck, {})

    assert state.group(PROJECT, DAILY).failed_since == {"stuck": slot(7)}


def test_doing_it_again_changes_nothing() -> None:
    once = remember(started(), plan(IMAGES, NOW + HOUR), UNCHANGED)

    assert remember(once, plan(IMAGES, NOW + HOUR), UNCHANGED) == once


def test_a_plan_merged_into_a_newer_state_keeps_only_what_stands_there() -> None:
    """Another run withdrew the image meanwhile: for this plan its wait begins now."""
    newer = remember(started(), plan(days(7, 8, 9), NOW + HOUR), UNCHANGED)

    merged = remember(newer, plan(IMAGES, NOW + HOUR), UNCHANGED)

    assert since(merged) == NOW + HOUR


def test_series_remember_when_a_volume_joined_and_its_newest_slot() -> None:
    empty = remember(empty_cleanup_state(DEPLOYMENT), plan([]), {})
    exported = remember(empty, plan(IMAGES, NOW + HOUR), {})
    uncovered = remember(
        exported, plan(IMAGES, NOW + HOUR, by=config().model_copy(update={"volumes": ()})), {}
    )

    key = f"daily/{DB}"
    assert empty.series == {key: Series(first_seen=NOW)}
    assert exported.series == {key: Series(first_seen=NOW, newest_slot=slot(9))}
    assert uncovered.series == {}


def test_a_volume_behind_a_dead_cloud_is_counted_from_its_first_sight_too() -> None:
    covered = plan([]).covered
    first = first_seen(empty_cleanup_state(DEPLOYMENT), covered, NOW)

    assert first.series == {f"daily/{DB}": Series(first_seen=NOW)}
    assert first_seen(first, covered, NOW + DAY) is first


def test_the_facts_of_a_volume_are_kept_while_an_image_of_it_lives() -> None:
    seen = remember(empty_cleanup_state(DEPLOYMENT), plan(IMAGES), {})
    without_volume = replace(plan(IMAGES, NOW + HOUR), facts={})
    kept = remember(seen, without_volume, UNCHANGED)
    gone = remember(kept, plan([], NOW + 2 * HOUR), UNCHANGED)

    assert kept.volumes == {DB: VolumeFacts.of(volumes(DB)[DB])}
    assert gone.volumes == {}


def test_a_state_is_read_back_as_it_was_written() -> None:
    state = remember(
        started(), plan([*IMAGES, image(5, "bad", status="killed")], NOW + HOUR), UNCHANGED
    )

    assert CleanupState.model_validate_json(state.model_dump_json(exclude_defaults=True)) == state


def test_of_an_untrusted_state_every_wait_starts_again_and_the_rest_is_kept() -> None:
    failing = [*IMAGES, image(5, "bad", status="killed")]
    state = remember(started(), plan(failing, NOW + HOUR), UNCHANGED)

    doubted = state.without_announcements()
    after = remember(doubted, plan(failing, NOW + 2 * HOUR), UNCHANGED)

    assert since(after) == NOW + 2 * HOUR
    assert after.group(PROJECT, DAILY).failed_since == {"bad": NOW + HOUR}


def test_the_same_group_of_another_project_is_another_group() -> None:
    other = GroupKey.parse(str(DAILY))

    assert started().group("another project", other).is_empty
