"""`pin`: images that stay, whatever the rules say."""

from volume_images.cleanup.pinning import set_pins
from volume_images.cli.finishing import tell
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.options import (
    ConfigOption,
    DeploymentOption,
    ImagesArgument,
    JsonOption,
    StoreOption,
    examples,
)
from volume_images.report import Function


def pin(
    images: ImagesArgument,
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Keep images for good: cleanup never deletes a pinned one.

    The pin is a tag in the cloud, and others may see it there. A pinned image takes no place of
    any retention rule.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    report = set_pins(world, images, pinned=True)
    return tell(report, world.config, as_json=as_json)


PIN_EXAMPLES = examples(
    "volume-images pin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
    "volume-images pin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10 --json",
)
