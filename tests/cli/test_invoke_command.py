"""`volume-images invoke`: the real handlers, with every event there is."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.sandbox.stack import SandboxStack
from volume_images.cli.inputs.invocation import context
from volume_images.clock import SystemClock
from volume_images.report import Function

EVENTS = Path(__file__).parents[2] / "events"
ALL_EVENTS = sorted(path.name for path in EVENTS.glob("*.json"))
CLEANUP_EVENTS = [name for name in ALL_EVENTS if name.startswith("cleanup-")]
DRILL_EVENTS = [name for name in ALL_EVENTS if name.startswith("drill-")]
EXPORT_EVENTS = [name for name in ALL_EVENTS if name not in CLEANUP_EVENTS + DRILL_EVENTS]

STARTED = {
    "classic-scheduled-event.json": 3,
    "dry-run.json": 0,
    "manual-tick.json": 3,
    "named-slot.json": 3,
    "narrowed-tick.json": 2,
    "request.json": 1,
    "scheduled-tick.json": 3,
    "sqs-requests.json": 2,
    "volume-export-requested.json": 1,
}
"""How many exports each event starts in a sandbox that nobody used before."""


def test_every_event_is_tested() -> None:
    assert list(STARTED) == EXPORT_EVENTS
    assert CLEANUP_EVENTS
    assert DRILL_EVENTS


@pytest.mark.parametrize("event", EXPORT_EVENTS)
def test_every_export_event_starts_what_it_names(
    sandbox_cli: Cli, stack: SandboxStack, event: str
) -> None:
    ran = sandbox_cli("invoke", "export_volumes", "--event", str(EVENTS / event))
    assert (ran.code, ran.err) == (0, "")
    assert len(stack.cloud.world.images) == STARTED[event]


@pytest.mark.parametrize("event", CLEANUP_EVENTS)
def test_every_cleanup_event_is_taken(sandbox_cli: Cli, event: str) -> None:
    ran = sandbox_cli("invoke", "cleanup_images", "--event", str(EVENTS / event))
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out.splitlines()[-1])["counts"]["deleted"] == 0


@pytest.mark.parametrize("event", DRILL_EVENTS)
def test_every_drill_event_is_taken(sandbox_cli: Cli, event: str) -> None:
    ran = sandbox_cli("invoke", "drill_images", "--event", str(EVENTS / event))
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out.splitlines()[-1])["counts"] == {
        "passed": 0,
        "failed": 0,
        "skipped": 1,
    }


def test_people_see_the_filed_report_and_the_answer(sandbox_cli: Cli) -> None:
    ran = sandbox_cli("invoke", "export_volumes", "--event", str(EVENTS / "manual-tick.json"))
    *table, answer = ran.out.splitlines()
    assert any("db01-log" in line and "accepted" in line for line in table)
    assert json.loads(answer)["counts"]["started"] == 3


def test_json_is_the_answer_alone(sandbox_cli: Cli) -> None:
    event = str(EVENTS / "manual-tick.json")
    ran = sandbox_cli("invoke", "export_volumes", "--event", event, "--json")
    assert list(ran.document) == ["run_id", "counts", "clouds", "report"]


def test_a_filed_report_decides_the_exit_code(sandbox_cli: Cli, stack: SandboxStack) -> None:
    stack.cloud.world.volumes.popitem()
    event = str(EVENTS / "manual-tick.json")
    assert sandbox_cli("invoke", "export_volumes", "--event", event, "--json").code == 1
    event = str(EVENTS / "dry-run.json")
    assert sandbox_cli("invoke", "export_volumes", "--event", event, "--json").code == 1


def test_a_red_run_is_one_line_and_exit_code_1(sandbox_cli: Cli, stack: SandboxStack) -> None:
    event = str(EVENTS / "manual-tick.json")
    sandbox_cli("invoke", "export_volumes", "--event", event)
    stack.write_config({})
    ran = sandbox_cli("invoke", "export_volumes", "--event", event)
    assert (ran.code, ran.out) == (1, "")
    assert "is red" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ('{"hello": "world"}', "unknown key 'hello'"),
        ("[]", "no JSON object"),
        ("{", "not JSON"),
        ('{"detail-type": "Other", "detail": {}}', "starts nothing here"),
        ('{"scheduled_time": "today"}', "must be a time with its zone"),
    ],
)
@pytest.mark.parametrize("function", ["export_volumes", "cleanup_images"])
def test_an_event_that_starts_nothing_is_wrong_input(
    sandbox_cli: Cli, tmp_path: Path, function: str, event: str, says: str
) -> None:
    path = tmp_path / "event.json"
    path.write_text(event)
    ran = sandbox_cli("invoke", function, "--event", str(path))
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_an_event_file_that_is_not_there_is_wrong_input(cli: Cli) -> None:
    ran = cli("invoke", "export_volumes", "--event", "nowhere.json")
    assert ran.code == 2
    assert ran.err == "volume-images: nowhere.json: cannot be read: No such file or directory\n"


def test_without_settings_every_missing_one_is_named(cli: Cli) -> None:
    ran = cli("invoke", "cleanup_images", "--event", str(EVENTS / "cleanup-manual.json"))
    assert ran.code == 2
    assert "VOLUME_IMAGES_CONFIG" in ran.err
    assert "VOLUME_IMAGES_STORE" in ran.err
    assert "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def test_a_handler_is_told_how_long_it_may_go_on() -> None:
    given = context(Function.CLEANUP, "id", SystemClock())
    assert given.function_name == "cleanup_images"
    assert 890_000 < given.get_remaining_time_in_millis() <= 900_000
