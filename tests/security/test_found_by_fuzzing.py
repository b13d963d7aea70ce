"""What fuzzing found, one example each: all of these once ended a run with a traceback, or hung."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.security.fuzz_samples import CLEANUP_STATE, CONFIG, DB, EXPORT_STATE, OPENSTACK_ANSWER
from tests.security.told_cloud import DEPLOYMENT, PROJECT
from tests.support.fleet import FleetStore
from volume_images.cleanup.state import empty_cleanup_state
from volume_images.cloud.answers import Answer, json_object
from volume_images.cloud.clouds_yaml import read_clouds_yaml
from volume_images.cloud.endpoints import Service
from volume_images.cloud.openstack import OpenstackImages, OpenstackVolumes
from volume_images.config.coverage import coverage
from volume_images.config.documents import read_document
from volume_images.config.schema import parse_config
from volume_images.config.timing import check_timing
from volume_images.errors import CloudUnavailable, ConfigError, CredentialError, StoreError
from volume_images.export.state import empty_export_state
from volume_images.image_name import ImageName
from volume_images.memory import Origin, read_state
from volume_images.model import Image, Volume
from volume_images.report import Function
from volume_images.used_config import LAST_CONFIG_KEY, use_config

GROUP = f"daily/{DB}"
DEEP = b'{"version": ' + b"[" * 100_000
SERVICE = Service("https://x.example.com")


def changed(document: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return a copy with another value at a path."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    node = copy
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("records", GROUP, "accounted_until"), "0001-01-01T00:00:00+23:59"),
        (("records", GROUP, "failed_at"), "9999-12-31T23:59:59-23:59"),
        (("served_at",), "2026-03-09T01:00:00"),
        (("records", GROUP, "failures"), -(10**300)),
        (("records", GROUP, "posts"), 10**300),
        (("schedules", "daily"), "0 2 * * Europe/Berlin"),
        (("schedules", "daily"), "UTC"),
        (("schedules", "daily"), "0 2 * * * Europe/Berlim"),
        (("schedules", "daily"), "0 2 * * * ../../etc/passwd"),
    ],
)
def test_an_export_state_that_no_run_wrote_is_lost(path: tuple[str, ...], value: object) -> None:
    key = "state/export/otc.json"
    store = FleetStore(objects={key: [json.dumps(changed(EXPORT_STATE, path, value)).encode()]})
    assert read_state(store, key, empty_export_state(DEPLOYMENT)).origin is Origin.LOST


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("series", GROUP, "first_seen"), "2026-03-09T01:00:00"),
        (("series", GROUP, "newest_slot"), "0001-01-01T00:00:00Z"),
        (("refused_secret_at",), "9999-12-31T23:59:59Z"),
        (("volumes", DB, "size_gib"), 10**300),
    ],
)
def test_a_cleanup_state_that_no_run_wrote_is_lost(path: tuple[str, ...], value: object) -> None:
    key = "state/cleanup/otc.json"
    store = FleetStore(objects={key: [json.dumps(changed(CLEANUP_STATE, path, value)).encode()]})
    assert read_state(store, key, empty_cleanup_state(DEPLOYMENT)).origin is Origin.LOST


def test_a_state_nested_beyond_all_measure_is_lost_as_any_other_damage() -> None:
    key = "state/export/otc.json"
    store = FleetStore(objects={key: [DEEP, DEEP]})
    assert read_state(store, key, empty_export_state(DEPLOYMENT)).origin is Origin.LOST


@pytest.mark.parametrize("owner", ["x" * 20_000, "one\ntwo", "\x1b[2J"])
def test_whose_state_it_is_is_told_in_one_short_line(owner: str) -> None:
    key = "state/export/otc.json"
    body = json.dumps({**EXPORT_STATE, "deployment": owner}).encode()
    with pytest.raises(StoreError, match="belongs to deployment") as caught:
        read_state(FleetStore(objects={key: [body]}), key, empty_export_state(DEPLOYMENT))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_a_schedule_of_every_minute_is_checked_by_a_part_of_the_year() -> None:
    """A whole one took six seconds for each policy."""
    every = changed(CONFIG, ("policies", "daily", "schedule"), "* * * * *")
    config = parse_config(json.dumps(every).encode(), "config.yaml")
    problems = [str(problem) for problem in check_timing(config, coverage(config))]
    assert any("two slots lie" in problem for problem in problems)


def test_a_kept_config_nested_beyond_all_measure_counts_as_none() -> None:
    store = FleetStore(objects={LAST_CONFIG_KEY: [DEEP]})
    with pytest.raises(ConfigError, match="is empty"):
        use_config(store, "config.yaml", Function.EXPORT)  # type: ignore[arg-type]


@pytest.mark.parametrize("year", ["0001", "1969", "9000", "9999"])
def test_an_image_of_a_slot_at_the_end_of_the_calendar_is_a_stranger_s(year: str) -> None:
    """Times are reckoned from a slot, and would leave the calendar."""
    assert ImageName.parse(f"acme_daily__{DB}_{year}0101T000000Z") is None


def images(**changes: object) -> list[Image]:
    document = {**OPENSTACK_ANSWER["images"][0], **changes}
    answer = Answer("GET x", 200, {}, json.dumps({"images": [document]}).encode())
    return list(OpenstackImages(SERVICE, PROJECT).page(json_object(answer), {}).items)


def volumes(**changes: object) -> list[Volume]:
    document = {**OPENSTACK_ANSWER["volumes"][0], **changes}
    answer = Answer("GET x", 200, {}, json.dumps({"volumes": [document]}).encode())
    return list(OpenstackVolumes(SERVICE, PROJECT).page(json_object(answer), {}).items)


@pytest.mark.parametrize("changes", [{"id": "no-uuid"}, {"id": DB.upper()}, {"size": 2**31}])
def test_a_volume_that_cannot_be_is_no_answer(changes: dict[str, object]) -> None:
    """Its image could not be named, nor its deadline reckoned."""
    with pytest.raises(CloudUnavailable, match="must hold"):
        volumes(**changes)


@pytest.mark.parametrize("field", ["size", "virtual_size", "min_disk"])
def test_a_number_beyond_every_database_is_no_answer(field: str) -> None:
    with pytest.raises(CloudUnavailable, match="must hold a whole number"):
        images(**{field: 10**400})


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_at_the_end_of_the_calendar_is_no_answer(time: str) -> None:
    """What is reckoned from it would leave the calendar, and no state would hold it."""
    with pytest.raises(CloudUnavailable, match="must hold a time from 1970 to 8999"):
        images(created_at=time)


def test_half_a_character_reaches_no_log() -> None:
    (volume,) = volumes(name="a\ud800", metadata={"k\ud800": "v\udfff"})
    assert (volume.name, volume.tags) == ("a?", {"k?": "v?"})
    (image,) = images(tags=["vi-0123456789ab", "\ud800"])
    assert image.deployment == "0123456789ab"


@pytest.mark.parametrize("number", ["1" + ":59" * 300_000, "1" + ":59" * 300 + ".5", "9" * 5_000])
def test_a_number_too_long_to_be_one_is_refused_at_once(number: str) -> None:
    with pytest.raises(ConfigError, match="too long a number") as caught:
        read_document(f"a: {number}\n".encode(), "config.yaml")
    assert len(str(caught.value)) < 200


@pytest.mark.slow
def test_a_config_of_nothing_but_slips_is_told_in_short() -> None:
    slips = "".join(f"k{number}: 1\n" for number in range(50_000))
    with pytest.raises(ConfigError, match="and 49903 more") as caught:
        parse_config(slips.encode(), "config.yaml")
    assert len(caught.value.problems) == 101


def test_a_key_as_long_as_the_document_is_told_in_short() -> None:
    with pytest.raises(ConfigError, match=r"x\.\.\.") as caught:
        parse_config(json.dumps({**CONFIG, "x" * 100_000: 1}).encode(), "config.yaml")
    assert len(str(caught.value)) < 1_000


def laughs(levels: int) -> str:
    """Spell a mapping that doubles at each level."""
    lines = ["l0: &l0 {a0: 1, b0: 2}"]
    for level in range(1, levels):
        merged = f"[*l{level - 1}, *l{level - 1}]"
        lines.append(f"l{level}: &l{level} {{<<: {merged}, a{level}: 1}}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        laughs(60),
        "clouds: 2001-99-99",
        "clouds: 1" + ":59" * 300 + ".5",
        "clouds: " + "[" * 10_000,
        "clouds: {}\n" + "#" * 70_000,
        "clouds: \x00",
    ],
)
def test_a_clouds_yaml_that_is_no_such_thing_is_refused_at_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    with pytest.raises(CredentialError, match=r"cannot be read as YAML|larger than"):
        read_clouds_yaml("otc", {"OS_CLIENT_CONFIG_FILE": str(path)})


def test_anchors_and_merges_as_people_write_them_are_read(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(
        "base: &base {auth_url: 'https://iam.example.com/v3', username: u}\n"
        "clouds: {otc: {auth: {<<: *base, password: p}}}\n"
    )
    secret = read_clouds_yaml("otc", {"OS_CLIENT_CONFIG_FILE": str(path)})
    assert secret.auth_url == "https://iam.example.com/v3"
