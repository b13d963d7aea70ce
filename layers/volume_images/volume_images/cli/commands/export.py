"""`export`: the run that the schedule makes, by hand and without a limit of time."""

from typing import Annotated, Any

import typer

from volume_images.cli import options
from volume_images.cli.finishing import finish
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.output.run_progress import watched
from volume_images.cli.times import parse_duration
from volume_images.export.run import export_run
from volume_images.report import Function
from volume_images.stopwatch import RunLimits
from volume_images.triggers import parse_trigger


def export(  # noqa: PLR0913 - its options
    *,
    config: options.Config = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Export the slots that are due at this time, as in 2026-03-02T02:00:00Z; now by"
            " default.",
        ),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="DURATION",
            parser=parse_duration,
            help="Wait no longer than this for room in a cloud (90s, 30m, 2h); by default, until"
            " every due slot is started.",
        ),
    ] = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    """Export every volume whose slot is due and not exported yet.

    It is safe to run at any time: a slot is exported once, by the name of its image. The command
    ends when the exports are started; the next run, by hand or on schedule, says what became of
    them.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.EXPORT)
    event: dict[str, Any] = {"dry_run": dry_run}
    if at is not None:
        event["scheduled_time"] = at
    trigger = parse_trigger(event, now=world.clock.now())
    limits = RunLimits(act=wait, by_hand=True)
    with watched(world, "exports started", quiet=verbose) as seen:
        report = export_run(seen, trigger, limits=limits)
    return finish(report, world, trigger, settings, as_json=as_json)


EXAMPLES = options.examples(
    "volume-images export --config config.yaml --dry-run",
    "volume-images export --config s3://my-config-bucket/config.yaml --wait 30m",
    "volume-images export --at 2026-03-02T02:00:00Z --json",
)
