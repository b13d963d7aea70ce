"""`pin` and `unpin`: one image that stays, whatever the rules say."""

import os
from typing import Annotated

import typer

from volume_images.cleanup.pinning import set_pins
from volume_images.cli.by_hand import open_world
from volume_images.cli.options import (
    ConfigOption,
    DeploymentOption,
    JsonOption,
    StoreOption,
    examples,
)
from volume_images.cli.printing import print_report
from volume_images.cli.surroundings import settings_by_hand
from volume_images.report import Function

ImagesArgument = Annotated[list[str], typer.Argument(metavar="IMAGE", help="Images by id or name.")]


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
    return _set(images, config, store, deployment, pinned=True, as_json=as_json)


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
    return _set(images, config, store, deployment, pinned=False, as_json=as_json)


PIN_EXAMPLES = examples(
    "volume-images pin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
    "volume-images pin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10 --json",
)
UNPIN_EXAMPLES = examples("volume-images unpin c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10")


def _set(
    images: list[str],
    config: str | None,
    store: str | None,
    deployment: str | None,
    *,
    pinned: bool,
    as_json: bool,
) -> int:
    settings = settings_by_hand(os.environ, config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    report = set_pins(world, images, pinned=pinned)
    names = {volume.id: volume.name for volume in world.config.volumes}
    return print_report(report, names, as_json=as_json)
