"""`unpin`: images that the rules judge again."""

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


def unpin(
    images: ImagesArgument,
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Let the retention rules judge pinned images again.

    One that no rule keeps is announced by the next cleanup, and goes after the whole grace time.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    report = set_pins(world, images, pinned=False)
    return tell(report, world.config, as_json=as_json)


UNPIN_EXAMPLES = examples("volume-images unpin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10")
