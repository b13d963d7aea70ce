"""What rules make of a list of images."""

from collections.abc import Sequence

from volume_images.cli.output.grid import Column, cell
from volume_images.cli.output.printing import print_grid, print_json, print_line
from volume_images.cli.output.report_table import MOST_ROWS
from volume_images.overview.spelling import in_utc
from volume_images.retention.judging import Candidate, Verdict

Judged = Sequence[tuple[Candidate, Verdict]]


def print_verdicts(judged: Judged, *, as_json: bool) -> None:
    """Print which images stay and which go, with every reason."""
    if as_json:
        print_json({"keep": _listed(judged, keep=True), "remove": _listed(judged, keep=False)})
    else:
        _print_table(judged)


def _print_table(judged: Judged) -> None:
    columns = [
        Column("time"),
        Column("verdict"),
        Column("reasons", wraps=True, below=True),
        Column("image"),
    ]
    rows = [
        [
            cell(in_utc(image.time)),
            cell("keep", "green") if verdict.keep else cell("remove", "magenta"),
            cell(", ".join(verdict.reasons)),
            cell(image.id),
        ]
        for image, verdict in judged[:MOST_ROWS]
    ]
    if rows:
        print_grid(columns, rows)
    if len(judged) > MOST_ROWS:
        print_line(f"and {len(judged) - MOST_ROWS} more: --json has all of them")
    stay = sum(verdict.keep for _, verdict in judged)
    print_line(f"{stay} kept, {len(judged) - stay} removed")


def _listed(judged: Judged, *, keep: bool) -> list[dict[str, object]]:
    return [
        {"id": verdict.id, "reasons": list(verdict.reasons)}
        for _, verdict in judged
        if verdict.keep is keep
    ]
