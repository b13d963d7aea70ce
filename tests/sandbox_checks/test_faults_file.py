"""Fault documents: read from files and over HTTP, refused in one clear line."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import requests
import yaml

from tests.sandbox.__main__ import main
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.fates import ImageFate
from tests.sandbox.faults import Ending, Fault, Faults, Overload, Refused, Service, Throttle
from tests.sandbox.faults_file import BadFaults, as_document, parse_faults, read_faults
from volume_images.dialect import Dialect

ROOT = Path(__file__).parents[2]
DOCUMENT = """
seed: 7
rules:
  - fault: throttle
    service: volume
    rate: 10
    burst: 20
    says: 429
  - fault: export
    image: stuck
    every: 5
  - fault: refused
"""
MEANT = Faults(
    seed=7,
    rules=(
        Throttle(service=Service.VOLUME, rate=10, burst=20, says=Overload.TOO_MANY),
        Ending(image=ImageFate.STUCK, every=5),
        Refused(),
    ),
)


@pytest.fixture(scope="module")
def shared_cloud() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.OPENSTACK) as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: CloudSandbox) -> CloudSandbox:
    shared_cloud.reset()
    return shared_cloud


def test_yaml_and_json_are_read_alike(tmp_path: Path) -> None:
    written = {"faults.yaml": DOCUMENT, "faults.json": json.dumps(yaml.safe_load(DOCUMENT))}
    for name, text in written.items():
        (tmp_path / name).write_text(text)
        assert read_faults(tmp_path / name) == MEANT


def test_what_is_written_is_read_again() -> None:
    assert parse_faults(json.dumps(as_document(MEANT)).encode(), "x") == MEANT
    assert as_document(MEANT)["rules"][2] == {"fault": "refused"}


def test_an_empty_document_is_no_fault() -> None:
    assert parse_faults(b"", "x") == Faults()


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ("[1]", "must be a mapping with `seed` and `rules`"),
        ("rulez: []", "rulez: unknown here: take it out"),
        ("rules: x", "rules: must be a list"),
        ("rules: [3]", "rules[0]: must be a mapping with `fault`"),
        ("rules: [{rate: 1}]", "rules[0].fault: missing"),
        ("rules: [{fault: reset}, {fault: throttle}]", "rules[1].rate: missing"),
        ("rules: [{fault: throttle, rate: 0}]", "rules[0].rate: must be greater than 0"),
        ("rules: [{fault: reset, often: 3}]", "rules[0].often: unknown here: take it out"),
        ("rules: [{fault: refused, every: 3}]", "rules[0].every: unknown here: take it out"),
        (
            "rules: [{fault: reset, service: nova}]",
            "rules[0].service: must be 'identity', 'volume' or 'image'",
        ),
        ("rules: [{fault: reset, since: 2026-03-02}]", "rules[0].since: must have timezone info"),
        ("rules: [", "line 1, column 9: expected the node content, but found '<stream end>'"),
        ("\x00", "neither JSON nor YAML: unacceptable character #x0000"),
    ],
)
def test_a_bad_document_is_one_line_that_says_where(document: str, line: str) -> None:
    with pytest.raises(BadFaults) as caught:
        parse_faults(document.encode(), "faults.yaml")
    assert str(caught.value).startswith(f"faults.yaml: {line}")
    assert "\n" not in str(caught.value)


def test_an_unknown_fault_is_told_with_those_there_are() -> None:
    with pytest.raises(BadFaults, match=r"rules\[0\].fault: 'fire' is none of 'throttle', 'lat"):
        parse_faults(b"rules: [{fault: fire}]", "x")


def test_faults_are_read_and_changed_over_http(cloud: CloudSandbox) -> None:
    assert requests.get(cloud.faults_url, timeout=5).json() == {"seed": 0, "rules": []}
    told = requests.put(cloud.faults_url, data=DOCUMENT, timeout=5)
    assert (told.status_code, told.json()) == (200, as_document(MEANT))
    assert cloud.faults == MEANT
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{cloud.url}/identity/v3", timeout=5)
    assert requests.put(cloud.faults_url, data=b"{}", timeout=5).status_code == 200
    assert requests.get(f"{cloud.url}/identity/v3", timeout=5).status_code == 200


def test_a_bad_change_is_400_and_changes_nothing(cloud: CloudSandbox) -> None:
    cloud.faults = Faults(seed=3)
    told = requests.put(cloud.faults_url, data=b"rules: [{fault: fire}]", timeout=5)
    assert told.status_code == 400
    assert told.json()["error"].startswith("the body: rules[0].fault: 'fire' is none of")
    assert cloud.faults == Faults(seed=3)


def test_another_control_is_404(cloud: CloudSandbox) -> None:
    assert requests.get(f"{cloud.faults_url}/x", timeout=5).status_code == 404


def test_a_cloud_that_is_reset_has_no_fault(cloud: CloudSandbox) -> None:
    cloud.faults = MEANT
    cloud.reset()
    assert cloud.faults == Faults()
    assert requests.get(f"{cloud.url}/identity/v3", timeout=5).status_code == 200


@pytest.mark.slow
def test_the_command_serves_under_the_faults_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("rules: [{fault: answer, status: 502, service: identity}]")
    command = [sys.executable, "-m", "tests.sandbox", "--faults", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        greeting = json.loads(process.stdout.readline())
        identity = requests.get(greeting["endpoints"]["identity"], timeout=5).status_code
        requests.put(greeting["faults"], json={}, timeout=5)
        healed = requests.get(greeting["endpoints"]["identity"], timeout=5).status_code
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert (identity, healed) == (502, 200)


@pytest.mark.parametrize(
    ("text", "line"),
    [(None, "No such file or directory"), ("rules: [{fault: fire}]", "rules[0].fault: 'fire'")],
)
def test_the_command_refuses_a_bad_file_in_one_line(
    text: str | None, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "faults.yaml"
    if text is not None:
        path.write_text(text)
    assert main(["--faults", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{path}: {line}")
    assert printed.err.count("\n") == 1


def documents_in_the_readme() -> list[Faults]:
    text = (ROOT / "tests/sandbox/README.md").read_text()
    parts = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    return [parse_faults(part.encode(), "README.md") for part in parts]


def test_every_fault_there_is_has_an_example_that_can_be_read() -> None:
    shown = {type(rule) for faults in documents_in_the_readme() for rule in faults.rules}
    assert shown == set(get_args(Fault))


def test_every_fault_is_shown_by_a_check() -> None:
    checks = "".join(path.read_text() for path in Path(__file__).parent.glob("test_faults_*.py"))
    missing = [fault.__name__ for fault in get_args(Fault) if f"{fault.__name__}(" not in checks]
    assert missing == []
