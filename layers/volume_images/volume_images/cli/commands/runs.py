"""`runs` and `runs show`: what runs said, from the reports that they filed."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated

import typer

from volume_images.bootstrap import open_store
from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.filed_report import parse_report
from volume_images.cli.inputs.report_keys import keys_of_run, report_keys
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.output.printing import complain, print_json, print_report
from volume_images.cli.output.runs import print_runs, run_in_short
from volume_images.cli.times import parse_day, parse_duration, parse_moment
from volume_images.connections import Connections
from volume_images.errors import InputError, StoreError
from volume_images.protocols import Store
from volume_images.report import Function, Report

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
        return _Since(ago=timedelta(seconds=parse_duration(text)))
    try:
        return _Since(at=parse_moment(text) if "T" in text else parse_day(text))
    except ValueError as error:
        raise typer.BadParameter(f"{error}; or a span like 36h") from None


commands = typer.Typer(
    help="List the runs there were, newest first, or show what one said.",
    rich_markup_mode=None,
    epilog=options.examples(
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
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
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
        print_json([run_in_short(report) for report in read])
    else:
        print_runs(read)
    for line in unreadable:
        complain(line)
    return ExitCode.NOT_FINE if unreadable else ExitCode.FINE


@commands.command(
    epilog=options.examples(
        "volume-images runs show 20260302T020500Z-5f0c1a9e",
        "volume-images runs show 20260302T020500Z-5f0c1a9e --json",
    )
)
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    *,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
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
