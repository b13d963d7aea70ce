"""`status`: how every volume stands, and what needs a look."""

from typing import Annotated

import typer

from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.output.printing import print_drawn, print_json
from volume_images.cli.output.status import status_text
from volume_images.overview.gathering import look_at_fleet
from volume_images.report import Function


def status(
    *,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Show every volume; by default those that need a look."),
    ] = False,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
) -> int:
    """Say how every volume stands, and what needs a look.

    First what needs a look: stale, failing, stuck, missed, vanished or never exported; then
    volumes in a cloud that no policy covers; then each policy in sum. Nothing is written.
    Exit code 1 when a volume is stale, or a cloud could not be asked.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    view = look_at_fleet(open_world(settings, Function.CLEANUP))
    if as_json:
        print_json(view.as_json())
    else:
        print_drawn(lambda width: status_text(view, width, everything=everything))
    return ExitCode.NOT_FINE if view.is_stale or not view.is_known else ExitCode.FINE


EXAMPLES = options.examples(
    "volume-images status --config config.yaml",
    "volume-images status --all",
    "volume-images status --json",
)
