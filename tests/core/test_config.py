"""The config document: every key, its limits, and every problem at once with its path."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from volume_images.config.schema import Config, DiskFormat, config_schema, parse_config
from volume_images.dialect import Dialect
from volume_images.errors import ConfigError, Problem

EXAMPLE = (Path(__file__).parent / "data" / "example.yaml").read_bytes()
VOLUME = "16369c5d-384d-4e64-b37a-56d898769362"


def document() -> dict[str, Any]:
    """Read the example as data, to be changed by a test."""
    return yaml.safe_load(EXAMPLE)


def smallest() -> dict[str, Any]:
    """Nothing but what has no default."""
    return {
        "prefix": "acme",
        "clouds": {"c": {"dialect": "openstack", "region": "r", "project": "p"}},
        "policies": {"daily": {"select": {"backup": "daily"}, "retention": {"keep_last": 3}}},
    }


def parse(data: object) -> Config:
    return parse_config(json.dumps(data).encode(), "config.yaml")


def problems(body: bytes) -> dict[str, str]:
    """Every problem of the document, message by path."""
    with pytest.raises(ConfigError) as caught:
        parse_config(body, "config.yaml")
    return {problem.path: problem.message for problem in caught.value.problems}


def problems_after(change: Callable[[dict[str, Any]], object]) -> dict[str, str]:
    data = document()
    change(data)
    return problems(json.dumps(data).encode())


def put(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Make a change of one value, at a path of keys and list places divided by slashes."""

    def change(data: dict[str, Any]) -> None:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        node: Any = data
        for step in steps:
            node = node[step]
        node[last] = value

    return change


def test_the_example_is_read_with_every_key() -> None:
    config = parse_config(EXAMPLE, "example.yaml")

    cloud, policy = config.clouds["otc"], config.policies["daily"]
    assert (config.prefix, config.former_prefixes) == ("acme-prod", ("acme",))
    assert (cloud.dialect, cloud.max_in_flight, cloud.image_quota) == (Dialect.HUAWEI, 20, 100)
    assert cloud.endpoints is not None
    assert cloud.endpoints.block_storage == "https://evs.eu-de.otc.t-systems.com/v2"
    assert policy.select == {"backup": ("daily",)}
    assert policy.exclude == {"lifecycle": ("scratch",)}
    assert policy.catch_up == timedelta(hours=12)
    assert policy.export.disk_format is DiskFormat.ZVHD2
    assert policy.export.os_type == "linux"
    assert policy.retention.keep_monthly == 12
    assert policy.requests.min_interval == timedelta(hours=1)
    assert policy.max_age == timedelta(hours=40)
    assert config.volumes[0].tags == {"backup": "daily", "app": "db"}
    assert config.discover[0].tags == {"backup": ("daily",)}
    assert config.orphans is not None
    assert (config.orphans.after, config.orphans.keep) == (timedelta(days=90), 1)
    assert config.grace == timedelta(hours=72)


def test_what_is_left_out_has_the_documented_default() -> None:
    config = parse(smallest())

    cloud, policy = config.clouds["c"], config.policies["daily"]
    assert (cloud.max_in_flight, cloud.max_concurrency, cloud.requests_per_second) == (20, 16, 10)
    assert (cloud.strategy, cloud.export_minutes) == ("volume_upload", 10)
    assert (policy.schedule, policy.timezone, policy.catch_up) == (None, "UTC", None)
    assert (policy.export.container_format, policy.export.force) == ("bare", False)
    assert (policy.retention.min_keep, policy.requests.keep_last) == (1, 3)
    assert (config.version, config.grace, config.orphans) == (1, timedelta(hours=72), None)


def test_requested_images_have_rules_of_their_own() -> None:
    policy = parse_config(EXAMPLE, "example.yaml").policies["daily"]

    assert policy.rules(requested=False) is policy.retention
    assert policy.rules(requested=True) is policy.requests


def test_what_a_config_writes_is_read_back() -> None:
    config = parse_config(EXAMPLE, "example.yaml")

    assert parse_config(config.model_dump_json().encode(), "again") == config


def test_the_schema_accepts_the_example_and_refuses_an_unknown_key() -> None:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(document(), schema)

    with pytest.raises(jsonschema.ValidationError, match="prefx"):
        jsonschema.validate({**document(), "prefx": "x"}, schema)


def test_the_schema_spells_waiting_times_as_the_config_does() -> None:
    assert config_schema()["properties"]["grace"]["default"] == "72h"


@pytest.mark.parametrize(
    ("path", "value", "place", "message"),
    [
        ("version", 2, "version", "unknown version 2: this release reads version 1"),
        ("version", True, "version", "must be a whole number"),
        ("prefx", "acme", "prefx", "unknown key; did you mean prefix?"),
        (
            "prefix",
            "acme_prod",
            "prefix",
            "must be 1 to 20 letters, digits, dots or dashes (underscores divide the image name)",
        ),
        ("former_deployments", [123456789012], "former_deployments[0]", "must be a string, not a"),
        ("clouds", {}, "clouds", "must not be empty"),
        ("clouds", [], "clouds", "must be a mapping of keys to values"),
        ("clouds/otc/dialect", "aws", "clouds.otc.dialect", "must be 'huawei' or 'openstack'"),
        ("clouds/otc/max_in_flight", 0, "clouds.otc.max_in_flight", "must be 1 or more"),
        ("clouds/otc/max_in_flight", "20", "clouds.otc.max_in_flight", "must be a whole number"),
        ("clouds/otc/requests_per_second", 0, "clouds.otc.requests_per_second", "must be 0.001"),
        (
            "clouds/otc/requests_per_second",
            5e-324,
            "clouds.otc.requests_per_second",
            "must be 0.001",
        ),
        (
            "clouds/otc/requests_per_second",
            1e308,
            "clouds.otc.requests_per_second",
            "must be 1000000",
        ),
        ("clouds/otc/export_minutes", 10**9, "clouds.otc.export_minutes", "must be 10080 or less"),
        (
            "clouds/otc/endpoints/image",
            "http://ims.example.com",
            "clouds.otc.endpoints.image",
            "must be an https:// URL (http:// on loopback only)",
        ),
        (
            "clouds/otc/endpoints/image",
            "https://me:secret@ims.example.com",
            "clouds.otc.endpoints.image",
            "must be a URL of host, port and path alone",
        ),
        ("policies/daily/select/backup", [], "policies.daily.select.backup", "must not be empty"),
        ("policies/daily/select/backup", True, "policies.daily.select.backup", "must be a list"),
        (
            "policies/daily/select/backup",
            [True],
            "policies.daily.select.backup[0]",
            "must be a string; yes, no, on, off, true and false are booleans: quote it",
        ),
        ("policies/daily/schedule", "0 25 * * *", "policies.daily.schedule", "'0 25 * * *' is no"),
        ("policies/daily/schedule", "daily", "policies.daily.schedule", "'daily' has 1 fields"),
        (
            "policies/daily/timezone",
            "Europe/Berlyn",
            "policies.daily.timezone",
            "not a known time zone; an IANA name is Europe/Berlin",
        ),
        ("policies/daily/timezone", "Europe", "policies.daily.timezone", "not a known time zone"),
        ("policies/daily/timezone", "../x", "policies.daily.timezone", "not a known time zone"),
        ("policies/daily/catch_up", "0d", "policies.daily.catch_up", "'0d' is no time at all"),
        ("policies/daily/catch_up", "1h2h", "policies.daily.catch_up", "a unit is repeated"),
        ("policies/daily/catch_up", 12, "policies.daily.catch_up", "not a duration"),
        ("policies/daily/catch_up", "1m", "policies.daily.catch_up", "'1m' counts years or months"),
        ("policies/daily/max_age", "99999d", "policies.daily.max_age", "longer than 3650d"),
        (
            "policies/daily/export/disk_format",
            "vhdd",
            "policies.daily.export.disk_format",
            "must be 'vhd', 'zvhd', 'zvhd2', 'raw', 'qcow2', 'vmdk', 'vdi' or 'vhdx'",
        ),
        ("policies/daily/export/force", "yes", "policies.daily.export.force", "must be true or"),
        (
            "policies/daily/retention",
            {},
            "policies.daily.retention",
            "no rule keeps an image: give at least one, as in keep_last: 3",
        ),
        (
            "policies/daily/retention",
            {"keep_last": 0, "keep_daily": 0},
            "policies.daily.retention",
            "no rule keeps an image",
        ),
        ("policies/daily/requests/keep_last", 0, "policies.daily.requests", "no rule keeps an"),
        (
            "policies/daily/retention/keep_daily",
            -1,
            "policies.daily.retention.keep_daily",
            "must be 0 or more, or must be 'unlimited'",
        ),
        (
            "policies/daily/retention/keep_dayly",
            7,
            "policies.daily.retention.keep_dayly",
            "unknown key; did you mean keep_daily?",
        ),
        (
            "policies/daily/retention/keep_within",
            "2w",
            "policies.daily.retention.keep_within",
            "not a duration",
        ),
        ("policies/daily/retention/min_keep", 0, "policies.daily.retention.min_keep", "must be 1"),
        (
            "volumes/0/id",
            "db01-data",
            "volumes[0].id",
            "must be a UUID in lower case, as in 16369c5d-384d-4e64-b37a-56d898769362",
        ),
        ("volumes/0/tags/app", 7, "volumes[0].tags.app", "must be a string, not a number"),
        ("volumes/0/tags/app", None, "volumes[0].tags.app", "must be a string"),
        ("volumes/0/xyz", 7, "volumes[0].xyz", "unknown key; known here: id, cloud, name, tags"),
        ("discover/0/cluod", 7, "discover[0].cluod", "unknown key; did you mean cloud?"),
        ("orphans/keeps", 7, "orphans.keeps", "unknown key; did you mean keep?"),
        ("grace", "3 days", "grace", "not a duration"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(
    path: str, value: object, place: str, message: str
) -> None:
    found = problems_after(put(path, value))

    assert list(found) == [place]
    assert found[place].startswith(message)


@pytest.mark.parametrize(
    ("kind", "name", "place"),
    [
        ("policies", "Daily", "policies.Daily"),
        ("policies", "daily.request", 'policies["daily.request"]'),
        ("clouds", "a/b", 'clouds["a/b"]'),
        ("clouds", "two\nlines", 'clouds["two\\nlines"]'),
    ],
)
def test_a_name_out_of_its_alphabet_is_refused(kind: str, name: str, place: str) -> None:
    data = smallest()
    data[kind][name] = next(iter(data[kind].values()))

    found = problems(json.dumps(data).encode())

    assert list(found) == [place]
    assert found[place].startswith("its name must be 1 to ")


def test_a_cloud_named_config_would_share_its_state_with_the_config() -> None:
    data = smallest()
    data["clouds"]["config"] = data["clouds"]["c"]

    assert problems(json.dumps(data).encode()) == {
        "clouds": "a cloud cannot be named config: choose another name"
    }


def test_what_yaml_reads_as_a_date_is_asked_to_be_quoted() -> None:
    body = EXAMPLE.replace(b"app: db", b"since: 2026-03-02")

    assert problems(body) == {
        "volumes[0].tags.since": "must be a string, not a date: put it in quotes"
    }


def test_a_missing_key_is_named() -> None:
    assert problems_after(lambda data: data["clouds"]["otc"].pop("region")) == {
        "clouds.otc.region": "missing: it has no default"
    }


@pytest.mark.parametrize("body", [b"[]", b"text", b"1", b"~"])
def test_a_document_that_is_no_mapping_is_one_problem(body: bytes) -> None:
    assert problems(body) == {"": "must be a mapping of keys to values"}


def test_all_problems_are_reported_at_once() -> None:
    data = document()
    data["prefix"] = "a_b"
    data["policies"]["daily"]["retention"] = {"keep_last": -1, "keep_never": 1}
    data["volumes"].append({"id": VOLUME.upper(), "tags": []})

    assert list(problems(json.dumps(data).encode())) == [
        "prefix",
        "policies.daily.retention.keep_last",
        "policies.daily.retention.keep_never",
        "volumes[1].id",
        "volumes[1].cloud",
        "volumes[1].tags",
    ]


def test_an_endpoint_may_be_plain_http_on_loopback_and_loses_its_last_slash() -> None:
    data = smallest()
    data["clouds"]["c"]["endpoints"] = {"image": "http://127.0.0.1:9292/"}

    endpoints = parse(data).clouds["c"].endpoints

    assert endpoints is not None
    assert endpoints.image == "http://127.0.0.1:9292"


KEYS = ["version", "prefix", "clouds", "policies", "volumes", "discover", "orphans", "grace"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(["id", "cloud", "dialect", "select", "retention", "after", "[key]"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


def faults(data: object) -> tuple[Problem, ...]:
    """Parse, and give what ConfigError says; any other exception fails the test."""
    try:
        parse(data)
    except ConfigError as error:
        return error.problems
    return ()


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), VALUES, max_size=6) | VALUES)
def test_an_arbitrary_document_has_problems_of_one_line(data: object) -> None:
    found = faults(data)

    assert found
    assert all(len(str(problem).splitlines()) == 1 for problem in found)


@given(st.sampled_from(["clouds", "policies", "volumes", "discover", "orphans"]), VALUES)
def test_the_problems_of_an_arbitrary_part_have_paths_in_that_part(key: str, part: object) -> None:
    assert all(problem.path.startswith(key) for problem in faults({**document(), key: part}))
