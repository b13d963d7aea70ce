"""Cross-checks: what parses and still cannot be meant is a problem with its path."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from volume_images.config.checks import check_config
from volume_images.config.schema import parse_config

DATA = Path(__file__).parent / "data"
VOLUMES = [f"16369c5d-384d-4e64-b37a-{number:012d}" for number in range(50)]


def policy(schedule: str | None = None, **others: object) -> dict[str, Any]:
    return {
        "select": {"backup": "daily"},
        "retention": {"keep_last": 3},
        "schedule": schedule,
        **others,
    }


def volume(number: int = 0, cloud: str = "otc", **tags: str) -> dict[str, Any]:
    return {"id": VOLUMES[number], "cloud": cloud, "tags": tags or {"backup": "daily"}}


def config(**changes: object) -> dict[str, Any]:
    """Give a config of one cloud, policy and volume without a problem, with changes."""
    return {
        "prefix": "acme",
        "clouds": {"otc": {"dialect": "huawei", "region": "eu-de", "project": "backup"}},
        "policies": {"daily": policy("0 2 * * *")},
        "volumes": [volume()],
        **changes,
    }


def check(document: dict[str, Any]) -> dict[str, str]:
    """Give every problem of a document that parses, message by path."""
    problems = check_config(parse_config(json.dumps(document).encode(), "config.yaml"))
    found = {problem.path: problem.message for problem in problems}
    assert len(found) == len(problems)
    return found


def test_the_example_has_no_problem() -> None:
    assert check_config(parse_config((DATA / "example.yaml").read_bytes(), "example")) == ()


def test_ten_faults_are_ten_problems_with_their_paths() -> None:
    body = (DATA / "ten-faults.yaml").read_bytes()

    problems = check_config(parse_config(body, "ten-faults.yaml"))

    assert [problem.path for problem in problems] == [
        "clouds.twin",
        "volumes[2].id",
        "discover[0].cloud",
        "volumes[1].tags",
        "policies.nothing.select",
        "policies.often.export.disk_format",
        "policies.often.schedule",
        "policies.daily.max_age",
        "policies.weekly.schedule",
        "clouds.otc.max_in_flight",
    ]


def test_a_config_without_a_schedule_has_no_problem() -> None:
    assert check(config(policies={"daily": policy()})) == {}


def test_a_volume_and_a_discovery_name_a_cloud_that_is_there() -> None:
    document = config(
        volumes=[volume(cloud="otcc")], discover=[{"cloud": "x", "tags": {"backup": "daily"}}]
    )

    assert check(document) == {
        "volumes[0].cloud": "no cloud is named otcc; did you mean otc?",
        "discover[0].cloud": "no cloud is named x; there are: otc",
    }


def test_every_volume_is_covered_by_a_policy() -> None:
    assert list(check(config(volumes=[volume(0), volume(1, app="db")]))) == ["volumes[1].tags"]


def test_an_excluded_volume_is_not_covered() -> None:
    document = config(policies={"daily": policy(exclude={"lifecycle": "scratch"})})
    document["volumes"].append(volume(1, backup="daily", lifecycle="scratch"))

    assert list(check(document)) == ["volumes[1].tags"]


@pytest.mark.parametrize(
    ("tags", "paths"),
    [
        ({"backup": "weekly"}, []),
        ({"backup": ["daily", "weekly"]}, []),
        ({"app": "db"}, []),
        ({}, []),
        ({"backup": "weekly", "lifecycle": ["scratch", "live"]}, []),
        ({"backup": "daily"}, ["policies.weekly.select"]),
        ({"backup": "weekly", "lifecycle": "scratch"}, ["policies.weekly.select"]),
    ],
)
def test_every_policy_covers_a_volume_or_may_be_fed_by_a_discovery(
    tags: dict[str, object], paths: list[str]
) -> None:
    weekly = policy(select={"backup": "weekly"}, exclude={"lifecycle": "scratch"})
    document = config(
        policies={"daily": policy(), "weekly": weekly}, discover=[{"cloud": "otc", "tags": tags}]
    )

    assert list(check(document)) == paths


def test_a_volume_is_listed_once_in_a_cloud() -> None:
    document = config(volumes=[volume(0), volume(1), volume(0)])

    assert check(document) == {
        "volumes[2].id": "is listed already at volumes[0]: leave one of them out"
    }


@pytest.mark.parametrize(
    ("first", "second", "paths"),
    [
        ({}, {}, ["clouds.two"]),
        ({}, {"project": "other"}, []),
        ({}, {"region": "other"}, []),
        ({}, {"dialect": "openstack"}, []),
        ({"endpoints": {"image": "https://a"}}, {"endpoints": {"image": "https://b"}}, []),
        (
            {"endpoints": {"image": "https://a"}},
            {"endpoints": {"image": "https://a"}},
            ["clouds.two"],
        ),
        ({"endpoints": {"image": "https://a"}}, {}, ["clouds.two"]),
    ],
)
def test_a_project_is_one_cloud(
    first: dict[str, object], second: dict[str, object], paths: list[str]
) -> None:
    cloud = {"dialect": "huawei", "region": "eu-de", "project": "backup"}
    document = config(
        clouds={"one": {**cloud, **first}, "two": {**cloud, **second}},
        volumes=[volume(cloud="one")],
    )

    assert list(check(document)) == paths


@pytest.mark.parametrize(
    ("dialect", "problems"),
    [
        ("huawei", {}),
        (
            "openstack",
            {
                "clouds.otc.strategy": "the openstack dialect has no ims_job: use volume_upload",
            },
        ),
    ],
)
def test_image_jobs_are_huaweis_alone(dialect: str, problems: dict[str, str]) -> None:
    cloud = {"dialect": dialect, "region": "r", "project": "p", "strategy": "ims_job"}

    assert check(config(clouds={"otc": cloud})) == problems


@pytest.mark.parametrize(
    ("dialect", "export", "paths"),
    [
        ("huawei", {"disk_format": "zvhd2", "os_type": "linux"}, []),
        ("huawei", {"disk_format": "vmdk"}, ["policies.daily.export.disk_format"]),
        ("openstack", {"disk_format": "qcow2"}, []),
        ("openstack", {"disk_format": "vhd"}, ["policies.daily.export.disk_format"]),
        ("openstack", {"os_type": "linux"}, ["policies.daily.export.os_type"]),
        ("openstack", {}, []),
    ],
)
def test_an_export_asks_for_what_its_cloud_knows(
    dialect: str, export: dict[str, object], paths: list[str]
) -> None:
    cloud = {"dialect": dialect, "region": "r", "project": "p"}
    document = config(clouds={"otc": cloud}, policies={"daily": policy(export=export)})

    assert list(check(document)) == paths


def test_a_discovered_volume_counts_for_what_its_cloud_knows() -> None:
    cloud = {"dialect": "openstack", "region": "r", "project": "p"}
    document = config(
        clouds={"lab": cloud},
        policies={"daily": policy(export={"disk_format": "zvhd2"})},
        volumes=[],
        discover=[{"cloud": "lab", "tags": {"backup": "daily"}}],
    )

    assert check(document) == {
        "policies.daily.export.disk_format": (
            "the openstack dialect (cloud lab) takes raw, qcow2, vmdk, vdi, vhdx"
        )
    }


def test_a_former_name_is_no_name_of_today_and_belongs_to_one_policy() -> None:
    document = config(
        former_prefixes=["old", "acme", "old"],
        policies={
            "daily": policy("0 2 * * *", formerly=["nightly", "weekly"]),
            "weekly": policy("0 4 * * 0", formerly=["nightly"]),
        },
    )

    assert check(document) == {
        "former_prefixes[1]": "acme is the prefix of today: leave it out",
        "former_prefixes[2]": "old is there already: leave it out",
        "policies.daily.formerly[1]": (
            "weekly is the name of a policy of today: its images cannot belong to both"
        ),
        "policies.weekly.formerly[0]": (
            "nightly is a former name of daily: its images cannot belong to both"
        ),
    }


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("0-5/5 4 * * *", "two slots lie 5 min apart, closer than the ticks that start them"),
        ("0,5 2 1 1 *", "two slots lie 5 min apart, closer than the ticks that start them"),
        ("0 0 * 2 1#5", "not due once in a leap year: write one that comes round"),
    ],
)
def test_a_schedule_comes_round_no_closer_than_the_ticks(schedule: str, message: str) -> None:
    found = check(config(policies={"daily": policy(schedule, catch_up="1h")}))

    assert list(found) == ["policies.daily.schedule"]
    assert found["policies.daily.schedule"].startswith(message)


def test_a_schedule_may_be_as_close_as_the_ticks() -> None:
    assert check(config(policies={"daily": policy("0-30/10 4 * * *")})) == {}


@pytest.mark.parametrize(
    ("times", "paths"),
    [
        ({"catch_up": "12h", "max_age": "38h"}, []),
        ({"catch_up": "12h", "max_age": "37h"}, ["policies.daily.max_age"]),
        ({"max_age": "51h"}, []),
        ({"max_age": "50h"}, ["policies.daily.max_age"]),
    ],
)
def test_a_volume_exported_in_time_is_never_stale(
    times: dict[str, object], paths: list[str]
) -> None:
    """When clocks go back, slots lie 25 h apart; an export here takes 10 min."""
    daily = policy("0 2 * * *", timezone="Europe/Berlin", **times)

    assert list(check(config(policies={"daily": daily}))) == paths


def test_the_least_max_age_is_told() -> None:
    daily = policy("0 2 * * *", catch_up="12h", max_age="1d")

    assert check(config(policies={"daily": daily})) == {
        "policies.daily.max_age": (
            "24 h is less than 24 h between slots, 12 h of catch_up and 10 min of an export:"
            " write at least 37h"
        )
    }


@pytest.mark.parametrize(
    ("other", "paths"),
    [
        (policy("30 2 * * 0"), ["policies.other.schedule"]),
        (policy("30 3 * * 0"), []),
        (policy("0 3 * * *", timezone="Europe/Berlin"), ["policies.other.schedule"]),
        (policy("0 * * * *"), []),
        (policy(), []),
        (policy("0 2 * * *", select={"app": "db"}), []),
    ],
)
def test_two_policies_of_a_volume_are_not_due_in_one_hour(
    other: dict[str, object], paths: list[str]
) -> None:
    """A policy of every hour shares its hours with any other; it is no problem."""
    document = config(
        policies={"daily": policy("0 2 * * *"), "other": other},
        volumes=[volume(0), volume(1, app="db")],
    )
    document["policies"]["rest"] = policy(select={"app": "db"})

    assert list(check(document)) == paths


@pytest.mark.parametrize(
    ("cloud", "times", "paths"),
    [
        ({"max_in_flight": 8}, {"catch_up": "1h"}, ["clouds.otc.max_in_flight"]),
        ({"max_in_flight": 9}, {"catch_up": "1h"}, []),
        ({"max_in_flight": 8}, {"catch_up": "2h"}, []),
        ({"max_in_flight": 1, "export_minutes": 28}, {}, []),
        ({"max_in_flight": 1, "export_minutes": 29}, {}, ["clouds.otc.max_in_flight"]),
    ],
)
def test_the_exports_of_a_slot_fit_before_it_is_missed(
    cloud: dict[str, object], times: dict[str, object], paths: list[str]
) -> None:
    """Fifty volumes at 10 min each; without `catch_up` until the next slot, a day later."""
    document = config(
        clouds={"otc": {"dialect": "huawei", "region": "r", "project": "p", **cloud}},
        policies={"daily": policy("0 2 * * *", **times)},
        volumes=[volume(number) for number in range(50)],
    )

    assert list(check(document)) == paths


def test_policies_due_together_must_fit_together() -> None:
    """The one that leaves the least time is named."""
    document = config(
        clouds={"otc": {"dialect": "huawei", "region": "r", "project": "p", "max_in_flight": 5}},
        policies={
            "daily": policy("0 2 * * *", catch_up="2h"),
            "db": policy("30 2 * * *", catch_up="1h", select={"app": "db"}),
        },
        volumes=[volume(number) for number in range(25)]
        + [volume(number, app="db") for number in range(25, 50)],
    )

    assert check(document) == {
        "clouds.otc.max_in_flight": (
            "50 exports due in one hour take 1 h 40 min at 5 at once, but db leaves 1 h: raise"
            " max_in_flight or catch_up, or spread the schedules"
        )
    }


SCHEDULES = [None, "0 2 * * *", "30 2 * * 0", "0 */6 * * *", "0 0 29 2 *", "0 0 * 2 1#5"]


@given(
    schedules=st.lists(st.sampled_from(SCHEDULES), min_size=1, max_size=4),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    catch_up=st.none() | st.integers(1, 48).map("{}h".format),
    max_age=st.none() | st.integers(1, 90).map("{}h".format),
    clouds=st.lists(st.sampled_from(["otc", "lab", "gone"]), max_size=4),
)
@examples(50)
def test_every_problem_of_an_arbitrary_config_has_a_path_into_it(
    schedules: list[str | None],
    zone: str,
    catch_up: str | None,
    max_age: str | None,
    clouds: list[str],
) -> None:
    document = config(
        policies={
            f"p{place}": policy(schedule, timezone=zone, catch_up=catch_up, max_age=max_age)
            for place, schedule in enumerate(schedules)
        },
        volumes=[volume(place, cloud) for place, cloud in enumerate(clouds)],
    )

    parts = {re.split(r"[.\[]", path)[0] for path in check(document)}

    assert parts <= {"clouds", "policies", "volumes"}
