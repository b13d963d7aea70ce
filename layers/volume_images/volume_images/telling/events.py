"""What a run tells the world: counts and transitions of its report, as events, and no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from volume_images.filing import is_idle
from volume_images.metrics import METRICS, totals
from volume_images.report import (
    SERVED_RESULTS,
    ExportResult,
    Freshness,
    Function,
    Outcome,
    Report,
    iso,
)
from volume_images.state import FORMAT, State

MOST_OF_A_KIND = 50
"""Transitions of one kind that a run tells one by one; the rest is in their `in_this_run`."""

_MOST_CLOUDS = 20
_MOST_REASONS = 5
_LONGEST_REASON = 300
"""An entry holds 256 KB (EventBridge, "PutEvents"): with these bounds all ten of a call do."""


class EventType(StrEnum):
    """The `detail-type` of an event: a contract."""

    RUN_FINISHED = "Volume Image Run Finished"
    BECAME_STALE = "Volume Became Stale"
    RECOVERED = "Volume Recovered"
    IMAGE_FAILED = "Volume Image Failed"
    WEEKLY_DIGEST = "Volume Image Weekly Digest"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; its `detail` is ready for JSON."""

    type: EventType
    at: datetime
    detail: Mapping[str, Any]


class Told(State):
    """What others know already: stale series as `cloud/policy/volume`, the week of a digest."""

    stale: tuple[str, ...] = ()
    week: str = ""


def nothing_told(deployment_id: str) -> Told:
    """Return what others know before the first event."""
    return Told(version=FORMAT, deployment=deployment_id)


def events(report: Report, told: Told) -> tuple[Event, ...]:
    """Return what there is to tell: nothing of a dry or an idle run.

    A volume's state is compared with what was told, not with the run before: what could not be
    sent then is sent now.
    """
    if report.dry_run or is_idle(report):
        return ()
    happened: dict[EventType, list[dict[str, Any]]] = {}
    match report.function:
        case Function.EXPORT:
            happened[EventType.IMAGE_FAILED] = [
                _failure(one) for one in report.changed if one.result is ExportResult.FAILED
            ]
        case Function.CLEANUP:
            before = frozenset(told.stale)
            happened[EventType.BECAME_STALE] = [
                _staleness(one)
                for one in report.freshness
                if one.stale and _series(one) not in before
            ]
            happened[EventType.RECOVERED] = [
                _staleness(one)
                for one in report.freshness
                if not one.stale and _series(one) in before
            ]
        case Function.DRILL:
            pass
    of_kinds = [event for kind, all_ in happened.items() for event in _capped(report, kind, all_)]
    digest = [_digest(report)] if _is_first_of_week(report, told) else []
    return (_finished(report, happened), *of_kinds, *digest)


def told_after(report: Report, told: Told) -> Told:
    """Return what others know once the events of a report are sent.

    A series that left the config is forgotten; one of a cloud that was not looked at is not.
    """
    if report.function is not Function.CLEANUP or report.dry_run or not report.clouds:
        return told
    looked_at = {entry.cloud for entry in report.freshness}
    unseen = {one.cloud for one in report.clouds if one.result not in SERVED_RESULTS} - looked_at
    stale = {_series(entry) for entry in report.freshness if entry.stale}
    stale |= {series for series in told.stale if series.partition("/")[0] in unseen}
    week = _week(report.finished_at) if _is_first_of_week(report, told) else told.week
    return told.model_copy(update={"stale": tuple(sorted(stale)), "week": week})


def _finished(report: Report, happened: Mapping[EventType, Sequence[object]]) -> Event:
    unserved = [one for one in report.clouds if one.result not in SERVED_RESULTS]
    detail = {
        "function": report.function.value,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "red": [_cut(reason) for reason in report.red[:_MOST_REASONS]],
        "counts": report.counts,
        "gauges": dict(report.gauges),
        "clouds_served": len(report.clouds) - len(unserved),
        "clouds_not_served": len(unserved),
        "first_not_served": [
            {"cloud": one.cloud, "result": one.result.value, "reason": _cut(one.reason)}
            for one in unserved[:_MOST_CLOUDS]
        ],
        "safety_stops": len(report.safety_stops),
        "transitions": {kind.value: len(all_) for kind, all_ in happened.items()},
    }
    return _event(report, EventType.RUN_FINISHED, detail)


def _capped(report: Report, kind: EventType, happened: Sequence[dict[str, Any]]) -> Iterable[Event]:
    """Tell the first of them, each with how many there are: an outage makes thousands."""
    told = happened[:MOST_OF_A_KIND]
    extent = {"happened": len(happened), "told": len(told)}
    return [_event(report, kind, {**detail, "in_this_run": extent}) for detail in told]


def _is_first_of_week(report: Report, told: Told) -> bool:
    """Whether it is the first cleanup of an ISO week, in UTC, that could look at a cloud."""
    served = any(one.result in SERVED_RESULTS for one in report.clouds)
    is_cleanup = report.function is Function.CLEANUP
    return is_cleanup and served and _week(report.finished_at) != told.week


def _digest(report: Report) -> Event:
    """Sum the fleet up."""
    week = _week(report.finished_at)
    levels = {metric.name for metric in METRICS[Function.CLEANUP] if metric.level}
    standing = {name: value for name, (_, value) in totals(report).items() if name in levels}
    return _event(report, EventType.WEEKLY_DIGEST, {"week": week, "totals": standing})


def _event(report: Report, kind: EventType, detail: Mapping[str, Any]) -> Event:
    origin = {"run_id": report.run_id, "report": report.address}
    return Event(kind, report.finished_at, {**origin, **detail})


def _failure(outcome: Outcome) -> dict[str, Any]:
    return {
        "cloud": outcome.cloud,
        "policy": outcome.policy,
        "volume_id": outcome.volume_id,
        "slot": iso(outcome.slot),
        "image_name": outcome.image_name,
        "reason": outcome.reason,
        "why": _cut(str(outcome.details.get("why", ""))),
    }


def _staleness(entry: Freshness) -> dict[str, Any]:
    return {
        "cloud": entry.cloud,
        "policy": entry.policy,
        "volume_id": entry.volume_id,
        "state": entry.state.value,
        "newest_slot": iso(entry.newest_slot),
    }


def _series(entry: Freshness) -> str:
    return f"{entry.cloud}/{entry.policy}/{entry.volume_id}"


def _week(at: datetime) -> str:
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
