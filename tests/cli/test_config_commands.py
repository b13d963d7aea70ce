"""`volume-images config`: what is wrong with a document, all of it, before it is uploaded."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.sandbox.stack import SandboxStack

DATA = Path(__file__).parents[1] / "core" / "data"
EXAMPLE = str(DATA / "example.yaml")
TEN_FAULTS = str(DATA / "ten-faults.yaml")


def test_the_documented_example_is_fine(cli: Cli) -> None:
    ran = cli("config", "check", EXAMPLE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{EXAMPLE}: fine (clouds: 1, policies: 1, volumes: 1, discover: 1)\n"


def test_every_fault_is_named_with_its_path(cli: Cli) -> None:
    ran = cli("config", "check", TEN_FAULTS)
    assert (ran.code, ran.err) == (2, "")
    *problems, count = ran.out.splitlines()
    assert count == f"{len(problems)} problems"
    assert len(problems) >= 10
    document = cli("config", "check", TEN_FAULTS, "--json").document
    said = [f"{TEN_FAULTS}: {one['path']}: {one['message']}" for one in document["problems"]]
    assert said == problems


def test_what_parses_and_cannot_be_meant_is_a_problem_too(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(Path(EXAMPLE).read_text().replace("select: {backup: daily}", "select: {a: b}"))
    ran = cli("config", "check", str(path), "--json")
    assert ran.code == 2
    assert [one["path"] for one in ran.document["problems"]] == ["volumes[0].tags"]


def test_a_config_in_s3_is_checked_where_it_lies(sandbox_cli: Cli, stack: SandboxStack) -> None:
    assert sandbox_cli("config", "check", stack.config_location).code == 0
    ran = sandbox_cli("config", "check", f"s3://{stack.config_bucket}/other.yaml")
    assert ran.code == 2
    assert "no such object" in ran.err


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("a: [", "YAML"),
        ("", "empty"),
        ("version: 2\nprefix: a\n", "version"),
        ("prefix: 1\nclouds: []\npolicies: x\n", "clouds"),
        ("prefix: a\nprefix: b\n", "prefix"),
    ],
)
def test_documents_of_every_wrong_kind_are_told_so(
    cli: Cli, tmp_path: Path, body: str, says: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(body)
    ran = cli("config", "check", str(path))
    assert ran.code == 2
    assert says in ran.out
    assert "Traceback" not in ran.out + ran.err


def test_a_file_that_is_not_there_is_wrong_input(cli: Cli) -> None:
    ran = cli("config", "check", "nowhere.yaml")
    assert ran.code == 2
    assert "nowhere.yaml: no such file" in ran.err


def test_the_schema_knows_every_key_of_the_document(cli: Cli) -> None:
    schema = cli("config", "schema").document
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"version", "prefix", "clouds", "policies", "volumes", "grace"} <= set(
        schema["properties"]
    )
