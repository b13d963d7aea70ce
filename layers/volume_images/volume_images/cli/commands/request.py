"""`request`: exports outside the schedule, by hand and without a limit of time."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from volume_images.cli import options
from volume_images.cli.finishing import finish
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.output.run_progress import watched
from volume_images.export.run import export_run
from volume_images.model import Tick
from volume_images.report import ExportResult, Function, Outcome, Report
from volume_images.stopwatch import BY_HAND
from volume_images.triggers import parse_trigger


def request(  # noqa: PLR0913 - its options
    volumes: Annotated[list[str], typer.Argument(metavar="VOLUME", help="Volume ids.")],
    *,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Export under this policy; may be given more than once. By default the first in"
            " the config that covers the volume.",
        ),
    ] = None,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    """Export volumes now, outside the schedule.

    The images form a group of their own, with the retention that the policy gives under
    `requests`. What finds no room waits in the state: for this command, and for the next run if
    this one is stopped.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.EXPORT)
    event: dict[str, Any] = {"volume_ids": volumes, "dry_run": dry_run}
    if policy:
        event["policies"] = policy
    trigger = parse_trigger(event, now=world.clock.now())
    with watched(world, "exports started", quiet=verbose) as seen:
        report = export_run(seen, trigger, limits=BY_HAND)
        if not dry_run and any(outcome.reason == "no_room" for outcome in report.outcomes):
            tick = Tick(volume_ids=frozenset(volumes))
            report = told_as_one(report, export_run(seen, tick, limits=BY_HAND))
    return finish(report, world, trigger, settings, as_json=as_json)


EXAMPLES = options.examples(
    "volume-images request 16369c5d-384d-4e64-b37a-56d898769362",
    "volume-images request 16369c5d-384d-4e64-b37a-56d898769362 --policy weekly",
)


def told_as_one(first: Report, then: Report) -> Report:
    """Tell two runs as one: of a slot that both looked at, what the second says.

    Only where that merely found the export under way that the first had started, the first.
    """
    outcomes = {_slot_of(outcome): outcome for outcome in first.outcomes}
    for outcome in then.outcomes:
        earlier = outcomes.get(_slot_of(outcome))
        if earlier is None or earlier.result is not ExportResult.STARTED:
            outcomes[_slot_of(outcome)] = outcome
    return replace(then, started_at=first.started_at, outcomes=tuple(outcomes.values()))


def _slot_of(outcome: Outcome) -> tuple[object, ...]:
    return outcome.cloud, outcome.policy, outcome.volume_id, outcome.slot
