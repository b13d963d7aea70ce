"""The runs there were: a line for each, and in short for scripts."""

from collections.abc import Iterator, Sequence
from typing import Any

from volume_images.cli.exit_codes import of_report
from volume_images.cli.output.grid import Column, cell
from volume_images.cli.output.printing import print_grid, print_line
from volume_images.overview.spelling import in_utc
from volume_images.report import SERVED_RESULTS, Function, Report

_IN_SHORT = (
    "function",
    "started_at",
    "finished_at",
    "config_version",
    "counts",
    "clouds",
    "gauges",
    "red",
    "safety_stops",
)


def run_in_short(report: Report) -> dict[str, Any]:
    """Return a run in short: `runs show RUN --json` has its outcomes."""
    whole = report.as_json()
    return {
        "run_id": report.run_id,
        "report": report.address,
        **{name: whole[name] for name in _IN_SHORT},
    }


def print_runs(reports: Sequence[Report]) -> None:
    """Print a line for each run."""
    if not reports:
        print_line("no run left a report in this time")
        return
    columns = [
        Column("started"),
        Column("function"),
        Column("took", right=True),
        Column("run"),
        Column("what came of it", wraps=True, below=True),
    ]
    rows = [
        [
            cell(in_utc(report.started_at)),
            cell(Function(report.function).role),
            cell(f"{(report.finished_at - report.started_at).total_seconds():.0f} s"),
            cell(report.run_id, "red" if of_report(report) else ""),
            cell("; ".join(_said(report))),
        ]
        for report in reports
    ]
    print_grid(columns, rows)


def _said(report: Report) -> Iterator[str]:
    counts = ", ".join(f"{count} {result}" for result, count in report.counts.items() if count)
    yield counts or "nothing"
    yield from (f"red: {reason}" for reason in report.red)
    yield from (f"safety stop: {stop}" for stop in report.safety_stops)
    yield from (
        f"{cloud.cloud}: {cloud.result}"
        for cloud in report.clouds
        if cloud.result not in SERVED_RESULTS
    )
