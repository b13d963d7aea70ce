"""What people and alarms get to see of a run: log lines, metrics, the report."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache, wraps
from typing import Any, TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from volume_images.clock import SystemClock
from volume_images.errors import ConfigError, NoConfigYet, RunFailed, VolumeImagesError
from volume_images.filing import filed
from volume_images.metrics import DETAIL_LIMIT, details, totals
from volume_images.model import Requests, Tick, Trigger
from volume_images.protocols import World
from volume_images.report import (
    SERVED_RESULTS,
    ExportResult,
    Function,
    Gauge,
    ImageResult,
    Report,
)
from volume_images.run_id import new_run_id
from volume_images.telling.listeners import NOBODY, Listeners, tell

Answer = dict[str, Any]
Handler = Callable[[Any, Any], Answer]

NAMESPACE = "VolumeImages"

_BAD_NEWS = frozenset(
    {
        ExportResult.REFUSED,
        ExportResult.FAILED,
        ExportResult.UNKNOWN,
        ExportResult.MISSED,
        ImageResult.CHANGED,
        ImageResult.NOT_DELETED,
        ImageResult.UNKNOWN,
    }
)

_THING = {Function.EXPORT: "export", Function.CLEANUP: "image", Function.DRILL: "drill"}


def publish(
    report: Report,
    world: World,
    trigger: Trigger,
    listeners: Listeners = NOBODY,
    *,
    detailed_metrics: bool = False,
) -> Answer:
    """Announce what a run did, once its report is stored; return what its invoker gets to know.

    That is counts and the report's address, never the outcomes (an answer of Lambda has at most
    6 MB); to a queue, the records to deliver again, and nothing else. Raises RunFailed when the
    report is red: after everything is published, and not to a queue, since what was accepted must
    not come again. An idle run stores no report; a dry run neither that nor metrics, and tells
    nobody.
    """
    if not report.address:
        report = filed(report, world.store)
    _log(report)
    if not report.dry_run:
        report = _told(report, world, listeners)
        _emit_totals(report)
        if detailed_metrics:
            _emit_details(report, world)
        if isinstance(trigger, Tick) and not report.red:
            _beat(report, listeners)
        _show(report, listeners)
    if isinstance(trigger, Requests) and trigger.from_queue:
        return {
            "batchItemFailures": [{"itemIdentifier": record} for record in report.failed_records]
        }
    if report.red:
        raise RunFailed(f"run {report.run_id} is red: {'; '.join(report.red)}")
    return _answer(report)


def reported(function: Function) -> Callable[[Handler], Handler]:
    """Wrap a handler so that an error before there is a report is published as one, then raised.

    Without any config so far there is nothing to do yet: the answer of an idle run. A queue still
    gets the error, and delivers its requests again.
    """

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        def run(event: Any, context: Any) -> Answer:  # noqa: ANN401 - Lambda's own
            started_at = SystemClock().now()
            try:
                return handler(event, context)
            except RunFailed:
                raise
            except Exception as error:
                report = _report_of(error, function, started_at)
                _log(report, error)
                _emit_totals(report)
                if report.red or (isinstance(event, dict) and "Records" in event):
                    raise
                return _answer(report)

        return run

    return wrap


def _told(report: Report, world: World, listeners: Listeners) -> Report:
    """Send events; what does not arrive is said and counted, and makes no run red."""
    unsent = tell(report, world, listeners)
    if unsent is None:
        return report
    _logger(report.function).warning(
        "events.not_sent",
        extra={"run_id": report.run_id, "events": unsent.events, "why": unsent.why},
    )
    return replace(report, gauges={**report.gauges, Gauge.EVENTS_NOT_SENT: unsent.events})


def _beat(report: Report, listeners: Listeners) -> None:
    """Say that the schedule lives; a request proves nothing of that."""
    why = listeners.beat() if listeners.beat else ""
    if why:
        extra = {"run_id": report.run_id, "why": why}
        _logger(report.function).warning("heartbeat.not_sent", extra=extra)


def _show(report: Report, listeners: Listeners) -> None:
    """Have the page written, after everything that an alarm may wait for."""
    why = listeners.show() if listeners.show else ""
    if why:
        extra = {"run_id": report.run_id, "why": why}
        _logger(report.function).warning("page.not_written", extra=extra)


def _report_of(error: Exception, function: Function, started_at: datetime) -> Report:
    now = SystemClock().now()
    unreadable = isinstance(error, ConfigError) and not isinstance(error, NoConfigYet)
    return Report(
        run_id=new_run_id(now),
        function=function,
        started_at=started_at,
        finished_at=now,
        gauges={Gauge.CONFIG_UNREADABLE: int(unreadable)},
        red=() if isinstance(error, NoConfigYet) else (_one_line(error),),
    )


def _answer(report: Report) -> Answer:
    clouds = {one.cloud: f"{one.result}: {one.reason}".rstrip(": ") for one in report.clouds}
    return {
        "run_id": report.run_id,
        "counts": report.counts,
        "clouds": clouds,
        "report": report.address,
    }


def _log(report: Report, crash: Exception | None = None) -> None:
    """Write a line for each changed outcome and one for the run; of a dry run, the whole plan."""
    logger = _logger(report.function)
    thing = _THING[Function(report.function)]
    for outcome in report.outcomes if report.dry_run else report.changed:
        say = logger.warning if outcome.result in _BAD_NEWS else logger.info
        say(f"{thing}.{outcome.result}", extra={"run_id": report.run_id, **outcome.as_json()})
    for cloud in report.changed_clouds:
        say = logger.info if cloud.result in SERVED_RESULTS else logger.warning
        say(f"cloud.{cloud.result}", extra={"run_id": report.run_id, **cloud.as_json()})
    fields = {
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "counts": report.counts,
        "gauges": dict(report.gauges),
        "clouds": [cloud.as_json() for cloud in report.clouds],
        "config_version": report.config_version,
        "seconds": (report.finished_at - report.started_at).total_seconds(),
        "report": report.address,
        "safety_stops": list(report.safety_stops),
        "red": list(report.red),
    }
    if isinstance(crash, NoConfigYet):
        fields["idle"] = _one_line(crash)
    unexpected = crash is not None and not isinstance(crash, VolumeImagesError)
    say = logger.error if report.red else logger.info
    say(
        "run.red" if report.red else "run.finished",
        extra=fields,
        exc_info=crash if unexpected else None,
    )


def _emit_totals(report: Report) -> None:
    _emit(report.function, {}, totals(report))


def _emit_details(report: Report, world: World) -> None:
    values = len(world.config.clouds) + len(world.config.policies)
    if values > DETAIL_LIMIT:
        _logger(report.function).warning(
            "metrics.detailed_refused",
            extra={"run_id": report.run_id, "values": values, "limit": DETAIL_LIMIT},
        )
        return
    for (kind, value), counted in details(report, world.config.policies).items():
        units = {name: ("Count", float(number)) for name, number in counted.items()}
        _emit(report.function, {kind: value}, units)


def _emit(
    function: str, dimensions: Mapping[str, str], metrics: Mapping[str, tuple[str, float]]
) -> None:
    """Print one EMF blob: one set of dimensions, in which `service` is the function.

    Powertools' shared `Metrics` would carry dimensions on from one blob to the next.
    """
    if not in_lambda():
        return
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
    blob = EphemeralMetrics(namespace=namespace, service=str(function))
    for name, value in dimensions.items():
        blob.add_dimension(name, value)
    for name, (unit, number) in metrics.items():
        blob.add_metric(name, unit, number)
    blob.flush_metrics()


class _Output(logging.StreamHandler[TextIO]):
    """Writes to standard output in Lambda, else to standard error.

    Run by a person, standard output belongs to what the command prints. The stream is looked up
    for each line: a logger lives as long as its process, and streams are replaced.
    """

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # as the handler of last resort does it
        return sys.stdout if in_lambda() else sys.stderr


def _logger(function: str) -> Logger:
    logger = _made_logger(function)
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level in logging.getLevelNamesMapping():
        logger.setLevel(level)  # Powertools would keep the level of the first run in a process
    return logger


@cache
def _made_logger(function: str) -> Logger:
    logger = Logger(service=str(function), logger_handler=_Output(), utc=True, use_rfc3339=True)
    logger.remove_keys(["location"])  # every line is written in this file
    return logger


def in_lambda() -> bool:
    """Lambda sets this variable in every function, and nobody else does."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def _one_line(error: Exception) -> str:
    """Return what happened, with the type where nobody wrote the text for people."""
    text = " ".join(str(error).split())
    return text if isinstance(error, VolumeImagesError) else f"{type(error).__name__}: {text}"
