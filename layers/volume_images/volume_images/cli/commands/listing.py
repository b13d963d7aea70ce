"""`list`: every image of one volume, and what becomes of each."""

from typing import Annotated

import typer

from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.output.printing import print_drawn, print_json
from volume_images.cli.output.volume import volume_text
from volume_images.errors import CloudUnavailable, InputError
from volume_images.overview.fleet import FleetView
from volume_images.overview.gathering import look_at_fleet
from volume_images.overview.volumes import VolumeView
from volume_images.report import Function


def list_images(
    volume: Annotated[
        str, typer.Argument(metavar="VOLUME", help="A volume by its id, or by its name.")
    ],
    *,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
) -> int:
    """List every image of a volume, and what becomes of each.

    The newest first, scheduled and requested ones together, under whatever policy; of a volume that
    is gone, too. Each is judged as the next cleanup would judge it. Nothing is written.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    view = look_at_fleet(open_world(settings, Function.CLEANUP))
    found = find_volume(view, volume)
    if as_json:
        print_json(found.as_json(with_images=True))
    else:
        print_drawn(lambda width: volume_text(found, view.at, width))
    return ExitCode.FINE


EXAMPLES = options.examples(
    "volume-images list 16369c5d-384d-4e64-b37a-56d898769362",
    "volume-images list db01-data --json",
)


def find_volume(view: FleetView, wanted: str) -> VolumeView:
    """Find a volume by its id or name.

    Raises InputError where there is none or several have the name, CloudUnavailable where it is in
    a cloud that could not be asked, or may be.
    """
    unseen = {cloud.outcome.cloud: cloud for cloud in view.clouds if not cloud.was_asked}
    found = [one for one in view.volumes if wanted in (one.id, one.name)]
    if len(found) > 1:
        ids = ", ".join(f"{one.id} in {one.cloud}" for one in found)
        raise InputError(f"{wanted}: several volumes have this name: name one by its id: {ids}")
    if unseen and (not found or found[0].cloud in unseen):
        said = "; ".join(f"{name}: {cloud.outcome.reason}" for name, cloud in unseen.items())
        raise CloudUnavailable(f"{wanted}: cannot be looked at now: {said}")
    if not found:
        raise InputError(
            f"{wanted}: no cloud of the config has such a volume, or an image of it:"
            " volume-images status --all shows those there are"
        )
    return found[0]
