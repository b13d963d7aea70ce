"""What a plan decides about each image: kept, expired, failed, and what deletions rest on."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cleanup_samples import (
    DAILY,
    DB,
    NOTHING,
    NOW,
    REQUESTED,
    WEB,
    config,
    days,
    facts,
    image,
    only_group,
    plan,
    slot,
)
from tests.support.examples import examples
from volume_images.cleanup.freshness import Covered
from volume_images.cleanup.plan import GroupPlan, Scope
from volume_images.cleanup.planning import floor_of, plan_cleanup
from volume_images.cleanup.state import VolumeFacts
from volume_images.errors import SafetyStop
from volume_images.model import GroupKey, Image
from volume_images.report import ImageResult
from volume_images.retention.judging import Verdict
from volume_images.retention.rules import RetentionRules

SPARE = "c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10"


def said(group: GroupPlan) -> dict[str, tuple[ImageResult, str]]:
    return {entry.recognised.image.id: (entry.result, entry.reason) for entry in group.kept}


def expired(group: GroupPlan) -> set[str]:
    return {entry.image_id for entry in group.expired}


def failed(group: GroupPlan) -> set[str]:
    return {entry.image_id for entry in group.failed}


def test_images_that_no_rule_keeps_expire_and_the_others_say_why_they_stay() -> None:
    group = only_group(plan(days(5, 6, 7, 8, 9)))

    assert expired(group) == {"daily-0305T0200", "daily-0306T0200"}
    assert said(group)["daily-0309T0200"] == (ImageResult.KEPT, "keep_last 1/3")


def test_the_floor_stays_though_the_rules_keep_less() -> None:
    group = only_group(plan(days(5, 6, 7, 8, 9), by=config(keep_last=1, min_keep=3)))

    assert expired(group) == {"daily-0305T0200", "daily-0306T0200"}
    assert said(group)["daily-0307T0200"] == (ImageResult.KEPT, "floor 3/3")


def test_requested_images_are_a_group_of_their_own_under_the_rules_for_requests() -> None:
    requested = [image(day, group=REQUESTED) for day in (1, 2, 3, 4)]

    groups = {group.key: group for group in plan([*days(9), *requested]).groups}

    assert expired(groups[REQUESTED]) == {"daily.request-0301T0200"}
    assert expired(groups[DAILY]) == set()


def test_strangers_do_not_appear_at_all() -> None:
    strangers = [
        image(1, "theirs", owner="another project"),
        image(2, "named", name="acme_daily_db01"),
    ]

    assert plan(strangers).groups == ()


def test_an_image_of_another_deployment_is_reported_unknown_and_never_expires() -> None:
    group = only_group(plan([image(1, "other", deployment="ffffffffffff"), *days(7, 8, 9)]))

    assert said(group)["other"] == (ImageResult.UNKNOWN, "unknown: deployment ffffffffffff")
    assert expired(group) == set()


@pytest.mark.parametrize("held", ["pinned", "protected"])
def test_a_held_image_stays_even_if_its_export_failed(held: str) -> None:
    images = [image(1, "good", **{held: True}), image(2, "bad", status="killed", **{held: True})]

    group = only_group(plan([*images, *days(7, 8, 9)]))

    assert said(group)["good"] == (ImageResult.KEPT, held)
    assert said(group)["bad"][0] is ImageResult.KEPT
    assert (expired(group), failed(group)) == (set(), set())


def test_a_failed_image_goes_by_its_own_rule_and_a_pending_one_only_when_stuck() -> None:
    images = [
        image(1, "failed", status="killed"),
        image(2, "pending", status="saving"),
        image(3, "stuck", status="queued"),
    ]

    group = only_group(plan([*images, *days(9)], stuck={"stuck": slot(4), "pending-no-more": NOW}))

    assert {entry.image_id: entry.stuck_since for entry in group.failed} == {
        "failed": None,
        "stuck": slot(4),
    }
    assert said(group)["pending"][0] is ImageResult.KEPT


def test_a_stuck_image_that_turned_active_after_all_is_judged_like_any_other() -> None:
    group = only_group(plan(days(9), stuck={"daily-0309T0200": slot(9)}))

    assert failed(group) == set()
    assert said(group)["daily-0309T0200"] == (ImageResult.KEPT, "keep_last 1/3")


def test_a_duplicate_of_a_slot_expires_and_names_the_image_that_stays() -> None:
    later = image(9, "later", created_at=slot(9) + timedelta(minutes=9))
    first = image(9, "first")

    group = only_group(plan([later, first]))

    (duplicate,) = group.expired
    assert (duplicate.image_id, duplicate.reason) == ("later", "duplicate of first")
    assert duplicate.winner == first
    assert group.floor == (first,)


def test_an_image_that_is_being_deleted_is_gone() -> None:
    group = only_group(plan([image(1, "going", status="pending_delete"), *days(9)]))

    assert said(group)["going"] == (ImageResult.GONE, "pending_delete")


@pytest.mark.parametrize(
    ("group", "why"),
    [
        (GroupKey("weekly", requested=False, volume_id=DB), "no policy weekly in the config"),
        (
            GroupKey("daily", requested=False, volume_id=WEB),
            "policy daily does not cover this volume",
        ),
    ],
)
def test_orphans_are_kept_and_not_judged(group: GroupKey, why: str) -> None:
    orphans = [image(day, f"{day}", group=group) for day in (1, 2, 3, 4, 5)]

    found = only_group(plan([*orphans, image(6, "bad", group=group, status="killed")]))

    assert found.orphaned is None
    assert set(said(found).values()) == {(ImageResult.KEPT, f"orphan: {why}")}
    assert (found.expired, found.failed) == ((), ())


def test_the_floor_is_checked_against_the_verdicts_whatever_they_say() -> None:
    """No rule of retention may ever delete the newest good image, not even a wrong one."""
    newest = only_group(plan(days(9))).images
    wrong = {"daily-0309T0200": Verdict("daily-0309T0200", keep=False, reasons=("expired",))}

    with pytest.raises(SafetyStop, match="daily-0309T0200 is of the newest 1"):
        floor_of(newest, wrong, 1, NOW)


def test_the_floor_reaches_as_far_ahead_as_the_rules_do() -> None:
    """Both let clocks differ by five minutes."""
    ahead = [image(NOW + timedelta(minutes=minutes), f"in {minutes}") for minutes in (4, 5, 6)]

    group = only_group(plan([*days(9), *ahead], by=config(min_keep=3)))

    assert [found.id for found in group.floor] == ["in 5", "in 4", "daily-0309T0200"]


def test_every_reason_of_a_kept_image_is_told() -> None:
    held = image(1, "held", pinned=True, protected=True)

    assert said(only_group(plan([held, *days(9)])))["held"][1] == "pinned, protected"


def test_rules_that_keep_nothing_stop_the_group_and_no_other() -> None:
    """A config that parses cannot say so; the guard is there for the day one can."""
    careful = config()
    empty = careful.policies["daily"].model_copy(update={"retention": RetentionRules()})
    careless = careful.model_copy(update={"policies": {"daily": empty}})
    requested = [image(day, group=REQUESTED) for day in (1, 2, 3, 4)]
    bad = image(2, "bad", status="killed")

    found = plan([*days(7, 8, 9), bad, *requested], by=careless)

    groups = {group.key: group for group in found.groups}
    stopped = groups[DAILY]
    assert stopped.stop.startswith(f"daily/{DB}: no retention rule keeps anything")
    assert (stopped.expired, stopped.failed) == ((), ())
    assert {result for result, _ in said(stopped).values()} == {ImageResult.KEPT}
    assert all(
        why.startswith("safety stop: no retention rule") for _, why in said(stopped).values()
    )
    assert expired(groups[REQUESTED]) == {"daily.request-0301T0200"}


def test_a_narrowed_plan_looks_only_at_the_groups_it_is_narrowed_to() -> None:
    requested = [image(day, group=REQUESTED) for day in (1, 2)]
    images = [*days(1, 2), *requested]

    assert {group.key for group in plan(images).groups} == {DAILY, REQUESTED}
    assert plan(images, scope=Scope(policies=frozenset({"weekly"}))).groups == ()
    assert plan(images, scope=Scope(volume_ids=frozenset({WEB}))).groups == ()
    narrowed = plan(images, scope=Scope(frozenset({"daily"}), frozenset({DB})))
    assert {group.key for group in narrowed.groups} == {DAILY, REQUESTED}
    assert not narrowed.is_whole
    assert narrowed.covered == plan(images).covered


def test_the_newest_slot_is_that_of_a_good_image_of_either_group_and_not_of_the_future() -> None:
    images = [
        *days(7),
        image(8, group=REQUESTED),
        image(9, "pending", status="saving"),
        image(NOW.replace(hour=13), "future"),
    ]

    assert plan(images).newest_slots == {("daily", DB): slot(8)}


def test_a_plan_tells_what_is_covered_and_what_the_volumes_of_living_images_are_like() -> None:
    orphan = image(1, group=GroupKey("daily", requested=False, volume_id=WEB))
    going = image(
        1, "going", group=GroupKey("old", requested=False, volume_id=SPARE), status="deleted"
    )

    found = plan([*days(9), orphan, going])

    assert found.covered == (
        Covered(cloud="otc", policy="daily", volume_id=DB, max_age=timedelta(hours=40)),
    )
    assert found.living == {DB, WEB}
    assert found.facts[WEB] == VolumeFacts(zone="eu-de-01", size_gib=40)


def test_a_volume_that_is_gone_is_covered_all_the_same_and_has_no_facts() -> None:
    seen = facts(days(9), present=())
    gone = plan_cleanup(config(), "v1", "0123456789ab", seen, Scope(), NOTHING)

    assert [entry.volume_id for entry in gone.covered] == [DB]
    assert gone.facts == {}
    assert said(only_group(gone)) == {"daily-0309T0200": (ImageResult.KEPT, "keep_last 1/3")}


STATUSES = st.sampled_from(["active", "active", "active", "saving", "killed", "deactivated"])
IMAGES = st.lists(
    st.builds(
        lambda day, number, status, pinned: image(
            day, f"{day}-{number}", status=status, pinned=pinned
        ),
        st.integers(1, 12),
        st.integers(0, 3),
        STATUSES,
        st.booleans(),
    ),
    unique_by=lambda one: one.id,
    max_size=25,
)


@examples(150)
@given(IMAGES, st.integers(1, 4), st.integers(1, 4))
def test_the_newest_good_images_are_the_floor_and_never_expire(
    images: list[Image], keep_last: int, min_keep: int
) -> None:
    found = plan(images, by=config(keep_last=keep_last, min_keep=min_keep))

    for group in found.groups:
        good = {one.name for one in images if one.status == "active" and one.created_at <= NOW}
        floor = {one.name for one in group.floor}
        assert floor == set(sorted(good, key=lambda name: name[-16:])[-min_keep:])
        assert {one.id for one in group.floor}.isdisjoint(expired(group) | failed(group))
        assert group.stop == ""


@examples(150)
@given(IMAGES, st.randoms())
def test_a_plan_speaks_of_each_image_once_in_whatever_order_they_are_listed(
    images: list[Image], random: Random
) -> None:
    found = plan(images)
    shuffled = images.copy()
    random.shuffle(shuffled)
    again = plan(shuffled)

    spoken = [one.image.id for group in found.groups for one in group.images]
    assert sorted(spoken) == sorted(one.id for one in images)
    assert [expired(group) for group in again.groups] == [expired(group) for group in found.groups]
    assert [group.floor for group in again.groups] == [group.floor for group in found.groups]
