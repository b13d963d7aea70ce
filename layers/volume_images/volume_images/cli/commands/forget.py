"""`forget`: let the images of a volume or a policy go that left the config."""

from typing import Annotated

import typer

from volume_images.cleanup.by_hand import forget as forget_orphans
from volume_images.cli import options
from volume_images.cli.finishing import tell
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.report import Function


def forget(
    subject: Annotated[
        str, typer.Argument(metavar="VOLUME|POLICY", help="A volume's id, or a policy's name.")
    ],
    *,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> int:
    """Let go all images of a volume or policy that left the config.

    All of them are announced at once, the newest included, and deleted after the whole grace time.
    Until then it can be taken back: put the volume or the policy into the config again, or pin an
    image. What the config still covers is never touched.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    report = forget_orphans(world, subject, dry_run=dry_run)
    return tell(report, world.config, as_json=as_json)


EXAMPLES = options.examples(
    "volume-images forget weekly --dry-run",
    "volume-images forget 16369c5d-384d-4e64-b37a-56d898769362",
)
