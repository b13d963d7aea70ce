"""The end of every run: what it did is filed, logged, counted and told; its invoker is answered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any

from volume_images.clock import SystemClock
from volume_images.errors import ConfigError, NoConfigYet, RunFailed
from volume_images.filing import filed
from volume_images.metrics import Gauge
from volume_images.model import Requests, Tick, Trigger
from volume_images.observability import emit_details, emit_totals, log_run, one_line, warn
from volume_images.protocols import World
from volume_images.report import Function, Report
from volume_images.run_id import new_run_id
from volume_images.telling.listeners import NOBODY, Listeners, tell

Answer = dict[str, Any]
Handler = Callable[[Any, Any], Answer]


def publish(
    report: Report,
    world: World,
    trigger: Trigger,
    listeners: Listeners = NOBODY,
    *,
    detailed_metrics: bool = False,
) -> Answer:
    """Say what a run did, once its report is stored; return what its invoker gets to know.

    That is counts and the report's address, never the outcomes (an answer of Lambda has at most
    6 MB); to a queue, the records to deliver again, and nothing else. Raises RunFailed when the
    report is red: after everything is published, and not to a queue, since what was accepted must
    not come again. An idle run stores no report; a dry run neither that nor metrics, and tells
    nobody.
    """
    if not report.address:
        report = filed(report, world.store)
    log_run(report)
    if not report.dry_run:
        report = _told(report, world, listeners)
        emit_totals(report)
        if detailed_metrics:
            emit_details(report, world.config)
        if isinstance(trigger, Tick) and not report.red:  # no request shows that the schedule lives
            _try(report, "heartbeat.not_sent", listeners.beat)
        _try(report, "page.not_written", listeners.show)
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
                log_run(report, error)
                emit_totals(report)
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
    warn(report, "events.not_sent", events=unsent.events, why=unsent.why)
    return replace(report, gauges={**report.gauges, Gauge.EVENTS_NOT_SENT: unsent.events})


def _try(report: Report, complaint: str, act: Callable[[], str] | None) -> None:
    """Do what no run depends on, after everything that an alarm may wait for; say if it fails."""
    why = act() if act else ""
    if why:
        warn(report, complaint, why=why)


def _report_of(error: Exception, function: Function, started_at: datetime) -> Report:
    now = SystemClock().now()
    unreadable = isinstance(error, ConfigError) and not isinstance(error, NoConfigYet)
    return Report(
        run_id=new_run_id(now),
        function=function,
        started_at=started_at,
        finished_at=now,
        gauges={Gauge.CONFIG_UNREADABLE: int(unreadable)},
        red=() if isinstance(error, NoConfigYet) else (one_line(error),),
    )


def _answer(report: Report) -> Answer:
    clouds = {one.cloud: f"{one.result}: {one.reason}".rstrip(": ") for one in report.clouds}
    return {
        "run_id": report.run_id,
        "counts": report.counts,
        "clouds": clouds,
        "report": report.address,
    }
