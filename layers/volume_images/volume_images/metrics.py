"""Every metric there is, in one table: its name, unit, meaning, and how a report yields it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from volume_images.recognition import FOREIGN
from volume_images.report import (
    SERVED_RESULTS,
    DrillResult,
    ExportResult,
    Freshness,
    FreshnessState,
    Function,
    ImageResult,
    Report,
    Result,
)

DETAIL_LIMIT = 50
"""Clouds and policies together that may have metrics of their own: CloudWatch bills each."""


class Gauge(StrEnum):
    """Fleet totals that a run counts besides its outcomes; the values are metric names."""

    EXPORTS_IN_FLIGHT = "ExportsInFlight"
    IMAGES_STUCK = "ImagesStuck"
    IMAGES_UNMARKED = "ImagesUnmarked"
    REQUESTS_WAITING = "RequestsWaiting"
    ANNOUNCEMENTS_LAPSED = "AnnouncementsLapsed"
    IMAGE_QUOTA_USED = "ImageQuotaUsed"
    CONFIG_UNREADABLE = "ConfigUnreadable"
    EVENTS_NOT_SENT = "EventsNotSent"
    DRILL_LEFTOVERS = "DrillLeftovers"


@dataclass(frozen=True, slots=True)
class Metric:
    """One fleet total, None where a run cannot know it: then it is not published.

    A `level` stands from run to run, as opposed to events of one run.
    """

    name: str
    meaning: str
    value: Callable[[Report], float | None]
    level: bool = False
    unit: str = "Count"


def _count(name: str, meaning: str, result: Result, *, level: bool = False) -> Metric:
    """Count the outcomes of one result."""
    return Metric(name, meaning, lambda report: report.counts[result], level)


def _gauge(gauge: Gauge, meaning: str, *, level: bool = False) -> Metric:
    """Take over a gauge; what a run does not set is zero."""
    return Metric(gauge, meaning, lambda report: report.gauges.get(gauge, 0), level)


def _volumes(covers: Callable[[Freshness], bool]) -> Callable[[Report], float]:
    """Count volumes, not entries: a volume under two policies has two."""
    return lambda report: len(
        {(entry.cloud, entry.volume_id) for entry in report.freshness if covers(entry)}
    )


_covered = _volumes(lambda _: True)


def _fresh(report: Report) -> float:
    return _covered(report) - _volumes(
        lambda entry: entry.stale or entry.state is FreshnessState.NEVER_EXPORTED
    )(report)


_stale = _volumes(lambda entry: entry.stale)
_never_exported = _volumes(lambda entry: entry.state is FreshnessState.NEVER_EXPORTED)


def _protected(report: Report) -> float | None:
    covered = _covered(report)
    return 100 * _fresh(report) / covered if covered else None


def _oldest_hours(report: Report) -> float | None:
    """Return the age of the newest image of the volume that is worst off."""
    slots = [entry.newest_slot for entry in report.freshness if entry.newest_slot is not None]
    age = report.finished_at - min(slots) if slots else None
    return None if age is None else round(max(0, age / timedelta(hours=1)), 1)


def _newly_announced(report: Report) -> float:
    return sum(outcome.result is ImageResult.ANNOUNCED for outcome in report.changed)


def _foreign(report: Report) -> float:
    return sum(
        outcome.result is ImageResult.UNKNOWN and outcome.reason.startswith(f"unknown: {FOREIGN} ")
        for outcome in report.outcomes
    )


def _drill_seconds(report: Report) -> float | None:
    """Return how long the slowest restore took; None where none came to its end."""
    passed = [one for one in report.outcomes if one.result is DrillResult.PASSED]
    return max((float(one.details["seconds"]) for one in passed), default=None)


_OF_EVERY_RUN = (
    Metric("RunsFinished", "runs that came to an end, red ones too", lambda _: 1),
    Metric("RunsRed", "runs that could not do their own work", lambda report: bool(report.red)),
    Metric(
        "RunSeconds",
        "how long the run took",
        lambda report: (report.finished_at - report.started_at).total_seconds(),
        unit="Seconds",
    ),
    Metric(
        "CloudsUnavailable",
        "clouds that the run could not serve",
        lambda report: sum(cloud.result not in SERVED_RESULTS for cloud in report.clouds),
    ),
    _gauge(Gauge.CONFIG_UNREADABLE, "1 if the config of today could not be used"),
    _gauge(Gauge.EVENTS_NOT_SENT, "events that the event bus did not take"),
)

METRICS: Mapping[Function, tuple[Metric, ...]] = {
    Function.EXPORT: (
        *_OF_EVERY_RUN,
        _count("ExportsStarted", "slots whose export began", ExportResult.STARTED),
        _count("ExportsDone", "due slots found exported", ExportResult.DONE),
        _count("ExportsDeferred", "due slots left for later", ExportResult.DEFERRED),
        _count("ExportsRefused", "exports refused, by us or a cloud", ExportResult.REFUSED),
        _count("ExportsFailed", "exports that failed", ExportResult.FAILED),
        _count("ExportsUnknown", "exports of unknown fate", ExportResult.UNKNOWN),
        _count("ExportsMissed", "slots that passed unexported", ExportResult.MISSED),
        _gauge(Gauge.EXPORTS_IN_FLIGHT, "exports under way", level=True),
        _gauge(Gauge.IMAGES_STUCK, "images pending beyond their deadline", level=True),
        _gauge(
            Gauge.IMAGES_UNMARKED, "images that we made and could not tag as ours yet", level=True
        ),
        _gauge(Gauge.REQUESTS_WAITING, "requested exports not yet started", level=True),
    ),
    Function.CLEANUP: (
        *_OF_EVERY_RUN,
        Metric("VolumesFresh", "volumes with images young enough", _fresh, level=True),
        Metric("VolumesStale", "volumes without an image as young as max_age", _stale, level=True),
        Metric("VolumesNeverExported", "volumes without any image", _never_exported, level=True),
        Metric(
            "VolumesProtected",
            "volumes with images young enough, of all that a policy covers",
            _protected,
            level=True,
            unit="Percent",
        ),
        Metric(
            "OldestImageAge",
            "hours since the newest slot of the volume that is worst off",
            _oldest_hours,
            level=True,
            unit="None",  # CloudWatch has no hours
        ),
        Metric(
            Gauge.IMAGE_QUOTA_USED,
            "how full the image quota is of the cloud where it is fullest",
            lambda report: report.gauges.get(Gauge.IMAGE_QUOTA_USED),
            level=True,
            unit="Percent",
        ),
        _count("ImagesKept", "images that a rule keeps", ImageResult.KEPT, level=True),
        _count(
            "ImagesAnnounced",
            "images that stand announced for deletion",
            ImageResult.ANNOUNCED,
            level=True,
        ),
        Metric(
            "ImagesNewlyAnnounced",
            "images announced that the run before did not announce",
            _newly_announced,
        ),
        _gauge(Gauge.ANNOUNCEMENTS_LAPSED, "announced images whose wait began again", level=True),
        Metric(
            "SafetyStops",
            "safety rules that kept the run from judging or deleting",
            lambda report: len(report.safety_stops),
        ),
        _count("ImagesDeleted", "images deleted", ImageResult.DELETED),
        _count("ImagesGone", "images that were gone already", ImageResult.GONE),
        _count("ImagesChanged", "images spared: they had changed", ImageResult.CHANGED),
        _count("ImagesNotDeleted", "deletions that failed", ImageResult.NOT_DELETED),
        _count(
            "ImagesUnknown", "images of ours that cannot be judged", ImageResult.UNKNOWN, level=True
        ),
        Metric(
            "ImagesForeign",
            "those of them that another deployment made",
            _foreign,
            level=True,
        ),
    ),
    Function.DRILL: (
        *_OF_EVERY_RUN,
        _count("DrillsPassed", "images restored and found whole", DrillResult.PASSED),
        _count("DrillsFailed", "images that could not be restored", DrillResult.FAILED),
        Metric(
            "DrillSeconds",
            "how long the slowest restore took",
            _drill_seconds,
            unit="Seconds",
        ),
        _gauge(Gauge.DRILL_LEFTOVERS, "volumes that killed drills had left behind"),
    ),
}


DETAILED: Mapping[Function, tuple[str, ...]] = {
    Function.EXPORT: ("ExportsFailed", Gauge.EXPORTS_IN_FLIGHT),
    Function.CLEANUP: ("VolumesStale", "ImagesAnnounced"),
    Function.DRILL: (),
}
"""The metrics that may also be had for each cloud and for each policy."""


def totals(report: Report) -> dict[str, tuple[str, float]]:
    """Return the unit and value of each fleet total, zeros too, by metric name.

    A run that could serve no cloud knows no levels: its zeros would calm alarms.
    """
    blind = bool(report.red) and not _served(report)
    return {
        metric.name: (metric.unit, value)
        for metric in METRICS[report.function]
        if not (blind and metric.level) and (value := metric.value(report)) is not None
    }


def details(report: Report, policies: Iterable[str]) -> dict[tuple[str, str], dict[str, int]]:
    """Return counts by ("cloud", name) and by ("policy", name), zeros too; the two never crossed.

    A cloud that was not served is left out, as in `totals`.
    """
    counted: Counter[tuple[str, str, str]] = Counter()
    for cloud, policy, metric, number in _detailed(report):
        counted["cloud", cloud, metric] += number
        counted["policy", policy, metric] += number
    values = [("cloud", cloud) for cloud in _served(report)]
    values += [("policy", policy) for policy in policies if values]
    return {
        (kind, value): {
            metric: counted[kind, value, metric] for metric in DETAILED[report.function]
        }
        for kind, value in values
    }


def _detailed(report: Report) -> Iterator[tuple[str, str, str, int]]:
    for outcome in report.outcomes:
        if outcome.result is ExportResult.FAILED:
            yield outcome.cloud, outcome.policy, "ExportsFailed", 1
        elif outcome.result is ImageResult.ANNOUNCED:
            yield outcome.cloud, outcome.policy, "ImagesAnnounced", 1
    for entry in report.freshness:
        if entry.stale:
            yield entry.cloud, entry.policy, "VolumesStale", 1
    for (cloud, policy), number in report.in_flight.items():
        yield cloud, policy, Gauge.EXPORTS_IN_FLIGHT, number


def _served(report: Report) -> list[str]:
    return [cloud.cloud for cloud in report.clouds if cloud.result in SERVED_RESULTS]
