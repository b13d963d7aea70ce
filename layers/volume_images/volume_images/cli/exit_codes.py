"""What a command's exit code says to the script that called it."""

from collections.abc import Collection, Iterable
from enum import IntEnum

from volume_images.errors import IncompleteListing, InputError, SafetyStop
from volume_images.publishing import Answer
from volume_images.report import (
    RESULTS,
    SERVED_RESULTS,
    CloudResult,
    DrillResult,
    ExportResult,
    Function,
    ImageResult,
    Report,
    Result,
)


class ExitCode(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    NOT_FINE = 1
    WRONG_INPUT = 2
    SAFETY_STOP = 3
    INTERRUPTED = 130  # as shells say it: 128 + SIGINT


def is_fine(result: Result) -> bool:
    """Whether nobody need look at what became of one export, image or drill.

    Two results of the same spelling are equal: an unknown image is kept, an unknown export is bad.
    """
    match result:
        case ExportResult():
            return result in (ExportResult.STARTED, ExportResult.DONE, ExportResult.DEFERRED)
        case ImageResult():
            return result not in (ImageResult.CHANGED, ImageResult.NOT_DELETED)
        case DrillResult():
            return result is not DrillResult.FAILED


def of_error(error: Exception) -> ExitCode:
    """Return the code for a command that ended with an error."""
    match error:
        case InputError():
            return ExitCode.WRONG_INPUT
        case SafetyStop() | IncompleteListing():
            return ExitCode.SAFETY_STOP
        case _:
            return ExitCode.NOT_FINE


def of_report(report: Report) -> ExitCode:
    """Return the code for a run."""
    return _of_run(
        clouds={cloud.result for cloud in report.clouds},
        stopped=bool(report.safety_stops),
        faults=bool(report.red or report.failed_records),
        results=(outcome.result for outcome in report.outcomes),
    )


def of_answer(function: Function, answer: Answer) -> ExitCode:
    """Return the code for a run that left no report: an idle or dry one, or one for a queue."""
    counts = answer.get("counts", {})
    return _of_run(
        clouds={CloudResult(said.partition(":")[0]) for said in answer.get("clouds", {}).values()},
        stopped=False,
        faults=bool(answer.get("batchItemFailures")),
        results=(result for result in RESULTS[function] if counts.get(result)),
    )


def _of_run(
    *,
    clouds: Collection[CloudResult],
    stopped: bool,
    faults: bool,
    results: Iterable[Result],
) -> ExitCode:
    """Judge a run; a safety stop outweighs whatever else went wrong."""
    if stopped or CloudResult.INCOMPLETE_LISTING in clouds:
        return ExitCode.SAFETY_STOP
    all_served = all(cloud in SERVED_RESULTS for cloud in clouds)
    if faults or not all_served or not all(is_fine(result) for result in results):
        return ExitCode.NOT_FINE
    return ExitCode.FINE
