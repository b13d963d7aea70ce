"""Examples in the pages, tried: the rule for events, findings of the check, counts of tests."""

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Cli
from tests.documents.pages import CHECKOUT, blocks
from tests.sandbox.stack import SandboxStack

README = (CHECKOUT / "README.md").read_text()
EVENTS = (CHECKOUT / "docs" / "events.md").read_text()
SIMULATION = (CHECKOUT / "docs" / "simulation.md").read_text()
TESTS = (CHECKOUT / "tests" / "README.md").read_text()


def test_the_rule_that_is_shown_takes_what_it_says_and_nothing_else() -> None:
    """By moto's reading of event patterns."""
    from moto.events.models import EventPattern  # noqa: PLC0415 - half a second

    rule, *samples = blocks(EVENTS, "json")
    pattern = EventPattern.load(rule)
    taken = [event for event in map(json.loads, samples) if pattern.matches_event(event)]
    assert [event["detail-type"] for event in taken] == ["Volume Became Stale"]
    other = {**taken[0], "detail": {**taken[0]["detail"], "policy": "weekly"}}
    assert not pattern.matches_event(other)


def config(**policy: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML
    """Return the README's config with one policy changed, and its five volumes listed."""
    document = yaml.safe_load(*blocks(README, "yaml"))
    document["policies"]["daily"] |= policy
    (volume,) = document["volumes"]
    ids = [f"{number}{volume['id'][1:]}" for number in range(5)]
    return {**document, "volumes": [{**volume, "id": one} for one in ids], "discover": []}


def with_a_quota() -> dict[str, Any]:
    document = config()
    document["clouds"]["otc"]["image_quota"] = 100
    return document


def with_a_slip() -> dict[str, Any]:
    return {**config(), "discover": [{"cloud": "otc", "tags": {"backup": ["dialy"]}}]}


@pytest.mark.parametrize(
    ("finding", "document", "code", "said"),
    [
        ("a quota too small for the long run", with_a_quota(), 2, "quota"),
        ("a tier finer than the schedule", config(retention={"keep_hourly": 24}), 0, "keep_hourly"),
        (
            "a tier that another swallows",
            config(retention={"keep_last": 30, "keep_daily": 3}),
            0,
            "keep_daily",
        ),
        ("a tag one letter away from a selected one", with_a_slip(), 0, "dialy"),
    ],
)
def test_the_check_finds_what_the_page_says(
    cli: Cli, tmp_path: Path, finding: str, document: dict[str, Any], code: int, said: str
) -> None:
    kind = {0: "warning", 2: "problem (exit code 2)"}[code]
    assert f"| {finding} | {kind} |" in SIMULATION
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(document))
    ran = cli("config", "check", str(path))
    assert ran.code == code
    assert said in ran.out + ran.err


@pytest.mark.slow
def test_an_outcome_takes_as_many_bytes_of_a_report_as_the_reckoning_says(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    stack.cloud.world.export_seconds = 0.0
    for _ in range(30):
        assert sandbox_cli("export").code == 0
        stack.cloud.clock.advance(timedelta(days=1))
    assert sandbox_cli("cleanup").code == 0
    listed = stack.aws.s3.list_objects_v2(Bucket=stack.state_bucket, Prefix="reports/cleanup/2")
    (key,) = [entry["Key"] for entry in listed["Contents"]]
    body = stack.aws.s3.get_object(Bucket=stack.state_bucket, Key=key)["Body"].read()
    (said,) = re.findall(r"54,000 . (\d+) B", (CHECKOUT / "docs" / "operations.md").read_text())
    each = len(body) / len(json.loads(body)["outcomes"])
    assert each == pytest.approx(int(said), rel=0.1)


COLLECT = ["-m", "pytest", "--collect-only", "-q", "-m", "", "tests/contract", "tests/openstack"]
ROW = re.compile(r"^\| (?:`(\w+/\w+\.py)`|…) [^|]*\|[^|]*\|(.*)\|$", re.MULTILINE)
BOTH_CLOUDS_AT_ONCE = "contract/test_wire.py"
NO_CLOUD = "openstack/test_processes.py"


@pytest.mark.slow
def test_there_are_as_many_tests_of_the_three_clouds_as_the_table_counts() -> None:
    listed = subprocess.run(
        [sys.executable, *COLLECT], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    there = Counter(re.findall(r"^tests/(\w+/\w+\.py)::", listed.stdout, re.MULTILINE))
    there[BOTH_CLOUDS_AT_ONCE] *= 2
    del there[NO_CLOUD]
    table = TESTS.split("## One contract, three clouds")[1].split("\n## ")[0]
    told: Counter[str] = Counter()
    file = ""
    for name, cells in ROW.findall(table):
        file = name or file
        told[file] += sum(int(count) for count in re.findall(r"\d+", cells))
    assert told == there
