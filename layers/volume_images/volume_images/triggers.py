"""Every event that may start a run -> one Trigger, or one line that says what an event must be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from volume_images.config.schema import Config
from volume_images.errors import TriggerError
from volume_images.model import RequestedExport, Requests, Tick, Trigger, Unreadable
from volume_images.schedule import SLOT_AHEAD

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # no slot is older, and the search back needs room
OLDEST_REQUEST = timedelta(hours=1)  # before it was sent

FIELDS = ("scheduled_time", "policies", "volume_ids", "dry_run")
REQUESTED = "Volume Export Requested"
SHAPES = (
    'an event is {} or {"scheduled_time", "dry_run"} (a tick), these with "policies" or'
    ' "volume_ids" (narrowed; without a time: a request), a scheduled event of EventBridge'
    f' ("source": "aws.events"), one of detail-type "{REQUESTED}", or SQS records of requests'
)

Event = Mapping[Any, Any]  # whatever JSON gave


@dataclass(frozen=True, slots=True)
class _Fields:
    """What an event of ours may say."""

    scheduled_at: datetime | None
    policies: tuple[str, ...]
    volume_ids: tuple[str, ...]
    dry_run: bool

    @property
    def requests(self) -> bool:
        """Whether these ask for exports outside the schedule."""
        return self.scheduled_at is None and bool(self.policies or self.volume_ids)


def parse_trigger(event: object, *, now: datetime) -> Trigger:
    """Parse the event of an export run. Raises TriggerError.

    A record of a queue that cannot be read raises nothing: it is named in `Requests.unreadable`,
    for the queue to deliver it again and at last to put it aside.
    """
    match event:
        case {"Records": [*records]}:
            return _parse_records(records, now)
        case {"source": "aws.events", **envelope}:
            return Tick(scheduled_at=_read_time(envelope, "time", now))
        case {"detail-type": kind, **envelope}:
            return Requests(requests=(_parse_requested(kind, envelope, now),))
        case {**fields}:
            return _parse_plain(_read_fields(fields, now))
        case _:
            raise TriggerError(f"the event is no JSON object: {SHAPES}")


def only_tick(trigger: Trigger, config: Config, *, who: str) -> Tick:
    """Return the trigger of a run that takes ticks alone, of policies that there are.

    Raises TriggerError.
    """
    if isinstance(trigger, Requests):
        raise TriggerError(
            f"{who} takes no request for exports: send {{}} or"
            ' {"scheduled_time": ..., "policies": [...], "volume_ids": [...], "dry_run": true}'
        )
    refuse_strange_policies(trigger, config)
    return trigger


def refuse_strange_policies(tick: Tick, config: Config) -> None:
    """Raise TriggerError if a tick names a policy that is not in the config."""
    unknown = sorted(tick.policies - config.policies.keys())
    if unknown:
        raise TriggerError(f"policies: not in the config: {', '.join(unknown)}")


def _parse_plain(fields: _Fields) -> Trigger:
    if fields.requests:
        return Requests(requests=(_request(fields, requested_at=None),))
    return Tick(
        scheduled_at=fields.scheduled_at,
        policies=frozenset(fields.policies),
        volume_ids=frozenset(fields.volume_ids),
        dry_run=fields.dry_run,
    )


def _parse_records(records: Sequence[object], now: datetime) -> Requests:
    requests: list[RequestedExport] = []
    unreadable: list[Unreadable] = []
    for record in records:
        match record:
            case {"eventSource": "aws:sqs", "messageId": str(message_id), **message}:
                try:
                    requests.append(_parse_message(message, message_id, now))
                except TriggerError as error:
                    unreadable.append(Unreadable(message_id, str(error)))
            case _:
                raise TriggerError(f"a record is not of SQS: {SHAPES}")
    if not records:
        raise TriggerError(f"no record: {SHAPES}")
    return Requests(requests=tuple(requests), unreadable=tuple(unreadable), from_queue=True)


def _parse_message(message: Event, message_id: str, now: datetime) -> RequestedExport:
    sent_at = _read_sent(message, now)
    try:
        body = json.loads(message["body"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise TriggerError(f"the body is no JSON: {SHAPES}") from None
    match body:
        case {"detail-type": kind, **envelope}:
            request = _parse_requested(kind, envelope, now, sent_at)
        case {**fields}:
            request = _request(_read_fields(fields, now), requested_at=sent_at)
        case _:
            raise TriggerError(f"the body is no JSON object: {SHAPES}")
    if request.dry_run:  # it would make one of all that are delivered with it
        raise TriggerError("dry_run: a queue takes none: try the request by hand")
    return replace(request, message_id=message_id)


def _parse_requested(
    kind: object, envelope: Event, now: datetime, sent_at: datetime | None = None
) -> RequestedExport:
    """Read an event of EventBridge; the keys of its envelope are AWS's to add to."""
    match envelope:
        case {"detail": {**detail}} if kind == REQUESTED:
            fields = _read_fields(detail, now)
        case _:
            raise TriggerError(f"detail-type {_shown(kind)} starts nothing here: {SHAPES}")
    requested_at = _read_time(envelope, "time", now)
    if sent_at is not None and requested_at < sent_at - OLDEST_REQUEST:
        raise TriggerError(
            f"time: {requested_at.isoformat()} is more than 1 h before the message was sent:"
            " send a new request"
        )
    return _request(fields, requested_at=requested_at)


def _request(fields: _Fields, *, requested_at: datetime | None) -> RequestedExport:
    if fields.scheduled_at is not None:
        raise TriggerError("scheduled_time: a request has none, its time is the event's")
    if not fields.requests:
        raise TriggerError('a request names "policies" or "volume_ids"')
    return RequestedExport(
        policies=fields.policies,
        volume_ids=fields.volume_ids,
        requested_at=requested_at,
        dry_run=fields.dry_run,
    )


def _read_fields(event: Event, now: datetime) -> _Fields:
    unknown = [key for key in event if key not in FIELDS]
    if unknown:
        close = get_close_matches(str(unknown[0]), FIELDS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        named = ", ".join(_shown(key) for key in unknown[:5])
        raise TriggerError(f"unknown key {named}{hint}: {SHAPES}")
    dry_run = event.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise TriggerError("dry_run: must be true or false")
    return _Fields(
        scheduled_at=_read_time(event, "scheduled_time", now)
        if "scheduled_time" in event
        else None,
        policies=_read_names(event, "policies"),
        volume_ids=_read_names(event, "volume_ids"),
        dry_run=dry_run,
    )


def _read_names(event: Event, key: str) -> tuple[str, ...]:
    """Read a list without repetitions, in its order; empty only where the key is left out."""
    if key not in event:
        return ()
    match event[key]:
        case [*names] if names and all(isinstance(name, str) and name for name in names):
            return tuple(dict.fromkeys(names))
        case _:
            raise TriggerError(f"{key}: must be a list of names in quotes, with at least one")


def _read_time(event: Event, key: str, now: datetime) -> datetime:
    text = event.get(key)
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise TriggerError(
            f"{key}: must be a time with its zone, as in 2026-03-02T02:00:00Z"
            f" (it is {_shown(text)})"
        )
    return _within_bounds(time, key, now)


def _read_sent(message: Event, now: datetime) -> datetime | None:
    match message:
        case {"attributes": {"SentTimestamp": sent}}:
            try:
                time = datetime.fromtimestamp(int(sent) // 1000, UTC)
            except (TypeError, ValueError, OverflowError, OSError):
                raise TriggerError("SentTimestamp: must be milliseconds since 1970") from None
            return _within_bounds(time, "SentTimestamp", now)
        case _:
            return None


def _within_bounds(time: datetime, key: str, now: datetime) -> datetime:
    """Give the time in UTC, in the whole seconds that image names hold."""
    if time > now + SLOT_AHEAD:
        raise TriggerError(f"{key}: {time.isoformat()} lies in the future")
    if time < EARLIEST:
        raise TriggerError(f"{key}: {time.isoformat()} lies before {EARLIEST:%Y-%m-%d}")
    return time.astimezone(UTC).replace(microsecond=0)


def _shown(value: object) -> str:
    return repr(value[:40]) if isinstance(value, str) else f"no text but {type(value).__name__}"
