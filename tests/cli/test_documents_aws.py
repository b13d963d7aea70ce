"""What pages tell a reader to type at AWS and at a real cloud: checked without either.

Each `aws` command is one that AWS's own models of its services know, with parameters they have;
each `openstack` command is taken by that client's own parser. Names of buckets, secrets, log
groups and outputs are those of the template.
"""

import re
import shlex
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import botocore.session
import jmespath
import pytest
from botocore import xform_name

from tests.documents.pages import CHECKOUT, PAGES, code
from tests.template.rendered import Stack, template
from volume_images.report import DrillResult, ExportResult

STACK = Stack(DrillSchedule="rate(7 days)")
OF_THE_CLI_ITSELF = {"--query", "--output"}
HIGHER_COMMANDS = {
    ("s3", "cp"): set[str](),
    ("logs", "tail"): {"--since", "--filter-pattern"},
}
"""What the AWS CLI adds to the services' own calls (AWS CLI Command Reference)."""

SAMCONFIG = (CHECKOUT / "samconfig.toml").read_text()
LINES = sorted(
    {
        found
        for page in PAGES
        for line in code(page.read_text())
        for found in re.findall(r"(?:^\s*|\$\(|&& )((?:aws|openstack) .*)", line)
    }
)


def of(program: str, *words: str) -> list[str]:
    """Return the lines of a program, as a shell would run them."""
    return [line for line in LINES if line.split()[: len(words) + 1] == [program, *words]]


def arguments(line: str) -> list[str]:
    """Return what a shell passes on, without what stands around a command substitution."""
    return shlex.split(re.sub(r'\)"$', "", line))


@cache
def calls_of(service: str) -> dict[str, set[str]]:
    """Return the calls of a service, as the AWS CLI spells them, and the options of each."""
    model = botocore.session.get_session().get_service_model(service)
    return {
        xform_name(name, "-"): {
            f"--{xform_name(member, '-')}"
            for member in getattr(model.operation_model(name).input_shape, "members", {})
        }
        for name in model.operation_names
    }


@pytest.mark.parametrize("line", [line for line in of("aws") if len(line.split()) > 3])
def test_a_command_of_aws_is_one_that_its_services_know(line: str) -> None:
    _, service, call, *rest = arguments(line)
    known = HIGHER_COMMANDS.get((service, call))
    options = calls_of(service)[call] if known is None else known
    assert {word for word in rest if word.startswith("--")} - options - OF_THE_CLI_ITSELF == set()


def test_every_command_of_aws_was_found() -> None:
    assert len(of("aws")) >= 12
    assert {line.split()[1] for line in of("aws")} == {
        "cloudformation",
        "logs",
        "s3",
        "scheduler",
        "secretsmanager",
        "sqs",
    }


def test_a_query_finds_what_the_stack_gives() -> None:
    outputs = [
        {"OutputKey": key, "OutputValue": output["Value"]} for key, output in STACK.outputs.items()
    ]
    for line in of("aws", "cloudformation", "describe-stacks"):
        words = arguments(line)
        found: Any = jmespath.search(
            words[words.index("--query") + 1], {"Stacks": [{"Outputs": outputs}]}
        )
        assert found, line


def test_the_stack_has_the_name_that_samconfig_gives() -> None:
    (name,) = re.findall(r'^stack_name = "(.*)"', SAMCONFIG, re.MULTILINE)
    named = [line for line in of("aws", "cloudformation") if "--stack-name" in line]
    assert len(named) >= 3
    assert [line for line in named if f"--stack-name {name}" not in line] == []


def test_the_config_is_uploaded_to_where_the_functions_read_it() -> None:
    (line,) = of("aws", "s3", "cp")
    assert line.endswith("/" + template()["Parameters"]["ConfigKey"]["Default"])


def test_secrets_are_created_where_the_functions_read_them() -> None:
    told = {arguments(line)[4] for line in of("aws", "secretsmanager", "create-secret")}
    outputs = (STACK.outputs[name]["Value"] for name in ("ExportSecrets", "CleanupSecrets"))
    assert told == set(outputs)


@pytest.mark.parametrize("line", of("aws", "logs", "tail")[1:])
def test_a_log_that_is_read_is_one_of_the_functions(line: str) -> None:
    group = arguments(line)[3].replace("STACK", "volume-images")
    assert group in {one["LogGroupName"] for one in STACK.of_type("AWS::Logs::LogGroup").values()}


MESSAGES = {f"export.{result}" for result in ExportResult} | {
    f"drill.{result}" for result in DrillResult
}
FILTERS = re.compile(r'\$\.message = \\?"(.*?)\\?"')


def test_what_logs_are_searched_for_is_what_is_logged() -> None:
    texts = [*LINES, (CHECKOUT / "template.yaml").read_text()]
    searched = {message for text in texts for message in FILTERS.findall(text)}
    assert "export.missed" in searched
    assert searched - MESSAGES == set()


def parsed_by_openstack(line: str) -> Any:  # noqa: ANN401 - argparse's own
    """Let the client's own parser of a command take its arguments."""
    _, *words = arguments(line)
    parsers = {
        one.name: one
        for group in ("identity.v3", "volume.v3", "compute.v2")
        for one in entry_points(group=f"openstack.{group}")
    }
    name, count = next(
        (name, count)
        for count in range(len(words), 0, -1)
        if (name := "_".join(words[:count])) in parsers
    )
    return parsers[name].load()(None, None).get_parser("").parse_args(words[count:])


of_the_client = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""It warns of itself when it is imported."""


@pytest.mark.slow
@of_the_client
def test_an_application_credential_is_made_of_rules_that_are_there() -> None:
    lines = of("openstack", "application", "credential", "create")
    rules = {parsed_by_openstack(line).access_rules for line in lines}
    files = (CHECKOUT / "docs" / "access-rules").glob("*.json")
    assert rules == {f"docs/access-rules/{file.name}" for file in files}


@pytest.mark.slow
@of_the_client
def test_sizes_come_from_a_listing_that_openstack_prints() -> None:
    (line,) = of("openstack", "volume", "list")
    parsed = parsed_by_openstack(line)
    assert (parsed.long, parsed.formatter) == (True, "json")


@pytest.mark.slow
@of_the_client
def test_a_volume_that_stays_uploading_is_freed_by_its_state() -> None:
    (line,) = of("openstack", "volume", "set")
    assert parsed_by_openstack(line).state == "available"
