"""Events: every accepted shape becomes one trigger, anything else one clear line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volume_images.config.schema import Config
from volume_images.errors import TriggerError
from volume_images.model import RequestedExport, Requests, Tick, Trigger
from volume_images.triggers import only_tick, parse_trigger

EVENTS = Path(__file__).parents[2] / "events"
CONFIG = Config.model_validate(
    {
        "prefix": "acme-demo",
        "clouds": {"lab": {"dialect": "openstack", "region": "one", "project": "backup"}},
        "policies": {"daily": {"select": {}, "retention": {"keep_last": 3}}},
    }
)
NOW = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
SENT = datetime(2026, 3, 2, 2, 4, tzinfo=UTC)
DB, WEB, LOG = (
    "16369c5d-384d-4e64-b37a-56d898769362",
    "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42",
    "c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
)


def event(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def parse(document: object) -> Trigger:
    return parse_trigger(document, now=NOW)


def record(body: object, message_id: str = "m1", sent: datetime | None = SENT) -> dict[str, Any]:
    return {
        "eventSource": "aws:sqs",
        "messageId": message_id,
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"SentTimestamp": str(int(sent.timestamp() * 1000))} if sent else {},
    }


def requested(time: str, **detail: object) -> dict[str, Any]:
    return {"detail-type": "Volume Export Requested", "time": time, "detail": detail}


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("manual-tick", Tick()),
        ("scheduled-tick", Tick(scheduled_at=SLOT)),
        ("classic-scheduled-event", Tick(scheduled_at=SLOT)),
        ("narrowed-tick", Tick(scheduled_at=SLOT, volume_ids=frozenset({DB, WEB}))),
        ("named-slot", Tick(scheduled_at=SLOT, policies=frozenset({"daily"}))),
        ("dry-run", Tick(scheduled_at=SLOT, dry_run=True)),
        ("request", Requests(requests=(RequestedExport(volume_ids=(DB,)),))),
        (
            "volume-export-requested",
            Requests(requests=(RequestedExport(volume_ids=(WEB,), requested_at=SLOT),)),
        ),
        (
            "sqs-requests",
            Requests(
                requests=(
                    RequestedExport(
                        volume_ids=(WEB,),
                        requested_at=SLOT,
                        message_id="059f36b4-87a3-44ab-83d2-661975830a7d",
                    ),
                    RequestedExport(
                        policies=("daily",),
                        volume_ids=(LOG,),
                        requested_at=SENT,
                        message_id="2e1424d4-f796-459a-8184-9c92662be6da",
                    ),
                ),
                from_queue=True,
            ),
        ),
    ],
)
def test_every_shape_of_an_export_event_is_one_trigger(name: str, trigger: Trigger) -> None:
    assert parse(event(name)) == trigger


@pytest.mark.parametrize(
    ("name", "tick"),
    [
        ("cleanup-manual", Tick()),
        ("cleanup-scheduled", Tick(scheduled_at=SLOT)),
        ("cleanup-narrowed", Tick(scheduled_at=SLOT, volume_ids=frozenset({DB}))),
        ("cleanup-dry-run", Tick(scheduled_at=SLOT, dry_run=True)),
        ("classic-scheduled-event", Tick(scheduled_at=SLOT)),
    ],
)
def test_every_shape_of_a_cleanup_event_is_one_tick(name: str, tick: Tick) -> None:
    assert only_tick(parse(event(name)), CONFIG, who="cleanup") == tick


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_of_the_events_folder_is_accepted_by_its_function(path: Path) -> None:
    trigger = parse(json.loads(path.read_text()))
    takes_ticks_alone = path.stem.startswith(("cleanup", "drill"))
    assert isinstance(trigger, Tick if takes_ticks_alone else (Tick, Requests))


@pytest.mark.parametrize("name", ["request", "volume-export-requested", "sqs-requests"])
def test_cleanup_takes_no_requests(name: str) -> None:
    with pytest.raises(TriggerError, match="cleanup takes no request for exports"):
        only_tick(parse(event(name)), CONFIG, who="cleanup")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"key1": "value1", "key2": "value2"}, "unknown key 'key1', 'key2': an event is {} or"),
        ({"volume_id": DB}, "unknown key 'volume_id'; did you mean volume_ids?"),
        ([], "the event is no JSON object: an event is {} or"),
        ("tick", "the event is no JSON object"),
        (None, "the event is no JSON object"),
        ({"scheduled_time": "2026-03-02T02:00:00"}, "must be a time with its zone"),
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "must be a time with its zone"),
        ({"scheduled_time": 1772416800}, "(it is no text but int)"),
        ({"scheduled_time": None}, "must be a time with its zone"),
        ({"scheduled_time": "2026-03-02T02:10:01Z"}, "scheduled_time: 2026-03-02T02:10:01+00:00"),
        ({"scheduled_time": "0001-01-01T00:00:00+14:00"}, "lies before 2000-01-01"),
        ({"policies": "daily"}, "policies: must be a list of names in quotes"),
        ({"policies": []}, "policies: must be a list of names in quotes, with at least one"),
        ({"volume_ids": [1]}, "volume_ids: must be a list of names in quotes"),
        ({"dry_run": "yes"}, "dry_run: must be true or false"),
        ({"source": "aws.events"}, "time: must be a time with its zone"),
        ({"detail-type": "Object Created", "detail": {}}, "detail-type 'Object Created' starts"),
        ({"detail-type": "Volume Export Requested"}, "starts nothing here"),
        (requested("2026-03-02T02:00:00Z"), 'a request names "policies" or "volume_ids"'),
        (requested("2026-03-02T02:00:00Z", dry_run=True), "a request names"),
        (requested("2026-03-02T02:00:00Z", volumes=[DB]), "unknown key 'volumes'; did you mean"),
        (
            requested("2026-03-02T02:00:00Z", scheduled_time="2026-03-02T02:00:00Z"),
            "scheduled_time: a request has none",
        ),
        (requested("2026-03-02T02:10:01Z", volume_ids=[DB]), "lies in the future"),
        ({"Records": []}, "no record"),
        ({"Records": [{"eventSource": "aws:s3"}]}, "a record is not of SQS"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "a record is not of SQS"),
    ],
)
def test_anything_else_is_one_line_that_says_what_to_write(document: object, message: str) -> None:
    with pytest.raises(TriggerError) as caught:
        parse(document)

    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_event_is_told_every_shape() -> None:
    """The test event that the Lambda console offers first must teach what to send instead."""
    with pytest.raises(TriggerError) as caught:
        parse({"key1": "value1", "key2": "value2", "key3": "value3"})

    for shape in ('{"scheduled_time", "dry_run"}', "aws.events", "Volume Export Requested", "SQS"):
        assert shape in str(caught.value)


def test_times_are_utc_in_whole_seconds() -> None:
    tick = parse({"scheduled_time": "2026-03-02T03:00:00.750+01:00"})

    assert tick == Tick(scheduled_at=SLOT)


def test_a_time_may_be_five_minutes_ahead_of_the_clock() -> None:
    assert parse({"scheduled_time": "2026-03-02T02:10:00Z"}) == Tick(
        scheduled_at=NOW + timedelta(minutes=5)
    )


def test_names_said_twice_count_once_and_keep_their_order() -> None:
    assert parse({"volume_ids": [LOG, DB, LOG]}) == Requests(
        requests=(RequestedExport(volume_ids=(LOG, DB)),)
    )


def test_a_dry_run_of_a_request_stays_one() -> None:
    assert parse({"policies": ["daily"], "dry_run": True}) == Requests(
        requests=(RequestedExport(policies=("daily",), dry_run=True),)
    )


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "[" * 100_000,
        {},
        {"scheduled_time": "2026-03-02T02:00:00Z"},
        {"scheduled_time": "2026-03-02T02:00:00Z", "volume_ids": [DB]},
        {"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-03-02T02:00:00Z"},
        {"volume_ids": [1]},
        {"volume_ids": [DB], "dry_run": True},
        requested("2026-03-02T02:00:00", volume_ids=[DB]),
        requested("2026-03-02T02:30:00Z", volume_ids=[DB]),
        requested("2026-03-02T01:03:59Z", volume_ids=[DB]),
    ],
)
def test_a_record_that_cannot_be_read_leaves_the_others_alone(body: object) -> None:
    """Ticks are no requests, nothing is asked for more than an hour before it was sent.

    And a dry run beside requests that count would keep them from being carried out.
    """
    trigger = parse({"Records": [record(body, "bad"), record({"volume_ids": [DB]}, "good")]})

    assert isinstance(trigger, Requests)
    assert [record.message_id for record in trigger.unreadable] == ["bad"]
    assert [request.message_id for request in trigger.requests] == ["good"]


def test_a_request_may_be_an_hour_older_than_its_message() -> None:
    trigger = parse({"Records": [record(requested("2026-03-02T01:04:00Z", volume_ids=[DB]))]})

    assert isinstance(trigger, Requests)
    assert trigger.requests[0].requested_at == datetime(2026, 3, 2, 1, 4, tzinfo=UTC)


def test_a_message_without_a_time_leaves_it_to_the_clock() -> None:
    trigger = parse({"Records": [record({"volume_ids": [DB]}, sent=None)]})

    assert trigger == Requests(
        requests=(RequestedExport(volume_ids=(DB,), message_id="m1"),), from_queue=True
    )


@pytest.mark.parametrize("sent", ["soon", None, 1e400, "99999999999999999", "1"])
def test_a_message_sent_at_no_time_cannot_be_read(sent: object) -> None:
    message = {**record({"volume_ids": [DB]}), "attributes": {"SentTimestamp": sent}}

    trigger = parse({"Records": [message]})
    assert isinstance(trigger, Requests)
    assert trigger.requests == ()
    assert [record.message_id for record in trigger.unreadable] == ["m1"]
    assert trigger.unreadable[0].why


KEYS = [
    "scheduled_time",
    "time",
    "policies",
    "volume_ids",
    "dry_run",
    "source",
    "detail-type",
    "detail",
    "Records",
    "eventSource",
    "messageId",
    "body",
    "attributes",
    "SentTimestamp",
    "x",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.sampled_from(
        ["aws.events", "aws:sqs", "Volume Export Requested", '{"volume_ids": ["x"]}']
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)


def outcome(document: object) -> Trigger | TriggerError:
    """Parse; any exception but TriggerError fails the test."""
    try:
        return parse(document)
    except TriggerError as error:
        return error


@given(VALUES)
def test_an_arbitrary_event_is_a_trigger_or_one_line(document: object) -> None:
    result = outcome(document)

    assert isinstance(result, Tick | Requests) or len(str(result).splitlines()) == 1


@given(st.lists(st.text(max_size=30) | VALUES.map(json.dumps), min_size=1, max_size=3))
def test_every_record_is_read_or_named_unreadable(bodies: list[str]) -> None:
    names = [f"m{place}" for place in range(len(bodies))]
    records = [record(body, name) for body, name in zip(bodies, names, strict=True)]

    trigger = parse({"Records": records})

    assert isinstance(trigger, Requests)
    read = [request.message_id for request in trigger.requests]
    unreadable = [record.message_id for record in trigger.unreadable]
    assert sorted([*read, *unreadable]) == names
