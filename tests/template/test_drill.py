"""Drills are one parameter away: with it a function of its own, without it nothing of them."""

import json
import re
from typing import Any

import pytest

from tests.template.permissions import allowed, listed, statements
from tests.template.rendered import Stack, template
from volume_images.cli.inputs.invocation import TIMEOUTS
from volume_images.metrics import METRICS
from volume_images.report import Function

WITH = Stack(DrillSchedule="rate(7 days)")
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:volume-images"
READ_SECRET = "secretsmanager:GetSecretValue"

# (action, resource, prefix of a listing)
DRILL_MAY = [
    ("s3:GetObject", "arn:ConfigBucket/config.yaml", None),
    ("s3:ListBucket", "arn:ConfigBucket", "config.yaml"),
    ("s3:GetObject", "arn:StoreBucket/state/cleanup/otc.json", None),
    ("s3:GetObjectVersion", "arn:StoreBucket/state/cleanup/otc.json", None),
    ("s3:ListBucket", "arn:StoreBucket", "state/cleanup/otc.json"),
    ("s3:ListBucketVersions", "arn:StoreBucket", "state/cleanup/otc.json"),
    ("s3:GetObject", "arn:StoreBucket/state/export/config.json", None),
    ("s3:ListBucket", "arn:StoreBucket", "state/export/config.json"),
    ("s3:PutObject", "arn:StoreBucket/reports/drill/2026/03/02/run.json", None),
    (READ_SECRET, f"{SECRET}/restore/otc-AbCdEf", None),
    ("sqs:SendMessage", "arn:FailureQueue", None),
    ("logs:PutLogEvents", "arn:DrillLogGroup", None),
]
DRILL_MAY_NOT = [
    ("s3:PutObject", "arn:StoreBucket/state/cleanup/otc.json", None),
    ("s3:PutObject", "arn:StoreBucket/state/export/otc.json", None),
    ("s3:PutObject", "arn:StoreBucket/reports/cleanup/run.json", None),
    ("s3:PutObject", "arn:ConfigBucket/config.yaml", None),
    ("s3:DeleteObject", "arn:StoreBucket/reports/drill/run.json", None),
    ("s3:GetObject", "arn:StoreBucket/state/export/otc.json", None),
    ("s3:ListBucket", "arn:StoreBucket", "reports/"),
    ("s3:ListBucket", "arn:StoreBucket", None),
    (READ_SECRET, f"{SECRET}/export/otc-AbCdEf", None),
    (READ_SECRET, f"{SECRET}/cleanup/otc-AbCdEf", None),
]


def names(stack: Stack) -> set[str]:
    return {name for name in stack.resources if "Drill" in name}


def test_without_a_schedule_nothing_of_drills_is_deployed() -> None:
    assert names(Stack()) == set()
    assert names(WITH) == {"DrillImages", "DrillLogGroup", "DrillRole", "FailedDrills"}


@pytest.mark.parametrize(("action", "resource", "prefix"), DRILL_MAY)
def test_drills_may_do_their_work(action: str, resource: str, prefix: str | None) -> None:
    assert allowed(WITH, "DrillRole", action, resource, prefix)


@pytest.mark.parametrize(("action", "resource", "prefix"), DRILL_MAY_NOT)
def test_drills_may_do_nothing_else(action: str, resource: str, prefix: str | None) -> None:
    assert not allowed(WITH, "DrillRole", action, resource, prefix)


def test_drills_alone_read_the_secrets_that_make_volumes() -> None:
    roles = set(WITH.of_type("AWS::IAM::Role")) - {"SchedulerRole"}
    readers = {
        role for role in roles if allowed(WITH, role, READ_SECRET, f"{SECRET}/restore/otc-AbCdEf")
    }
    assert readers == {"DrillRole"}


def test_no_statement_of_drills_speaks_of_every_action_or_resource() -> None:
    for statement in statements(WITH, "DrillRole"):
        assert not any("*" in action for action in listed(statement["Action"]))
        assert not any("*" in one.removesuffix("/*") for one in listed(statement["Resource"]))


def test_the_function_is_like_the_others() -> None:
    function = WITH.properties("DrillImages")
    cleanup = WITH.properties("CleanupImages")
    for same in ("Runtime", "Architectures", "Handler", "Layers", "EventInvokeConfig"):
        assert function[same] == cleanup[same]
    assert function["CodeUri"] == "functions/drill_images/"
    assert function["Timeout"] == TIMEOUTS[Function.DRILL]
    assert function["Role"] == "arn:DrillRole"
    assert function["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "DrillLogGroup"}
    environment = function["Environment"]["Variables"]
    assert environment.pop("POWERTOOLS_SERVICE_NAME") == "drill_images"
    assert environment.items() <= cleanup["Environment"]["Variables"].items()


def test_the_schedule_starts_it_and_loses_nothing() -> None:
    schedule = WITH.properties("DrillImages")["Events"]["Drill"]["Properties"]
    assert schedule["ScheduleExpression"] == "rate(7 days)"
    assert schedule["OmitName"] is True
    assert json.loads(schedule["Input"]) == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert schedule["DeadLetterConfig"] == {"Arn": "arn:FailureQueue"}
    started: list[Any] = [
        resource
        for statement in statements(WITH, "SchedulerRole")
        if statement["Action"] == "lambda:InvokeFunction"
        for resource in statement["Resource"]
    ]
    assert started == ["arn:ExportVolumes", "arn:CleanupImages", "arn:DrillImages"]


def test_the_alarm_watches_what_drills_emit() -> None:
    alarm = WITH.properties("FailedDrills")
    assert alarm["MetricName"] in {metric.name for metric in METRICS[Function.DRILL]}
    assert alarm["Dimensions"] == [{"Name": "service", "Value": Function.DRILL.value}]
    assert alarm["Namespace"] == WITH.properties("FailedExports")["Namespace"]
    assert alarm["AlarmActions"] == alarm["OKActions"] == ["AlarmTopic"]


@pytest.mark.parametrize(
    "expression", ["", "rate(1 day)", "rate(7 days)", "rate(31 days)", "cron(0 6 ? * MON *)"]
)
def test_a_schedule_that_works_is_accepted(expression: str) -> None:
    assert re.fullmatch(template()["Parameters"]["DrillSchedule"]["AllowedPattern"], expression)


@pytest.mark.parametrize(
    "expression", ["rate(1 hour)", "rate(1 days)", "rate(32 days)", "at(2026-03-02)", "0 6 * * 1"]
)
def test_another_one_is_refused(expression: str) -> None:
    pattern = template()["Parameters"]["DrillSchedule"]["AllowedPattern"]
    assert not re.fullmatch(pattern, expression)
