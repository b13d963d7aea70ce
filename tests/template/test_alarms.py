"""What alarms and the dashboard watch is what the functions emit, and somebody hears of it."""

import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from tests.support.report_samples import START, outcome, report, world_in
from tests.template.rendered import Stack
from volume_images.cli.command import app
from volume_images.metrics import METRICS, Gauge
from volume_images.model import Tick
from volume_images.publishing import publish
from volume_images.report import Freshness, FreshnessState, Function, ImageResult

WHOLE = Stack(DrillSchedule="rate(7 days)")
ALARMS = WHOLE.of_type("AWS::CloudWatch::Alarm")
DASHBOARD = json.loads(WHOLE.properties("Dashboard")["DashboardBody"])["widgets"]
LEVELS = {metric.name for metrics in METRICS.values() for metric in metrics if metric.level}

Watched = tuple[str, str, frozenset[tuple[str, str]]]
"""A metric as CloudWatch tells one from another: namespace, name, dimensions."""

FULL = {
    Function.EXPORT: report(address="s3://store/report.json"),
    Function.DRILL: report(Function.DRILL, address="s3://store/report.json"),
    Function.CLEANUP: report(
        Function.CLEANUP,
        address="s3://store/report.json",
        outcomes=[outcome(ImageResult.KEPT)],
        gauges={Gauge.IMAGE_QUOTA_USED: 12},
        freshness=[
            Freshness(
                cloud="otc",
                policy="daily",
                volume_id="v-1",
                state=FreshnessState.FRESH,
                newest_slot=START - timedelta(hours=1),
                stale=False,
            )
        ],
    ),
}
"""Reports of ordinary runs, which know everything that there is to know."""


def of_alarm(alarm: dict[str, Any]) -> Iterator[Watched]:
    stats = [one["MetricStat"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    for metric in [stat["Metric"] for stat in stats] or [alarm]:
        pairs = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
        yield metric["Namespace"], metric["MetricName"], pairs


def of_dashboard() -> Iterator[Watched]:
    for widget in DASHBOARD:
        for namespace, name, dimension, value, *_ in widget["properties"].get("metrics", []):
            yield namespace, name, frozenset({(dimension, value)})


WATCHED = {one for alarm in ALARMS.values() for one in of_alarm(alarm)} | set(of_dashboard())


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> set[Watched]:
    """Publish in the environment that the template gives, and read what CloudWatch would."""
    environment = Stack().properties("ExportVolumes")["Environment"]["Variables"]
    world = world_in(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_LAMBDA_FUNCTION_NAME", "any")
        namespace = "POWERTOOLS_METRICS_NAMESPACE"
        patch.setenv(namespace, environment[namespace])
        with redirect_stdout(StringIO()) as out:
            for one in FULL.values():
                publish(one, world, Tick())
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return {metric for line in lines if "_aws" in line for metric in of_blob(line)}


def of_blob(blob: dict[str, Any]) -> Iterator[Watched]:
    [definition] = blob["_aws"]["CloudWatchMetrics"]
    [names] = definition["Dimensions"]
    for metric in definition["Metrics"]:
        yield (
            definition["Namespace"],
            metric["Name"],
            frozenset((name, blob[name]) for name in names),
        )


def test_every_metric_that_is_watched_is_one_that_the_functions_emit(
    emitted: set[Watched],
) -> None:
    """An alarm on a metric that nobody publishes never rings."""
    ours = {one for one in WATCHED if one[0] != "AWS/SQS"}
    assert ours - emitted == set()


def test_every_queue_that_is_watched_is_one_of_the_stack() -> None:
    queues = {f"{name}.QueueName" for name in Stack().of_type("AWS::SQS::Queue")}
    watched = {one for one in WATCHED if one[0] == "AWS/SQS"}
    assert {name for _, name, _ in watched} == {"ApproximateNumberOfMessagesVisible"}
    assert {value for _, _, dimensions in watched for _, value in dimensions} == queues


def test_two_stacks_of_an_account_do_not_share_metrics(emitted: set[Watched]) -> None:
    assert {namespace for namespace, _, _ in emitted} == {"VolumeImages/volume-images"}


def test_no_dimension_tells_volumes_apart(emitted: set[Watched]) -> None:
    """CloudWatch bills every value of a dimension as a metric."""
    assert {name for _, _, pairs in emitted for name, _ in pairs} == {"service"}


def test_all_that_was_asked_for_rings() -> None:
    assert {name for alarm in ALARMS.values() for _, name, _ in of_alarm(alarm)} >= {
        "VolumesStale",
        "ExportsMissed",
        "ExportsFailed",
        "ImagesStuck",
        "ImagesNewlyAnnounced",
        "ImagesForeign",
        "ImageQuotaUsed",
        "ApproximateNumberOfMessagesVisible",
        "CloudsUnavailable",
        "ConfigUnreadable",
        "RunsFinished",
        "DrillsFailed",
    }


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_heard_when_it_begins_and_when_it_ends(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == ["AlarmTopic"]
    assert ALARMS[name]["OKActions"] == ["AlarmTopic"]
    assert "ActionsEnabled" not in ALARMS[name]


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_which_command_shows_the_culprits(name: str) -> None:
    description = ALARMS[name]["AlarmDescription"]
    assert len(description) <= 1024
    assert re.search(r": (volume-images|aws) ", description)


def test_the_commands_of_alarms_exist() -> None:
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {str(group.name) for group in app.registered_groups}
    texts = [alarm["AlarmDescription"] for alarm in ALARMS.values()]
    named = {name for text in texts for name in re.findall(r"volume-images ([a-z]+)\b", text)}
    assert "status" in named
    assert named - known == set()


def test_the_logs_that_alarms_name_are_those_of_the_functions() -> None:
    groups = {one["LogGroupName"] for one in WHOLE.of_type("AWS::Logs::LogGroup").values()}
    texts = [alarm["AlarmDescription"] for alarm in ALARMS.values()]
    named = {name for text in texts for name in re.findall(r"/aws/lambda/[\w-]+", text)}
    assert named == groups


@pytest.mark.parametrize("name", ALARMS)
def test_what_stands_until_the_next_run_is_not_calmed_by_waiting_for_it(name: str) -> None:
    """Cleanup may run once a day: an hour without a figure says nothing new."""
    metrics = {metric for _, metric, _ in of_alarm(ALARMS[name])}
    if metrics <= LEVELS - {"AnnouncementsLapsed"}:
        assert ALARMS[name]["TreatMissingData"] == "ignore"


def seconds_of_silence(name: str, **schedule: str) -> int:
    alarm = Stack(**schedule).properties(name)
    assert alarm["TreatMissingData"] == "breaching"
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    return alarm["Period"] * int(alarm["EvaluationPeriods"])


@pytest.mark.parametrize(
    ("schedule", "minutes"), [("rate(10 minutes)", 30), ("rate(45 minutes)", 135)]
)
def test_three_ticks_without_a_finished_run_ring(schedule: str, minutes: int) -> None:
    assert seconds_of_silence("NoExportRunFinished", TickSchedule=schedule) == 60 * minutes


def test_an_hourly_tick_has_three_hours() -> None:
    assert seconds_of_silence("NoExportRunFinished", TickSchedule="rate(1 hour)") == 3 * 3600


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [("rate(1 hour)", 80), ("rate(6 hours)", 480), ("rate(24 hours)", 32 * 60)],
)
def test_a_cleanup_that_does_not_come_rings_before_announcements_lapse(
    schedule: str, minutes: int
) -> None:
    assert seconds_of_silence("NoCleanupRunFinished", CleanupSchedule=schedule) == 60 * minutes


@pytest.mark.parametrize("name", ALARMS)
def test_no_alarm_looks_back_further_than_cloudwatch_allows(name: str) -> None:
    """A day; seven days with periods of an hour and more (CloudWatch, "Alarms")."""
    slow = {"TickSchedule": "rate(1 hour)", "CleanupSchedule": "rate(24 hours)"}
    stack = Stack(DrillSchedule="rate(7 days)", **slow)
    alarm = stack.properties(name)
    stats = [one["MetricStat"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    periods = [one["Period"] for one in stats] or [alarm["Period"]]
    for period in periods:
        longest = 7 * 86400 if period >= 3600 else 86400
        assert period % 60 == 0
        assert period * int(alarm["EvaluationPeriods"]) <= longest


@pytest.mark.parametrize(
    ("announced", "started", "rings"),
    [
        (5_000, 5_000, False),  # every day of a fleet
        (15_000, 5_000, False),  # the turn of a month
        (30_000, 5_000, True),  # keep_daily 7 became keep_daily 1
        (20, 0, False),
        (21, 0, True),
    ],
)
def test_a_slip_in_the_config_rings_and_the_turn_of_a_month_does_not(
    announced: int, started: int, *, rings: bool
) -> None:
    alarm = ALARMS["SuddenAnnouncements"]
    (rule,) = [one["Expression"] for one in alarm["Metrics"] if "Expression" in one]
    names = {"announced": announced, "started": started, "FILL": lambda value, _: value}
    beyond = eval(rule, names)  # noqa: S307 - our own arithmetic
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert (beyond > alarm["Threshold"]) is rings


def test_the_topic_is_encrypted_with_a_key_that_alarms_may_use() -> None:
    """The account's default key for topics drops alarms: CloudWatch may not use it."""
    stack = Stack()
    assert stack.properties("AlarmTopic")["KmsMasterKeyId"] == "AlarmKey"
    key = stack.properties("AlarmKey")
    assert key["EnableKeyRotation"] is True
    account, alarms = key["KeyPolicy"]["Statement"]
    assert account["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_only_alarms_of_the_account_may_publish() -> None:
    policy = Stack().properties("AlarmTopicPolicy")
    assert policy["Topics"] == ["AlarmTopic"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == ("sns:Publish", "AlarmTopic")
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:*"},
    }


def test_an_address_subscribes_and_none_subscribes_nobody() -> None:
    assert Stack().of_type("AWS::SNS::Subscription") == {}
    subscribed = Stack(AlarmEmail="ops@example.com").of_type("AWS::SNS::Subscription")
    assert subscribed == {
        "AlarmSubscription": {
            "TopicArn": "AlarmTopic",
            "Protocol": "email",
            "Endpoint": "ops@example.com",
        }
    }


def test_one_alarm_can_be_fired_to_see_it_arrive() -> None:
    command = Stack().outputs["FireAnAlarm"]["Value"]
    name = re.search(r"--alarm-name (\w+)", command)
    assert name is not None
    assert ALARMS[name[1]]["TreatMissingData"] == "notBreaching"  # so it ends by itself


@pytest.mark.parametrize("stack", [WHOLE, Stack()], ids=["with drills", "without"])
def test_the_dashboard_shows_every_alarm(stack: Stack) -> None:
    widgets = json.loads(stack.properties("Dashboard")["DashboardBody"])["widgets"]
    (alarms,) = [one["properties"]["alarms"] for one in widgets if one["type"] == "alarm"]
    there = stack.of_type("AWS::CloudWatch::Alarm")
    assert sorted(alarms) == sorted(f"arn:{name}" for name in there)


def test_the_dashboard_has_a_row_for_people_and_one_for_engineers() -> None:
    rows: dict[int, set[str]] = {}
    for widget in DASHBOARD:
        named = {metric[1] for metric in widget["properties"].get("metrics", [])}
        rows.setdefault(widget["y"], set()).update(named)
    _alarms, people, engineers = (names for _, names in sorted(rows.items()))
    assert people == {
        "VolumesProtected",
        "OldestImageAge",
        "ImageQuotaUsed",
        "ImagesAnnounced",
        "VolumesStale",
    }
    assert engineers >= {
        "ExportsInFlight",
        "RunSeconds",
        "ExportsRefused",
        "ExportsUnknown",
        "RunsRed",
        "ApproximateNumberOfMessagesVisible",
    }


def test_no_widget_of_the_dashboard_covers_another() -> None:
    cells = [
        (x, y)
        for widget in DASHBOARD
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
