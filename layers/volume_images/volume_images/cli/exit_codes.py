"""What a command's exit code says to the script that called it."""

from collections.abc import Mapping
from enum import IntEnum

from volume_images.errors import IncompleteListing, InputError, SafetyStop
from volume_images.report import (
    SERVED_RESULTS,
    CloudResult,
    ExportResult,
    Function,
    ImageResult,
    Report,
)


class ExitCode(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    NOT_FINE = 1
    WRONG_INPUT = 2
    SAFETY_STOP = 3
    INTERRUPTED = 130  # as shells say it: 128 + SIGINT


def is_fine(result: ExportResult | ImageResult) -> bool:
    """Whether nobody need look at what became of one export or image.

    Two results of the same spelling are equal: an unknown image is kept, an unknown export is bad.
    """
    if isinstance(result, ImageResult):
        return result not in (ImageResult.CHANGED, ImageResult.NOT_DELETED)
    return result in (ExportResult.STARTED, ExportResult.DONE, ExportResult.DEFERRED)


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
    """Return the code for a run; a safety stop outweighs whatever else went wrong."""
    results = {cloud.result for cloud in report.clouds}
    if report.safety_stops or CloudResult.INCOMPLETE_LISTING in results:
        return ExitCode.SAFETY_STOP
    not_served = bool(results - SERVED_RESULTS)
    all_fine = all(is_fine(outcome.result) for outcome in report.outcomes)
    if report.red or report.failed_records or not_served or not all_fine:
        return ExitCode.NOT_FINE
    return ExitCode.FINE


def of_counts(function: Function, counts: Mapping[str, int]) -> ExitCode:
    """Return the code for a run of which only its counts are known."""
    results = ExportResult if function is Function.EXPORT else ImageResult
    all_fine = all(is_fine(result) for result in results if counts.get(result))
    return ExitCode.FINE if all_fine else ExitCode.NOT_FINE
