"""`retention`: what rules would make of any list of images, without a cloud."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.retention_files import read_images, read_rules
from volume_images.cli.options import JsonOption, examples
from volume_images.cli.output.grid import Column, cell, grid
from volume_images.cli.output.printing import print_json, print_line
from volume_images.cli.output.report_table import MOST_ROWS
from volume_images.clock import SystemClock
from volume_images.overview.spelling import in_utc
from volume_images.retention.judging import Candidate, State, Verdict, judge


def retention(
    *,
    policy: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The rules: what stands under `retention` in a config, JSON or YAML; timezone and"
            " keep_labels, too.",
        ),
    ],
    images: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A JSON list of images, all of one group: id and time; state (good, pending,"
            " failed, unknown), pinned, labels.",
        ),
    ],
    now: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Judge at this time, as in 2026-03-02T02:00:00Z."),
    ] = None,
    strict_restic: Annotated[
        bool,
        typer.Option(
            "--strict-restic",
            help="As `restic forget` does, with its words: no floor, no duplicates, no pins, no"
            " states, no regard for the future, hours in the time zone.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Say which images rules keep and which they remove, with every reason.

    All images count as one group. No cloud is asked, and nothing is changed.
    """
    rules = read_rules(policy)
    candidates = read_images(images)
    verdicts = judge(
        candidates,
        rules,
        timezone=rules.timezone,
        now=_now(now),
        strict=strict_restic,
        keep_labels=rules.keep_labels,
    )
    if not strict_restic:
        verdicts = tuple(map(_failed_go, candidates, verdicts))
    judged = sorted(
        zip(candidates, verdicts, strict=True),
        key=lambda pair: (pair[0].time, pair[0].id),
        reverse=True,
    )
    if as_json:
        print_json({"keep": _listed(judged, keep=True), "remove": _listed(judged, keep=False)})
    else:
        _print_table(judged)
    return ExitCode.FINE


RETENTION_EXAMPLES = examples(
    "volume-images retention --policy retention.yaml --images images.json",
    "volume-images retention --policy retention.yaml --images images.json --json",
)

_Judged = Sequence[tuple[Candidate, Verdict]]


def _now(text: str | None) -> datetime:
    if text is None:
        return SystemClock().now()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise typer.BadParameter(
            "must be a time with its zone, as in 2026-03-02T02:00:00Z", param_hint="--now"
        )
    return time.astimezone(UTC)


def _failed_go(image: Candidate, verdict: Verdict) -> Verdict:
    """Remove a failed image by its own rule; a pinned one stays even so."""
    if image.state is not State.FAILED or image.pinned:
        return verdict
    since = f"failed since {image.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Verdict(image.id, keep=False, reasons=(since,))


def _listed(judged: _Judged, *, keep: bool) -> list[dict[str, object]]:
    return [
        {"id": verdict.id, "reasons": list(verdict.reasons)}
        for _, verdict in judged
        if verdict.keep is keep
    ]


def _print_table(judged: _Judged) -> None:
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
        console = Console(highlight=False)
        console.print(grid(columns, rows, console.width), soft_wrap=True)
    if len(judged) > MOST_ROWS:
        print_line(f"and {len(judged) - MOST_ROWS} more: --json has all of them")
    stay = sum(verdict.keep for _, verdict in judged)
    print_line(f"{stay} kept, {len(judged) - stay} removed")
