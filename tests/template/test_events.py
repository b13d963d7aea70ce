"""What starts a run, and where what could not start one goes."""

import json

import pytest

from tests.template.rendered import Stack
from volume_images.telling.bus import SOURCE
from volume_images.telling.events import EventType

SCHEDULES = {"ExportVolumes": "Tick", "CleanupImages": "Look"}


@pytest.mark.parametrize(("function", "event"), SCHEDULES.items())
def test_a_schedule_passes_its_own_time(function: str, event: str) -> None:
    """EventBridge Scheduler replaces this keyword in the input."""
    schedule = Stack().properties(function)["Events"][event]["Properties"]
    assert json.loads(schedule["Input"]) == {"scheduled_time": "<aws.scheduler.scheduled-time>"}


@pytest.mark.parametrize(
    ("function", "expression"),
    [("ExportVolumes", "rate(10 minutes)"), ("CleanupImages", "rate(1 hour)")],
)
def test_a_function_runs_as_often_as_promised(function: str, expression: str) -> None:
    schedule = Stack().properties(function)["Events"][SCHEDULES[function]]
    assert schedule["Type"] == "ScheduleV2"
    assert schedule["Properties"]["ScheduleExpression"] == expression


@pytest.mark.parametrize(("function", "event"), SCHEDULES.items())
def test_what_a_schedule_cannot_deliver_is_not_lost(function: str, event: str) -> None:
    schedule = Stack().properties(function)["Events"][event]["Properties"]
    assert schedule["DeadLetterConfig"] == {"Arn": "arn:FailureQueue"}
    assert schedule["RetryPolicy"]["MaximumEventAgeInSeconds"] == 540


@pytest.mark.parametrize(("function", "event"), SCHEDULES.items())
def test_schedules_of_two_stacks_do_not_collide(function: str, event: str) -> None:
    """Without `OmitName` SAM names a schedule alike in every stack of the account."""
    assert Stack().properties(function)["Events"][event]["Properties"]["OmitName"] is True


def test_an_undelivered_tick_is_left_to_the_next_one() -> None:
    tick = Stack().properties("ExportVolumes")["Events"]["Tick"]["Properties"]
    assert tick["RetryPolicy"]["MaximumRetryAttempts"] == 0


def test_requests_come_only_from_the_sources_of_the_parameter() -> None:
    rule = Stack(AllowedRequestSources="acme.ops,acme.db").properties("RequestRule")
    assert rule["EventPattern"] == {
        "source": ["acme.ops", "acme.db"],
        "detail-type": ["Volume Export Requested"],
    }


def test_our_own_events_never_feed_the_request_queue() -> None:
    """Not even if somebody lets our own source ask for exports."""
    rule = Stack(AllowedRequestSources=SOURCE).properties("RequestRule")
    assert not set(rule["EventPattern"]["detail-type"]) & {kind.value for kind in EventType}


def test_without_sources_nobody_may_request() -> None:
    stack = Stack()
    assert stack.of_type("AWS::Events::Rule") == {}
    assert stack.of_type("AWS::SQS::QueuePolicy") == {}


def test_the_rule_feeds_the_request_queue_and_loses_nothing() -> None:
    (target,) = Stack(AllowedRequestSources="acme.ops").properties("RequestRule")["Targets"]
    assert target["Arn"] == "arn:RequestQueue"
    assert target["DeadLetterConfig"] == {"Arn": "arn:FailureQueue"}
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 3600


def test_requests_are_received_ten_at_a_time_and_answered_one_by_one() -> None:
    requests = Stack().properties("ExportVolumes")["Events"]["Requests"]["Properties"]
    assert requests["Queue"] == "arn:RequestQueue"
    assert requests["BatchSize"] == 10
    assert requests["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_concurrency_of_requests_is_one_that_lambda_accepts() -> None:
    """Lambda refuses a maximum concurrency below 2."""
    requests = Stack().properties("ExportVolumes")["Events"]["Requests"]["Properties"]
    assert requests["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_a_request_stays_hidden_for_twice_the_time_of_a_run() -> None:
    """Lambda refuses a queue whose visibility is below the function's time-out."""
    stack = Stack()
    timeout = stack.properties("ExportVolumes")["Timeout"]
    assert stack.properties("RequestQueue")["VisibilityTimeout"] == 2 * timeout


def test_a_request_that_fails_three_times_is_set_aside() -> None:
    assert Stack().properties("RequestQueue")["RedrivePolicy"] == {
        "deadLetterTargetArn": "arn:RequestDeadLetterQueue",
        "maxReceiveCount": 3,
    }


def test_no_queue_is_fifo() -> None:
    """Lambda and EventBridge refuse a FIFO queue for what failed."""
    for queue in Stack().of_type("AWS::SQS::Queue").values():
        assert "FifoQueue" not in queue
        assert "QueueName" not in queue


def test_every_queue_is_encrypted() -> None:
    queues = Stack().of_type("AWS::SQS::Queue")
    assert set(queues) == {"RequestQueue", "RequestDeadLetterQueue", "FailureQueue"}
    for queue in queues.values():
        assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("queue", ["RequestDeadLetterQueue", "FailureQueue"])
def test_what_failed_is_kept_for_two_weeks(queue: str) -> None:
    assert Stack().properties(queue)["MessageRetentionPeriod"] == 14 * 24 * 3600
