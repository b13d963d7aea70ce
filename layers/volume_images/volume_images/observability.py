"""Log lines and metrics of a run, as CloudWatch reads them."""

import logging
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from volume_images.config.schema import Config
from volume_images.errors import NoConfigYet, VolumeImagesError
from volume_images.metrics import DETAIL_LIMIT, details, totals
from volume_images.report import (
    SERVED_RESULTS,
    ExportResult,
    Function,
    ImageResult,
    Report,
)

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


def log_run(report: Report, crash: Exception | None = None) -> None:
    """Write a line for each changed outcome and one for the run; of a dry run, the whole plan."""
    logger = _logger(report.function)
    thing = _THING[report.function]
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
        fields["idle"] = one_line(crash)
    unexpected = crash is not None and not isinstance(crash, VolumeImagesError)
    say = logger.error if report.red else logger.info
    say(
        "run.red" if report.red else "run.finished",
        extra=fields,
        exc_info=crash if unexpected else None,
    )


def warn(report: Report, event: str, **fields: str | int) -> None:
    """Write a line about what makes no run red."""
    _logger(report.function).warning(event, extra={"run_id": report.run_id, **fields})


def emit_totals(report: Report) -> None:
    """Print the fleet totals as metrics."""
    _emit(report.function, {}, totals(report))


def emit_details(report: Report, config: Config) -> None:
    """Print what is counted by cloud and by policy, unless there are too many of them."""
    values = len(config.clouds) + len(config.policies)
    if values > DETAIL_LIMIT:
        warn(report, "metrics.detailed_refused", values=values, limit=DETAIL_LIMIT)
        return
    for (kind, value), counted in details(report, config.policies).items():
        units = {name: ("Count", float(number)) for name, number in counted.items()}
        _emit(report.function, {kind: value}, units)


def in_lambda() -> bool:
    """Lambda sets this variable in every function, and nobody else does."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def one_line(error: Exception) -> str:
    """Return what happened, with the type where nobody wrote the text for people."""
    text = " ".join(str(error).split())
    return text if isinstance(error, VolumeImagesError) else f"{type(error).__name__}: {text}"


def _emit(
    function: Function, dimensions: Mapping[str, str], metrics: Mapping[str, tuple[str, float]]
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


def _logger(function: Function) -> Logger:
    logger = _made_logger(function)
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level in logging.getLevelNamesMapping():
        logger.setLevel(level)  # Powertools would keep the level of the first run in a process
    return logger


@cache
def _made_logger(function: Function) -> Logger:
    logger = Logger(service=str(function), logger_handler=_Output(), utc=True, use_rfc3339=True)
    logger.remove_keys(["location"])  # every line is written in this file
    return logger
