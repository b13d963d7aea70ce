"""`explain`: why one image stays or goes, and what would change that."""

from typing import Annotated

import typer

from volume_images.cleanup.inquiry import explain_image
from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.output.explanation import print_explanation
from volume_images.report import Function


def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image by its id or name.")],
    *,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
) -> int:
    """Say why an image stays or goes, and what would have to change.

    It is judged as the next cleanup would judge it. Nothing is written, announced or deleted.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    explained = explain_image(open_world(settings, Function.CLEANUP), image)
    print_explanation(explained, as_json=as_json)
    return ExitCode.FINE


EXAMPLES = options.examples(
    "volume-images explain c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
    "volume-images explain c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10 --json",
)
