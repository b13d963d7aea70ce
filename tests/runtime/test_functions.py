"""The functions as Lambda runs them: its runtime client, its environment and nothing else.

Cold and warm invocations, every event, deadlines, killed processes, memory. Times are printed, and
never judged: this machine is not Lambda.
"""

import json
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.runtime.builds import Places
from tests.runtime.conftest import Say, Start
from tests.runtime.environment import OF_LAMBDA, ExecutionEnvironment, Function
from tests.sandbox.stack import SandboxStack
from tests.template.rendered import template

pytestmark = pytest.mark.runtime

EVENTS = Path(__file__).parents[2] / "events"
EXPORT = Function("ExportVolumes")
CLEANUP = Function("CleanupImages")
DRILL = Function("DrillImages", {"DrillSchedule": "rate(7 days)"})
FUNCTIONS = (EXPORT, CLEANUP, DRILL)
"""Every function of the template, with the parameters under which it is deployed."""

STARTED = {
    "classic-scheduled-event": 3,
    "dry-run": 0,
    "manual-tick": 3,
    "named-slot": 3,
    "narrowed-tick": 2,
    "request": 1,
    "scheduled-tick": 3,
    "sqs-requests": 2,
    "volume-export-requested": 1,
}
"""How many exports each event starts in a sandbox that nobody used before."""

TICK = {"scheduled_time": "2026-03-02T02:05:00Z"}
TWENTY_MINUTES = timedelta(minutes=20)

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.name)


def event(name: str) -> object:
    return json.loads((EVENTS / f"{name}.json").read_text())


def names(stack: SandboxStack) -> list[str]:
    return sorted(image.name for image in stack.cloud.world.images.values())


def tokens_asked_for(stack: SandboxStack) -> int:
    return sum("/auth/tokens" in path for _, path, _ in stack.cloud.requests)


def with_one_request_at_once(document: dict[str, Any]) -> dict[str, Any]:
    (cloud,) = document["clouds"]
    return {
        **document,
        "clouds": {cloud: {**document["clouds"][cloud], "max_concurrency": 1}},
    }


def test_every_function_of_the_template_is_run_here() -> None:
    resources = template()["Resources"].items()
    functions = {
        name for name, resource in resources if resource["Type"] == "AWS::Serverless::Function"
    }
    assert {function.name for function in FUNCTIONS} == functions


@each_function
def test_a_process_is_used_again_while_it_is_warm(
    function: Function, start: Start, stack: SandboxStack, say: Say
) -> None:
    with start(function) as process:
        cold = process.invoke(TICK)
        assert cold.error is None
        tokens = tokens_asked_for(stack)
        stack.cloud.clock.advance(TWENTY_MINUTES)
        warm = process.invoke(TICK)
        assert warm.error is None
        assert cold.answer["run_id"] != warm.answer["run_id"]
        assert (tokens, tokens_asked_for(stack)) == (1, 1)
        memory = process.function.properties["MemorySize"]
        assert process.peak_mib < memory
        say(
            f"{function.name}: init {process.init_ms:.0f} ms, first invocation"
            f" {cold.milliseconds:.0f} ms, second {warm.milliseconds:.0f} ms, at most"
            f" {process.peak_mib:.0f} MiB of the {memory} MiB that it has"
        )


@each_function
def test_what_lambda_and_the_template_give_a_process_is_all_it_has(
    function: Function, start: Start, stack: SandboxStack
) -> None:
    of_template = function.properties["Environment"]["Variables"]
    with start(function) as process:
        given = set(process.variables)
    assert "HOME" not in given
    assert {name for name in given if not name.startswith(("AWS_", "LAMBDA_"))} == {
        *(name for name in OF_LAMBDA if not name.startswith("AWS_")),
        *of_template,
        *(name for name in stack.env if not name.startswith("AWS_")),
        "_HANDLER",
        "PYTHONPATH",
    }


@each_function
def test_every_line_that_it_prints_is_json_and_metrics_are_among_them(
    function: Function, start: Start
) -> None:
    with start(function) as process:
        process.invoke(TICK)
        lines = process.lines
    namespace = function.properties["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
    metrics = [line["_aws"]["CloudWatchMetrics"] for line in lines if "_aws" in line]
    assert {metric["Namespace"] for blob in metrics for metric in blob} == {namespace}
    assert [line["message"] for line in lines if "_aws" not in line][-1] == "run.finished"


def test_every_export_event_starts_what_it_names(start: Start, stack: SandboxStack) -> None:
    others = {path.stem for path in EVENTS.glob("cleanup-*.json")}
    others |= {path.stem for path in EVENTS.glob("drill-*.json")}
    assert set(STARTED) == {path.stem for path in EVENTS.glob("*.json")} - others
    with start(EXPORT) as process:
        for name, started in STARTED.items():
            stack.reset()
            ended = process.invoke(event(name))
            assert ended.error is None, name
            assert len(stack.cloud.world.images) == started, name
            if name == "sqs-requests":
                assert ended.answer == {"batchItemFailures": []}


def test_every_cleanup_event_is_taken(start: Start) -> None:
    with start(CLEANUP) as process:
        for path in sorted(EVENTS.glob("cleanup-*.json")):
            ended = process.invoke(event(path.stem))
            assert ended.error is None, path.stem
            assert ended.answer["counts"]["deleted"] == 0


def test_every_drill_event_restores_what_was_exported(start: Start, stack: SandboxStack) -> None:
    stack.cloud.world.creation_seconds = 0.0
    with start(EXPORT) as process:
        process.invoke(TICK)
    stack.cloud.clock.advance(TWENTY_MINUTES)
    with start(DRILL) as process:
        for path in sorted(EVENTS.glob("drill-*.json")):
            ended = process.invoke(event(path.stem))
            assert ended.error is None, path.stem
            seen = "skipped" if "dry-run" in path.stem else "passed"
            assert {result: many for result, many in ended.answer["counts"].items() if many} == {
                seen: 1
            }
    assert len(stack.cloud.world.volumes) == 3


def test_a_fleet_fits_into_the_memory_that_the_template_gives(
    large_stack: SandboxStack, places: Places, tmp_path: Path, say: Say
) -> None:
    fleet = len(large_stack.cloud.world.volumes)
    for function in (EXPORT, CLEANUP):
        with ExecutionEnvironment(function, places, large_stack.env, tmp_path / "log") as process:
            ended = process.invoke(TICK)
            assert ended.error is None
            memory = function.properties["MemorySize"]
            assert process.peak_mib < memory
            say(
                f"{function.name}: {fleet} volumes in {ended.milliseconds:.0f} ms, at most"
                f" {process.peak_mib:.0f} MiB of {memory}"
            )
    assert len(large_stack.cloud.world.images) == fleet


def test_a_run_whose_time_is_nearly_over_starts_nothing_and_says_so(
    start: Start, stack: SandboxStack
) -> None:
    with start(EXPORT) as process:
        ended = process.invoke(TICK, seconds=30)
        assert ended.error is None
        assert (ended.answer["counts"]["deferred"], names(stack)) == (3, [])
        said = [line for line in process.lines if line.get("message") == "export.deferred"]
        assert {line["reason"] for line in said} == {"not_sent"}
        process.invoke(TICK)
    assert len(names(stack)) == 3


def test_a_run_whose_cloud_hangs_says_so_before_its_deadline(
    start: Start, stack: SandboxStack
) -> None:
    stack.cloud.latency_ms = 10_000
    with start(EXPORT) as process:
        ended = process.invoke(TICK, seconds=22)
    assert not ended.killed
    assert "did not end in time" in ended.error["errorMessage"]


def test_a_process_past_its_deadline_is_killed_and_the_next_one_goes_on(
    start: Start, stack: SandboxStack, say: Say
) -> None:
    stack.cloud.latency_ms = 5_000
    with start(EXPORT) as process:
        assert process.invoke(TICK, killed_after=2).killed
    stack.cloud.latency_ms = 0
    with start(EXPORT) as process:
        assert process.invoke(TICK).answer["counts"]["started"] == 3
    say("ExportVolumes, killed at its deadline: the next process started all 3 exports")


def test_a_process_killed_between_two_exports_leaves_none_out_and_none_twice(
    start: Start, stack: SandboxStack
) -> None:
    stack.cloud.latency_ms = 200
    stack.write_config(with_one_request_at_once(stack.document))
    with start(EXPORT) as process:
        invoking = Thread(target=process.invoke, args=(TICK,))
        invoking.start()
        while not stack.cloud.world.images:
            time.sleep(0.01)
        process.kill()
        invoking.join()
    left = names(stack)
    assert 0 < len(left) < 3
    stack.cloud.latency_ms = 0
    with start(EXPORT) as process:
        for wait in (TWENTY_MINUTES, 4 * TWENTY_MINUTES):  # the lost POST is tried after an hour
            stack.cloud.clock.advance(wait)
            assert process.invoke(TICK).error is None
    assert max(Counter(names(stack)).values()) == 1
    assert len(names(stack)) == 3


def test_what_stops_a_run_is_the_invocations_error_and_the_process_lives_on(
    start: Start, stack: SandboxStack
) -> None:
    with start(EXPORT) as process:
        ended = process.invoke({"hello": "world"})
        assert ended.error is not None
        assert ended.error["errorType"] == "TriggerError"
        assert process.invoke(TICK).answer["counts"]["started"] == 3
    assert len(names(stack)) == 3
