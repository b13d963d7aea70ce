"""What is said of one image: its verdict, and what would have to change for it to stay or go."""

from collections.abc import Sequence
from datetime import timedelta

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
    facts,
    image,
    slot,
)
from volume_images.cleanup.announcing import remember
from volume_images.cleanup.explaining import Explanation, explain
from volume_images.cleanup.plan import CloudFacts, JudgedCloud, Scope
from volume_images.cleanup.planning import plan_cleanup
from volume_images.cleanup.rows import Past
from volume_images.cleanup.state import empty_cleanup_state
from volume_images.config.schema import Config
from volume_images.model import Image
from volume_images.report import ImageResult


def judged(by: Config, found: CloudFacts) -> JudgedCloud:
    """Judge what was found, as a deployment that has never run before."""
    state = empty_cleanup_state(DEPLOYMENT)
    plan = plan_cleanup(by, "v1", DEPLOYMENT, found, Scope(), Past(state, {}))
    after = remember(state, plan, {})
    return JudgedCloud(facts=found, plan=plan, before=state, after=after, grace=GRACE)


def explained(
    images: Sequence[Image], of: str, by: Config | None = None, **seen: object
) -> Explanation:
    """Explain one of these images to a deployment that has never run before."""
    by = by or config()
    said = explain(by, judged(by, facts(images, **seen)), of)
    assert said is not None
    return said


def test_an_expired_image_goes_after_the_grace_unless_a_rule_reaches_it_or_a_pin() -> None:
    said = explained(days(5, 6, 7, 8, 9), "daily-0306T0200")

    assert (said.result, said.reasons) == (ImageResult.ANNOUNCED, "expired")
    assert said.standing is not None
    assert (said.standing.since, said.standing.deletes_at) == (NOW, NOW + GRACE)
    assert said.to_stay == (
        "keep_last 4 or more",
        "keep_hourly 4 or more",
        "keep_daily 4 or more",
        "keep_within 4d or longer",
        "min_keep 4 or more",
        "volume-images pin daily-0306T0200",
    )
    assert said.to_go == ()


def test_a_kept_image_goes_by_lower_rules_or_newer_images() -> None:
    said = explained(days(5, 6, 7, 8, 9), "daily-0308T0200")

    assert (said.result, said.reasons, said.in_floor) == (ImageResult.KEPT, "keep_last 2/3", False)
    assert said.standing is None
    assert said.to_stay == ()
    assert said.to_go == (
        "keep_last below 2",
        "2 newer images by the schedule: about 2026-03-12 02:00Z, then after the grace",
    )


def test_without_a_schedule_one_image_a_day_is_assumed() -> None:
    """Requested images have a group of their own: keep_last 3."""
    images = [image(day, group=REQUESTED) for day in (7, 8, 9)]

    said = explained(images, "daily.request-0309T0200")

    assert said.in_floor
    assert said.to_go == (
        "3 newer images of one a day: about 2026-03-13 12:00Z, then after the grace",
    )


def test_a_duplicate_stays_without_the_image_that_has_its_slot() -> None:
    again = image(9, "again", created_at=slot(9) + HOUR)

    said = explained([*days(7, 8, 9), again], "again")

    assert said.reasons == "duplicate of daily-0309T0200"
    assert said.to_stay == (
        "without image daily-0309T0200: keep_last 1/3",
        "volume-images pin again",
    )


def test_a_duplicate_of_an_expired_slot_is_helped_by_a_pin_alone() -> None:
    pinned = image(1, "pinned", pinned=True)
    again = image(1, "again", created_at=slot(1) + HOUR)

    assert explained([*days(7, 8, 9), pinned, again], "again").to_stay == (
        "volume-images pin again",
    )


@pytest.mark.parametrize(
    ("changes", "to_go"),
    [
        ({"pinned": True}, "without its pin: expired"),
        ({"protected": True}, "without its protection: expired"),
        ({"pinned": True, "status": "killed"}, "without its pin: failed"),
        ({"status": "saving"}, "once its export has ended, as the rules say"),
        ({"deployment": "f" * 12}, f"{'f' * 12} in former_deployments of the config"),
        ({"status": "deactivated"}, "once its status is another"),
        ({"virtual_bytes": 0}, "volume-images adopt odd, then as the rules say"),
    ],
)
def test_what_is_not_judged_says_when_it_will_be(changes: dict[str, object], to_go: str) -> None:
    odd = image(1, "odd", **changes)

    assert explained([*days(7, 8, 9), odd], "odd").to_go == (to_go,)


def test_an_image_of_the_future_is_judged_once_its_slot_has_come() -> None:
    ahead = image(NOW + DAY, "ahead")

    assert explained([*days(7, 8, 9), ahead], "ahead").to_go == (
        "once its slot has come, as the rules say",
    )


def test_an_image_that_is_gone_has_nothing_left_to_change() -> None:
    said = explained([*days(8, 9), image(1, "gone", status="deleted")], "gone")

    assert (said.result, said.to_go, said.to_stay) == (ImageResult.GONE, (), ())


def test_a_failed_and_a_stuck_image_go_unless_pinned() -> None:
    failed = image(1, "failed", status="killed")
    stuck = image(2, "stuck", status="saving")
    images = [*days(8, 9), failed, stuck]
    found_at = NOW - timedelta(hours=2)

    said = explained(images, "failed"), explained(images, "stuck", stuck={"stuck": found_at})

    assert [one.to_stay for one in said] == [
        ("volume-images pin failed",),
        ("volume-images pin stuck",),
    ]
    assert said[1].standing is not None
    assert said[1].standing.since == found_at


@pytest.mark.parametrize(
    ("orphans", "to_go"),
    [
        (None, (f"volume-images forget daily, or {DB}", "orphans: {after, keep} in the config")),
        ({"after": "90d"}, (f"volume-images forget daily, or {DB}",)),
    ],
)
def test_an_orphan_goes_by_a_persons_wish_or_the_rule_for_orphans(
    orphans: dict[str, str] | None, to_go: tuple[str, ...]
) -> None:
    nobodys = config(select={"backup": "never"}).model_dump(mode="json") | {"orphans": orphans}

    said = explained(days(8, 9), "daily-0309T0200", Config.model_validate(nobodys))

    assert said.reasons == "orphan: policy daily does not cover this volume"
    assert said.to_go == to_go


def test_a_pinned_orphan_is_one_without_its_pin() -> None:
    nobodys = config(select={"backup": "never"})

    said = explained([image(1, "pinned", pinned=True)], "pinned", nobodys)

    assert said.to_go == ("without its pin: as any orphan",)


def test_an_image_of_nobody_is_not_explained() -> None:
    assert explain(config(), judged(config(), facts(days(9))), "other") is None


def test_the_json_form_has_all_of_it() -> None:
    said = explained(days(7, 8, 9), "daily-0309T0200").as_json()

    assert said["image_id"] == "daily-0309T0200"
    assert said["slot"] == "2026-03-09T02:00:00+00:00"
    assert (said["announced_since"], said["deletes_at"]) == (None, None)
    assert said["floor"] is True
