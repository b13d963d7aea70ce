"""What can be meant and mostly is not is a warning; a quota that is too small is a problem."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from volume_images.config.checks import check_config
from volume_images.config.lint import lint_config
from volume_images.config.schema import parse_config

EXAMPLE = Path(__file__).parent / "data" / "example.yaml"
CLOUD = {"dialect": "huawei", "region": "eu-de", "project": "backup"}


def volume(number: int, cloud: str = "otc", **tags: str) -> dict[str, Any]:
    return {"id": f"16369c5d-384d-4e64-b37a-{number:012d}", "cloud": cloud, "tags": tags}


def policy(retention: dict[str, object], schedule: str | None, **others: object) -> dict[str, Any]:
    return {
        "select": {"backup": "daily"},
        "retention": retention,
        "schedule": schedule,
        **others,
    }


def document(**changes: object) -> dict[str, Any]:
    return {
        "prefix": "acme",
        "clouds": {"otc": CLOUD},
        "policies": {"daily": policy({"keep_last": 3}, "0 2 * * *")},
        "volumes": [volume(0, backup="daily")],
        **changes,
    }


def lint(**changes: object) -> dict[str, str]:
    config = parse_config(json.dumps(document(**changes)).encode(), "config.yaml")
    return {warning.path: warning.message for warning in lint_config(config)}


def lint_rules(retention: dict[str, object], schedule: str | None = "0 2 * * *") -> dict[str, str]:
    found = lint(policies={"daily": policy(retention, schedule)})
    return {path.removeprefix("policies.daily.retention."): says for path, says in found.items()}


def problems(**changes: object) -> dict[str, str]:
    config = parse_config(json.dumps(document(**changes)).encode(), "config.yaml")
    return {problem.path: problem.message for problem in check_config(config)}


def test_the_example_has_no_warning() -> None:
    assert lint_config(parse_config(EXAMPLE.read_bytes(), "example")) == ()


@pytest.mark.parametrize(
    ("schedule", "retention", "rules"),
    [
        ("0 2 * * *", {"keep_hourly": 24}, ["keep_hourly"]),
        ("0 * * * *", {"keep_hourly": 24}, []),
        ("0 */2 * * *", {"keep_hourly": 24}, ["keep_hourly"]),
        ("0 2 * * *", {"keep_daily": 7}, []),
        ("0 2 * * 0", {"keep_daily": 7}, ["keep_daily"]),
        ("0 2 * * 0", {"keep_weekly": 7}, []),
        ("0 2 1 * *", {"keep_weekly": 7}, ["keep_weekly"]),
        ("0 2 1 * *", {"keep_monthly": 7}, []),
        ("0 2 1 1 *", {"keep_monthly": 7}, ["keep_monthly"]),
        ("0 2 1 1 *", {"keep_yearly": 7}, []),
        ("0 2 * * *", {"keep_within_hourly": "7d"}, ["keep_within_hourly"]),
        (None, {"keep_hourly": 24}, []),
    ],
)
def test_a_tier_finer_than_the_schedule_is_warned_of(
    schedule: str | None, retention: dict[str, object], rules: list[str]
) -> None:
    """A night of changing clocks makes a day 25 h long, and no tier unreachable."""
    found = lint(policies={"daily": policy(retention, schedule, timezone="Europe/Berlin")})

    assert list(found) == [f"policies.daily.retention.{rule}" for rule in rules]


def test_an_unreachable_tier_is_told_what_it_comes_to() -> None:
    assert lint_rules({"keep_hourly": 24}) == {
        "keep_hourly": (
            "the schedule leaves 1 d or more between images, so this counts images: it keeps the"
            " newest 24, as keep_last: 24 would say"
        )
    }


@pytest.mark.parametrize(
    ("retention", "rules"),
    [
        ({"keep_last": 30, "keep_daily": 3}, ["keep_daily"]),
        ({"keep_last": 3, "keep_daily": 30}, []),
        ({"keep_daily": 30, "keep_weekly": 2}, ["keep_weekly"]),
        ({"keep_daily": 30, "keep_weekly": 8}, []),
        ({"keep_daily": 7, "keep_yearly": 1}, ["keep_yearly"]),
        ({"keep_daily": 7, "keep_within": "30d"}, ["keep_daily"]),
        ({"keep_within": "7d", "keep_within_daily": "3d"}, ["keep_within_daily"]),
        ({"keep_daily": 7, "keep_weekly": 5, "keep_monthly": 12, "keep_yearly": 3}, []),
    ],
)
def test_a_tier_that_another_swallows_is_warned_of(
    retention: dict[str, object], rules: list[str]
) -> None:
    """`keep_last` is a floor that people write on purpose, and never called superfluous."""
    assert list(lint_rules(retention)) == rules


def test_the_rule_that_swallows_is_named() -> None:
    assert lint_rules({"keep_last": 30, "keep_daily": 3}) == {
        "keep_daily": (
            "has no effect on this schedule: what it keeps stays by keep_last: 30 anyway; raise it"
            " or leave it out"
        )
    }


@pytest.mark.parametrize(
    ("tags", "paths"),
    [
        ({"backup": "dialy"}, ["volumes[1].tags.backup"]),
        ({"backup": "daly"}, ["volumes[1].tags.backup"]),
        ({"backup": "dailyy"}, ["volumes[1].tags.backup"]),
        ({"backup": "Daily"}, ["volumes[1].tags.backup"]),
        ({"bakcup": "daily"}, ["volumes[1].tags.bakcup"]),
        ({"backup": "daily"}, []),
        ({"backup": "weekly"}, []),
        ({"backup": "daily2"}, []),
        ({"app": "dialy"}, []),
        ({"lifecycle": "scratsh"}, ["volumes[1].tags.lifecycle"]),
        ({"tier": "dc"}, []),
    ],
)
def test_a_tag_one_letter_away_from_a_selected_one_is_warned_of(
    tags: dict[str, str], paths: list[str]
) -> None:
    daily = policy({"keep_last": 3}, "0 2 * * *", exclude={"lifecycle": "scratch", "tier": ["db"]})
    volumes = [volume(0, backup="daily"), volume(1, **tags)]

    assert list(lint(policies={"daily": daily}, volumes=volumes)) == paths


def test_a_slip_of_many_volumes_is_told_once() -> None:
    volumes = [volume(0, backup="daily"), *(volume(place, backup="dialy") for place in (1, 2, 3))]

    assert lint(volumes=volumes) == {
        "volumes[1].tags.backup": (
            "backup: dialy is one letter away from backup: daily, which"
            " policies.daily.select.backup names (and 2 more)"
        )
    }


def test_a_selector_one_letter_away_from_a_tag_is_warned_of() -> None:
    """Here other volumes have the tag as a second policy means it, so the selector is the slip."""
    policies = {
        "daily": policy({"keep_last": 3}, "0 2 * * *"),
        "weekly": policy({"keep_last": 3}, "0 5 * * 0", select={"backup": "dayly"}),
    }

    assert lint(policies=policies) == {
        "policies.weekly.select.backup": (
            "nothing is tagged backup: dayly; one letter away, backup: daily is, at"
            " volumes[0].tags.backup"
        )
    }


def test_a_slip_in_a_discovery_is_warned_of() -> None:
    found = lint(volumes=[], discover=[{"cloud": "otc", "tags": {"backup": ["dialy"]}}])

    assert list(found) == ["discover[0].tags.backup"]


def quota(image_quota: int, **changes: object) -> dict[str, str]:
    return problems(clouds={"otc": {**CLOUD, "image_quota": image_quota}}, **changes)


def test_a_quota_holds_what_is_kept_announced_requested_and_under_way() -> None:
    """Three volumes, each 3 kept, 3 announced for 72 h, 3 requested, and 1 under way."""
    volumes = [volume(number, backup="daily") for number in range(3)]

    assert quota(30, volumes=volumes) == {}
    assert quota(29, volumes=volumes) == {
        "clouds.otc.image_quota": (
            "29 images are too few: once the rules are full, there are 30 (9 kept, 9 announced for"
            " 72 h, 9 requested, 3 under way): keep fewer, or get a larger quota"
        )
    }


def test_a_longer_grace_needs_more_of_a_quota() -> None:
    assert quota(10) == {}
    assert "announced for 96 h" in quota(10, grace="4d")["clouds.otc.image_quota"]


def test_no_more_is_under_way_than_the_cloud_takes_at_once() -> None:
    cloud = {**CLOUD, "image_quota": 28, "max_in_flight": 1}
    volumes = [volume(number, backup="daily") for number in range(3)]

    assert problems(clouds={"otc": cloud}, volumes=volumes) == {}


def test_without_a_schedule_only_requests_need_a_quota() -> None:
    assert quota(4, policies={"daily": policy({"keep_last": 9}, None)}) == {}
    assert "4 images" not in str(quota(3, policies={"daily": policy({"keep_last": 9}, None)}))
    assert "there are 4" in str(quota(3, policies={"daily": policy({"keep_last": 9}, None)}))


def test_rules_without_an_end_are_counted_as_far_as_they_have_come() -> None:
    found = quota(100, policies={"daily": policy({"keep_monthly": "unlimited"}, "0 2 * * *")})

    assert found["clouds.otc.image_quota"].startswith("100 images are too few: after eleven years")


def test_a_cloud_without_a_quota_or_without_a_listed_volume_has_no_such_problem() -> None:
    assert problems() == {}
    assert quota(1, volumes=[], discover=[{"cloud": "otc", "tags": {"backup": "daily"}}]) == {}


words = st.text("daily1", min_size=1, max_size=6)


@given(tags=st.lists(st.dictionaries(words, words, max_size=2), max_size=5))
@examples(40)
def test_every_warning_about_arbitrary_tags_has_a_path_into_the_config(
    tags: list[dict[str, str]],
) -> None:
    volumes = [volume(place, **each) for place, each in enumerate(tags)]
    found = lint(volumes=volumes)

    assert all(path.startswith(("volumes[", "policies.daily.select")) for path in found)
