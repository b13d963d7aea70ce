"""`cleanup`: the run that the schedule makes, by hand and without a limit of time."""

from typing import Annotated

import typer

from volume_images.cleanup.run import cleanup_run
from volume_images.cli import options
from volume_images.cli.finishing import finish
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.output.run_progress import watched
from volume_images.model import Tick
from volume_images.pages.after_cleanup import FleetPage
from volume_images.report import Function
from volume_images.stopwatch import BY_HAND


def cleanup(
    *,
    now: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VOLUME",
            help="Delete this volume's expired images without the wait; may be given more than"
            " once. The newest images stay whatever is asked.",
        ),
    ] = None,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    """Announce expired images; delete those announced long enough.

    Expired is what no retention rule of its policy keeps. Nothing is deleted that was not
    announced for the whole grace time of the config.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    tick = Tick(dry_run=dry_run)
    page = FleetPage(world)
    at_once = frozenset(now or ())
    with watched(world, "images deleted", quiet=verbose) as seen:
        report = cleanup_run(
            seen, tick, limits=BY_HAND, without_wait=at_once, onlooker=page.look_on
        )
    return finish(report, world, tick, settings, as_json=as_json, show=page.write)


EXAMPLES = options.examples(
    "volume-images cleanup --dry-run",
    "volume-images cleanup --now 16369c5d-384d-4e64-b37a-56d898769362",
)
