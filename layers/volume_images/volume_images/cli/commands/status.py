"""`status`: how every volume stands, and what needs a look."""

from typing import Annotated

import typer
from rich.console import Console

from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.options import (
    ConfigOption,
    DeploymentOption,
    JsonOption,
    StoreOption,
    examples,
)
from volume_images.cli.output.printing import print_json
from volume_images.cli.output.status import status_text
from volume_images.overview.gathering import look_at_fleet
from volume_images.report import Function


def status(
    *,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Show every volume; by default those that need a look."),
    ] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say how every volume stands: what is protected, what is not, and why.

    First what needs a look: stale, failing, stuck, missed, vanished or never exported; then
    volumes in a cloud that no policy covers; then each policy in sum. Nothing is written.
    Exit code 1 when a volume is stale, or a cloud could not be asked.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    view = look_at_fleet(open_world(settings, Function.CLEANUP))
    if as_json:
        print_json(view.as_json())
    else:
        console = Console(highlight=False)
        console.print(status_text(view, console.width, everything=everything), soft_wrap=True)
    return ExitCode.NOT_FINE if view.is_stale or not view.is_known else ExitCode.FINE


STATUS_EXAMPLES = examples(
    "volume-images status --config config.yaml",
    "volume-images status --all",
    "volume-images status --json",
)
