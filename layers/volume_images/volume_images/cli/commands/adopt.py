"""`adopt`: take images in that are ours by name and cannot be judged."""

from volume_images.cleanup.by_hand import adopt as adopt_images
from volume_images.cli import options
from volume_images.cli.finishing import tell
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.report import Function


def adopt(
    images: options.Images,
    *,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> int:
    """Have unknown images judged as good ones from now on.

    Cleanup may then delete them. An image is unknown if its size does not fit its volume, if
    another deployment made it, or if it is older than its slot: cleanup keeps it until a person has
    looked at it.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    report = adopt_images(world, images, dry_run=dry_run)
    return tell(report, world.config, as_json=as_json)


EXAMPLES = options.examples(
    "volume-images adopt c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
    "volume-images adopt --dry-run --json c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
)
