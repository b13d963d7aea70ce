"""`pin`: images that stay, whatever the rules say; and `unpin`: those they judge again."""

from volume_images.cleanup.pinning import set_pins
from volume_images.cli import options
from volume_images.cli.finishing import tell
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.report import Function


def pin(
    images: options.Images,
    *,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
) -> int:
    """Keep images for good: cleanup never deletes a pinned one.

    The pin is a tag in the cloud, and others may see it there. A pinned image takes no place of
    any retention rule.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    report = set_pins(world, images, pinned=True)
    return tell(report, world.config, as_json=as_json)


PIN_EXAMPLES = options.examples(
    "volume-images pin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
    "volume-images pin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10 --json",
)


def unpin(
    images: options.Images,
    *,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
) -> int:
    """Let the retention rules judge pinned images again.

    One that no rule keeps is announced by the next cleanup, and goes after the whole grace time.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    report = set_pins(world, images, pinned=False)
    return tell(report, world.config, as_json=as_json)


UNPIN_EXAMPLES = options.examples("volume-images unpin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10")
