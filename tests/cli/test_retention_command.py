"""`volume-images retention`: rules and a list of images, judged without a cloud."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Ran

Judge = Callable[..., Ran]

NOW = "2021-02-01T00:00:00Z"
NEW_YEAR = ["2020-12-28T02:00:00Z", "2021-01-01T02:00:00Z", "2021-01-03T02:00:00Z"]


def listed(*times: str, **facts: object) -> list[dict[str, object]]:
    return [{"id": time, "time": time, **facts} for time in times]


@pytest.fixture
def judge(cli: Cli, tmp_path: Path) -> Judge:
    """Judge images by rules, both as documents or as the text of their files."""

    def run(rules: object, images: object, *options: str) -> Ran:
        policy, listing = tmp_path / "retention.yaml", tmp_path / "images.json"
        policy.write_text(rules if isinstance(rules, str) else json.dumps(rules))
        listing.write_text(images if isinstance(images, str) else json.dumps(images))
        return cli(
            "retention", "--policy", str(policy), "--images", str(listing), "--now", NOW, *options
        )

    return run


def test_what_is_kept_and_removed_is_printed_with_every_reason(judge: Judge) -> None:
    ran = judge({"keep_last": 1, "keep_weekly": 2}, listed(*NEW_YEAR), "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.document == {
        "keep": [
            {"id": NEW_YEAR[2], "reasons": ["keep_last 1/1", "keep_weekly 1/2"]},
            {"id": NEW_YEAR[0], "reasons": ["oldest keep_weekly"]},
        ],
        "remove": [{"id": NEW_YEAR[1], "reasons": ["expired"]}],
    }


def test_rules_may_be_yaml_as_they_stand_in_a_config(judge: Judge) -> None:
    ran = judge("keep_within: 3d\nkeep_yearly: unlimited\n", listed(*NEW_YEAR), "--json")

    assert ran.document["keep"] == [
        {"id": NEW_YEAR[2], "reasons": ["keep_within 3d", "keep_yearly unlimited"]},
        {"id": NEW_YEAR[1], "reasons": ["keep_within 3d"]},
        {"id": NEW_YEAR[0], "reasons": ["keep_yearly unlimited"]},
    ]


def test_the_rules_name_their_time_zone(judge: Judge) -> None:
    images = listed("2021-01-01T15:30:00Z", "2021-01-01T16:30:00Z")

    ran = judge({"keep_daily": 2, "timezone": "Asia/Shanghai"}, images, "--json")

    assert [entry["reasons"] for entry in ran.document["keep"]] == [
        ["keep_daily 1/2"],
        ["keep_daily 2/2"],
    ]


def test_what_takes_no_place_is_told_so_and_failed_images_go_by_their_own_rule(
    judge: Judge,
) -> None:
    images = [
        {"id": "good", "time": "2021-01-01T02:00:00Z"},
        {"id": "second", "time": "2021-01-01T02:00:00Z"},
        {"id": "pinned", "time": "2021-01-02T02:00:00Z", "pinned": True},
        {"id": "pending", "time": "2021-01-03T02:00:00Z", "state": "pending"},
        {"id": "failed", "time": "2021-01-04T02:00:00+00:00", "state": "failed"},
        {"id": "held", "time": "2021-01-05T02:00:00Z", "state": "failed", "pinned": True},
        {"id": "odd", "time": "2021-01-06T02:00:00Z", "state": "unknown"},
        {"id": "ahead", "time": "2021-02-01T02:00:00Z"},
    ]

    ran = judge({"keep_last": 1}, images, "--json")

    assert ran.document == {
        "keep": [
            {"id": "ahead", "reasons": ["future"]},
            {"id": "odd", "reasons": ["unknown: the list says so"]},
            {"id": "held", "reasons": ["pinned", "failed"]},
            {"id": "pending", "reasons": ["pending"]},
            {"id": "pinned", "reasons": ["pinned"]},
            {"id": "good", "reasons": ["keep_last 1/1"]},
        ],
        "remove": [
            {"id": "failed", "reasons": ["failed since 2021-01-04T02:00:00Z"]},
            {"id": "second", "reasons": ["duplicate of good"]},
        ],
    }


def test_strict_restic_turns_every_deviation_off_and_uses_its_words(judge: Judge) -> None:
    images = [
        {"id": "a", "time": "2021-01-01T02:00:00Z"},
        {"id": "b", "time": "2021-01-01T02:00:00Z", "state": "failed"},
        {"id": "c", "time": "2030-01-01T02:00:00Z", "pinned": True},
    ]

    ran = judge({"keep_last": 2, "min_keep": 3}, images, "--strict-restic", "--json")

    assert ran.document == {
        "keep": [{"id": "c", "reasons": ["last"]}, {"id": "b", "reasons": ["last"]}],
        "remove": [{"id": "a", "reasons": ["expired"]}],
    }


def test_labels_keep_what_has_all_of_a_list(judge: Judge) -> None:
    images = [
        *listed(NEW_YEAR[0], labels=["prod", "db"]),
        *listed(NEW_YEAR[1], labels=["prod"]),
        *listed(NEW_YEAR[2], labels=["db"]),
    ]
    rules = {"keep_labels": [["db", "prod"]]}

    ours = judge(rules, images, "--json")
    restics = judge(rules, images, "--json", "--strict-restic")

    assert ours.document["keep"] == [
        {"id": NEW_YEAR[2], "reasons": ["floor 1/1"]},
        {"id": NEW_YEAR[0], "reasons": ["labels db,prod"]},
    ]
    assert restics.document["keep"] == [{"id": NEW_YEAR[0], "reasons": ["labels"]}]


def test_people_get_a_table_newest_first(judge: Judge) -> None:
    ran = judge({"keep_last": 1, "keep_weekly": 2}, listed(*NEW_YEAR))

    header, first, second, third, summary = ran.out.splitlines()
    assert header.split() == ["time", "verdict", "reasons", "image"]
    assert "keep_last 1/1, keep_weekly 1/2" in first
    assert second.split()[:4] == ["2021-01-01", "02:00Z", "remove", "expired"]
    assert "oldest keep_weekly" in third
    assert summary == "2 kept, 1 removed"


def test_a_long_list_is_cut_for_people(judge: Judge) -> None:
    times = [
        f"2020-{month:02}-{day:02}T02:00:00Z" for month in range(1, 11) for day in range(1, 22)
    ]

    ran = judge({"keep_last": 5}, listed(*times))

    assert ran.out.endswith("and 10 more: --json has all of them\n5 kept, 205 removed\n")


def test_no_images_are_nothing_to_judge(judge: Judge) -> None:
    assert judge({"keep_last": 1}, []).out == "0 kept, 0 removed\n"
    assert judge({"keep_last": 1}, [], "--json").document == {"keep": [], "remove": []}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"keep_dayly": 7}, "keep_dayly: unknown key; did you mean keep_daily?"),
        ({"keep_daily": -1}, "keep_daily: must be 0 or more"),
        ({"keep_daily": "all"}, "keep_daily: must be"),
        ({"keep_daily": True}, "keep_daily: must be a whole number"),
        ({}, "no rule keeps an image: give at least one, as in keep_last: 3"),
        ({"keep_last": 0, "min_keep": 3}, "no rule keeps an image"),
        ({"keep_within": "0d"}, "keep_within: '0d' is no time at all"),
        ({"keep_within_daily": "1d1d"}, "keep_within_daily: a unit is repeated in '1d1d'"),
        ({"keep_within": "2w"}, "keep_within: not a duration"),
        ({"keep_last": 1, "timezone": "Europe/Berlim"}, "timezone: not a known time zone"),
        ({"keep_labels": [[]]}, "keep_labels[0]: must not be empty"),
        ({"keep_labels": ["prod"]}, "keep_labels[0]: must be a list"),
        ("keep_last: 1\nkeep_last: 2\n", "line 2, column 1: the key 'keep_last' is there twice"),
        ("[]", "must be a mapping of keys to values"),
    ],
)
def test_bad_rules_are_refused_with_their_path(judge: Judge, rules: object, said: str) -> None:
    ran = judge(rules, listed(*NEW_YEAR), "--json")

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "retention.yaml: " in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ("{", "images.json: not JSON: "),
        ({"id": "a"}, "images.json: must be a list"),
        ([{"id": "a"}], "[0].time: missing"),
        (listed("2021-01-01T02:00:00"), "[0].time: must be a time with its zone"),
        (listed("yesterday"), "[0].time: must be a time with its zone"),
        ([{"id": "a", "time": 1}], "[0].time: must be a time with its zone"),
        (listed("0001-01-01T00:00:00+14:00"), "[0].time: must be a time with its zone"),
        (listed(NEW_YEAR[0], state="godo"), "[0].state: must be 'good', 'pending', 'failed' or"),
        (listed(NEW_YEAR[0], pin=True), "[0].pin: unknown key; did you mean pinned?"),
        (listed(NEW_YEAR[0], NEW_YEAR[0]), "[1].id: the same as that of [0]"),
        ([{}] * 30, "and 40 more"),
    ],
)
def test_a_bad_list_of_images_is_refused_with_the_path(
    judge: Judge, images: object, said: str
) -> None:
    ran = judge({"keep_last": 1}, images)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_files_that_are_not_there_and_bad_times_are_wrong_input(cli: Cli, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.yaml")
    policy = tmp_path / "retention.yaml"
    policy.write_text("keep_last: 1")

    nothing = cli("retention", "--policy", missing, "--images", missing)
    no_time = cli(
        "retention", "--policy", str(policy), "--images", "/dev/null", "--now", "2021-01-01T00:00"
    )

    assert (nothing.code, nothing.err) == (
        2,
        f"volume-images: {missing}: cannot be read: No such file or directory\n",
    )
    assert no_time.code == 2


def test_rules_that_would_empty_the_group_stop(judge: Judge) -> None:
    ran = judge({"keep_labels": [["unheard-of"]]}, listed(*NEW_YEAR), "--json")

    assert (ran.code, ran.out) == (3, "")
    assert "the retention rules keep none of 3 images" in ran.err


def test_without_a_time_it_is_now(cli: Cli, tmp_path: Path) -> None:
    policy, images = tmp_path / "retention.yaml", tmp_path / "images.json"
    policy.write_text("keep_last: 1")
    images.write_text(json.dumps(listed("2021-01-01T02:00:00Z", "2199-01-01T02:00:00Z")))

    ran = cli("retention", "--policy", str(policy), "--images", str(images), "--json")

    assert [entry["reasons"] for entry in ran.document["keep"]] == [["future"], ["keep_last 1/1"]]
