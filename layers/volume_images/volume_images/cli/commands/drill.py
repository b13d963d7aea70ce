"""`drill`: one image of each policy restored, looked at and removed, to see that it can be done."""

from typing import Annotated

import typer

from volume_images.bootstrap import connect_to_restore
from volume_images.cli import options
from volume_images.cli.finishing import finish
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import refuse_strange_clouds
from volume_images.cli.output.restore_progress import shown
from volume_images.cli.stopping import stoppable
from volume_images.connections import Connections
from volume_images.model import Tick
from volume_images.restore.drill_run import drill_run
from volume_images.stopwatch import BY_HAND


def drill(  # noqa: PLR0913 - its options
    *,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Drill this policy; may be given more than once."),
    ] = None,
    cloud: Annotated[
        list[str] | None,
        typer.Option(metavar="CLOUD", help="Drill in this cloud; may be given more than once."),
    ] = None,
    volume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Drill this volume instead of the one whose turn it is; may be given more than"
            " once.",
        ),
    ] = None,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    """Restore one volume of each policy, look at it, and remove it.

    Each comes from its newest good image. Whose turn it is, the date says: drilled every day, each
    volume has its turn. It needs the clouds' `restore` secrets, and room for one more volume for
    each policy. What a drill that was killed has left behind is removed a day later.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = connect_to_restore(settings, Connections())
    refuse_strange_clouds(world.config, cloud or ())
    tick = Tick(
        policies=frozenset(policy or ()), volume_ids=frozenset(volume or ()), dry_run=dry_run
    )
    with stoppable(), shown(quiet=verbose) as show:
        report = drill_run(
            world,
            tick,
            limits=BY_HAND,
            clouds=frozenset(cloud or ()),
            tell=show,
        )
    return finish(report, world, tick, settings, as_json=as_json)


EXAMPLES = options.examples(
    "volume-images drill",
    "volume-images drill --policy daily --dry-run",
    "volume-images drill --volume 16369c5d-384d-4e64-b37a-56d898769362 --json",
)
