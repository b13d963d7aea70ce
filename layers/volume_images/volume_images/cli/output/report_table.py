"""A report as a table for people: what needs a look first, ids cut short where room is short."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from volume_images.cli.exit_codes import is_fine
from volume_images.cli.output.grid import Column, cell, grid, paragraph
from volume_images.image_name import ImageName
from volume_images.overview.spelling import in_utc
from volume_images.report import (
    DrillResult,
    ExportResult,
    Function,
    ImageResult,
    Outcome,
    Report,
    Result,
)

MOST_ROWS = 200
"""More than a person reads; `--json` has all."""

WIDE = 110
"""From here on an image's id has room in full."""

SHORT_ID = 8

_WAITING = frozenset(
    {ExportResult.DEFERRED, ImageResult.ANNOUNCED, ImageResult.UNKNOWN, DrillResult.SKIPPED}
)
_GONE = frozenset({ImageResult.DELETED, ImageResult.GONE})
_EXPECTED = frozenset({ExportResult.DONE, ImageResult.KEPT})

ADOPT_HINT = (
    "unknown images are kept, and no rule judges them: volume-images adopt IMAGE takes one in"
)

Names = Mapping[str, str]
"""What people call a volume, by its id."""


def report_table(report: Report, names: Names, width: int) -> RenderableType:
    """Return the table of a run's outcomes, and a line that sums them up."""
    names = _volume_names(report.outcomes, names)
    outcomes = sorted(report.outcomes, key=lambda outcome: _place(outcome, names))
    parts: list[RenderableType] = []
    if outcomes:
        parts.append(_table(report, outcomes[:MOST_ROWS], names, width))
    if len(outcomes) > MOST_ROWS:
        parts.append(Text(f"and {len(outcomes) - MOST_ROWS} more: --json has all of them"))
    parts.append(paragraph(_summary(report), width))
    if any(outcome.result is ImageResult.UNKNOWN for outcome in outcomes):
        parts.append(paragraph(ADOPT_HINT, width))
    return Group(*parts)


def _place(outcome: Outcome, names: Names) -> tuple[int, str, str, str, str]:
    """Sort by what needs a look, then as people would look for it."""
    urgency = is_fine(outcome.result) + (outcome.result in _EXPECTED)
    slot = outcome.slot.isoformat() if outcome.slot else ""
    return urgency, outcome.cloud, names[outcome.volume_id], outcome.policy, slot


def _style(result: Result) -> str:
    if not is_fine(result):
        return "red"
    if result in _WAITING:
        return "yellow"
    return "magenta" if result in _GONE else "green"


def _table(report: Report, outcomes: Sequence[Outcome], names: Names, width: int) -> Text:
    several_clouds = len(report.clouds) > 1
    announces = any(outcome.result is ImageResult.ANNOUNCED for outcome in outcomes)
    columns = [
        *([Column("cloud", wraps=True)] if several_clouds else []),
        Column("volume", wraps=True),
        Column("policy", wraps=True),
        Column("slot"),
        Column("result"),
        Column("reason", wraps=True, below=True),
        *([Column("goes at")] if announces else []),
        Column("image"),
    ]
    rows = [
        [
            *([cell(outcome.cloud)] if several_clouds else []),
            cell(names[outcome.volume_id]),
            cell(outcome.policy),
            cell(in_utc(outcome.slot) if outcome.slot else ""),
            cell(outcome.result, _style(outcome.result)),
            cell(_why(outcome)),
            *([cell(_goes_at(outcome))] if announces else []),
            cell(outcome.image_id if width >= WIDE else outcome.image_id[:SHORT_ID]),
        ]
        for outcome in outcomes
    ]
    return grid(columns, rows, width)


def _volume_names(outcomes: Sequence[Outcome], names: Names) -> Names:
    """Name each volume as people do; with part of its id where two have one name."""
    found = {
        outcome.volume_id: names.get(outcome.volume_id, "") or _label(outcome)
        for outcome in outcomes
    }
    uses = Counter(found.values())
    return {
        volume_id: name if name and uses[name] == 1 else f"{name} {volume_id[:SHORT_ID]}".strip()
        for volume_id, name in found.items()
    }


def _label(outcome: Outcome) -> str:
    name = ImageName.parse(outcome.image_name)
    return name.label if name else ""


def _why(outcome: Outcome) -> str:
    """Return the reason with its fields.

    Those of a started export only repeat what was asked, those of an image have their columns.
    """
    if outcome.result is ExportResult.STARTED or isinstance(outcome.result, ImageResult):
        return outcome.reason
    fields = (f"{name}={value}" for name, value in outcome.details.items())
    return " ".join([outcome.reason, *fields])


def _goes_at(outcome: Outcome) -> str:
    at = outcome.details.get("deletes_at")
    if outcome.details.get("due"):
        return "now"  # by a dry run, or what time was too short for
    return in_utc(datetime.fromisoformat(at)) if isinstance(at, str) else ""


def _summary(report: Report) -> str:
    counts = ", ".join(f"{count} {result}" for result, count in report.counts.items() if count)
    nothing = {
        Function.EXPORT: "nothing is due, and nothing under way",
        Function.CLEANUP: "no image of ours",
        Function.DRILL: "no policy to drill",
    }
    said = counts or nothing[Function(report.function)]
    due = sum(bool(outcome.details.get("due")) for outcome in report.outcomes)
    now = f"; {due} of the announced would go now" if due else ""
    dry = "dry run, nothing was changed: " if report.dry_run else ""
    return f"{dry}{said}{now} (run {report.run_id})"
