"""`runs` and `runs show`: what runs said, from the reports that they filed."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.text import Text

from volume_images.bootstrap import Connections, open_store
from volume_images.cli.exit_codes import ExitCode, of_report
from volume_images.cli.inputs.filed_report import parse_report
from volume_images.cli.inputs.report_keys import keys_of_run, report_keys
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.options import (
    ConfigOption,
    DeploymentOption,
    JsonOption,
    StoreOption,
    examples,
    parse_wait,
)
from volume_images.cli.output.grid import Column, cell, grid
from volume_images.cli.output.printing import complain, print_json, print_report
from volume_images.errors import InputError, StoreError
from volume_images.overview.spelling import in_utc
from volume_images.protocols import Store
from volume_images.report import SERVED_RESULTS, Function, Report

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Since:
    """How far back to look: from a time on, or so long before now."""

    at: datetime | None = None
    ago: timedelta = WEEK

    def before(self, now: datetime) -> datetime:
        """Return the time itself."""
        return self.at or now - self.ago


def _parse_since(text: str) -> _Since:
    """Read a day, a time with its zone, or a span like `36h`."""
    if re.fullmatch(r"(\d+[smhd])+", text, re.ASCII):
        return _Since(ago=timedelta(seconds=parse_wait(text)))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            "must be a day (2026-03-02), a time (2026-03-02T02:00:00Z) or a span (36h)"
        ) from None
    if at.tzinfo is None and "T" in text:
        raise typer.BadParameter("must have a time zone, as in 2026-03-02T02:00:00Z")
    return _Since(at=at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))


commands = typer.Typer(
    help="List the runs there were, newest first, or show what one said.",
    rich_markup_mode=None,
    epilog=examples(
        "volume-images runs",
        "volume-images runs --function cleanup_images --since 2026-03-01 --limit 100",
        "volume-images runs show 20260302T020500Z-5f0c1a9e",
    ),
    invoke_without_command=True,
)


@commands.callback()
def runs(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    function: Annotated[
        Function | None, typer.Option(help="Only the runs of this function.")
    ] = None,
    since: Annotated[
        _Since | None,
        typer.Option(
            metavar="TIME|SPAN",
            parser=_parse_since,
            help="No run before this time, or longer ago than this (36h); 7d by default.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="So many at most; of each, the report is read.")
    ] = 20,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the runs there were, newest first.

    Runs that found nothing to do leave no report, nor do dry ones. With `show RUN`, what one said.
    """
    if context.invoked_subcommand is not None:
        if any((function, since, config, store, deployment, as_json)):
            raise typer.BadParameter("options of show go after it: runs show RUN [OPTIONS]")
        return ExitCode.FINE
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    connections = Connections()
    now = connections.clock(settings).now()
    reports = open_store(settings, connections)
    functions = (function,) if function else tuple(Function)
    keys = report_keys(reports, functions, (since or _Since()).before(now), now)
    read, unreadable = _read(reports, islice(keys, limit))
    if as_json:
        print_json([_document(report) for report in read])
    else:
        _print(read)
    for line in unreadable:
        complain(line)
    return ExitCode.NOT_FINE if unreadable else ExitCode.FINE


@commands.command(
    epilog=examples(
        "volume-images runs show 20260302T020500Z-5f0c1a9e",
        "volume-images runs show 20260302T020500Z-5f0c1a9e --json",
    )
)
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the report that a run filed.

    Exit code 0 when it is found, however the run went.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    reports = open_store(settings, Connections())
    for key in keys_of_run(run):
        stored = reports.report(key)
        if stored is not None:
            report = parse_report(stored.body, key)
            if as_json:
                print_json(json.loads(stored.body))
            else:
                print_report(report, {}, as_json=False)
            return ExitCode.FINE
    raise InputError(
        f"{run}: no report of this run in {settings.store}: idle and dry runs leave none, and old"
        " ones are removed"
    )


def _read(store: Store, keys: Iterator[str]) -> tuple[list[Report], list[str]]:
    """Read reports; of one that cannot be read, say why, and go on."""
    read: list[Report] = []
    unreadable: list[str] = []
    for key in keys:
        try:
            stored = store.report(key)
            if stored is not None:
                read.append(parse_report(stored.body, key))
        except StoreError as error:
            unreadable.append(str(error))
    return read, unreadable


def _document(report: Report) -> dict[str, Any]:
    """Return a run in short: `runs show RUN --json` has its outcomes."""
    whole = report.as_json()
    return {
        "run_id": report.run_id,
        "report": report.address,
        **{name: whole[name] for name in _IN_SHORT},
    }


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


def _print(reports: Sequence[Report]) -> None:
    console = Console(highlight=False)
    if not reports:
        console.print(Text("no run left a report in this time"))
        return
    columns = [
        Column("started"),
        Column("function"),
        Column("took", right=True),
        Column("run"),
        Column("what came of it", wraps=True, below=True),
    ]
    cells = [
        [
            cell(in_utc(report.started_at)),
            cell(Function(report.function).role),
            cell(f"{(report.finished_at - report.started_at).total_seconds():.0f} s"),
            cell(report.run_id, "red" if of_report(report) else ""),
            cell("; ".join(_said(report))),
        ]
        for report in reports
    ]
    console.print(Group(grid(columns, cells, console.width)), soft_wrap=True)


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
