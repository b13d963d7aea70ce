"""`retention`: what rules would make of any list of images, without a cloud."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.retention_files import RulesFile, read_images, read_rules
from volume_images.cli.output.verdicts import print_verdicts
from volume_images.cli.times import moment_of
from volume_images.clock import SystemClock
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
        typer.Option(
            metavar="TIME", help="Judge at this time, as in 2026-03-02T02:00:00Z; by default now."
        ),
    ] = None,
    strict_restic: Annotated[
        bool,
        typer.Option(
            "--strict-restic",
            help="As `restic forget` does, with its words: no floor, no duplicates, no pins, no"
            " states, no regard for the future, hours in the time zone.",
        ),
    ] = False,
    as_json: options.Json = False,
) -> int:
    """Say which images rules keep, which they remove, and why.

    All images count as one group. No cloud is asked, and nothing is changed.
    """
    rules = read_rules(policy)
    candidates = read_images(images)
    at = SystemClock().now() if now is None else moment_of("--now", now)
    print_verdicts(_judged(candidates, rules, at, strict=strict_restic), as_json=as_json)
    return ExitCode.FINE


EXAMPLES = options.examples(
    "volume-images retention --policy retention.yaml --images images.json",
    "volume-images retention --policy retention.yaml --images images.json --json",
)


def _judged(
    candidates: Sequence[Candidate], rules: RulesFile, now: datetime, *, strict: bool
) -> list[tuple[Candidate, Verdict]]:
    """Return each image with its verdict, the newest first."""
    verdicts = judge(
        candidates,
        rules,
        timezone=rules.timezone,
        now=now,
        strict=strict,
        keep_labels=rules.keep_labels,
    )
    if not strict:
        verdicts = tuple(map(_failed_go, candidates, verdicts))
    judged = zip(candidates, verdicts, strict=True)
    return sorted(judged, key=lambda pair: (pair[0].time, pair[0].id), reverse=True)


def _failed_go(image: Candidate, verdict: Verdict) -> Verdict:
    """Remove a failed image by its own rule; a pinned one stays even so."""
    if image.state is not State.FAILED or image.pinned:
        return verdict
    since = f"failed since {image.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Verdict(image.id, keep=False, reasons=(since,))
