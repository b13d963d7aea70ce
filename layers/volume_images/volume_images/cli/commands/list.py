"""`list`: every image of one volume, and what becomes of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.text import Text

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
from volume_images.cli.output.grid import Column, cell, grid, paragraph
from volume_images.cli.output.printing import print_json
from volume_images.errors import CloudUnavailable, InputError
from volume_images.overview.fleet import FleetView
from volume_images.overview.gathering import look_at_fleet
from volume_images.overview.images import ImageView
from volume_images.overview.notes import fate_of, group_of, style_of, told
from volume_images.overview.spelling import in_utc, plain, spell_size
from volume_images.overview.volumes import Presence, VolumeView
from volume_images.recognition import ImageState
from volume_images.report import Function


def list_images(
    volume: Annotated[
        str, typer.Argument(metavar="VOLUME", help="A volume by its id, or by its name.")
    ],
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """List every image of a volume, the newest first, and what becomes of each.

    Scheduled and requested images together, under whatever policy; of a volume that is gone, too.
    Each is judged as the next cleanup would judge it. Nothing is written.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    view = look_at_fleet(open_world(settings, Function.CLEANUP))
    found = find_volume(view, volume)
    if as_json:
        print_json(found.as_json(with_images=True))
    else:
        console = Console(highlight=False)
        console.print(volume_text(found, view.at, console.width), soft_wrap=True)
    return ExitCode.FINE


LIST_EXAMPLES = examples(
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


def volume_text(volume: VolumeView, now: datetime, width: int) -> RenderableType:
    """Return a volume in words, and its images as a table."""
    parts: list[Text] = [paragraph(plain(_title(volume)), width, "bold")]
    parts += [
        paragraph(plain(told(volume, series, now)), width, style_of(volume, series))
        for series in volume.series
    ]
    if not volume.covered:
        parts.append(paragraph("no policy covers it", width, "yellow"))
    if volume.images:
        parts += [Text(), _image_grid(volume.images, width)]
    else:
        parts.append(Text("no image of ours"))
    return Group(*parts)


def _title(volume: VolumeView) -> str:
    name = f"{volume.name}  {volume.id}" if volume.name else volume.id
    if volume.presence is Presence.GONE:
        return f"{name}  in {volume.cloud}: gone"
    return f"{name}  in {volume.cloud}: {volume.status}, {volume.size_gib} GiB"


def _image_grid(images: Sequence[ImageView], width: int) -> Text:
    kinds = {(image.policy, image.requested) for image in images}
    columns = [
        Column("slot"),
        Column("captured"),
        *([Column("policy", wraps=True)] if len(kinds) > 1 else []),
        Column("size", right=True),
        Column("state"),
        Column("image", below=True),
        Column("why", wraps=True, below=True),
    ]
    cells = [
        [
            cell(in_utc(image.slot)),
            cell(_captured(image)),
            *([cell(group_of(image))] if len(kinds) > 1 else []),
            cell(spell_size(image.size_bytes)),
            cell("stuck" if image.stuck_since else image.state.value, _style(image)),
            cell(image.id),
            cell(fate_of(image)),
        ]
        for image in images
    ]
    return grid(columns, cells, width)


def _captured(image: ImageView) -> str:
    """Return the time of the capture, with its day only where that is not the slot's."""
    said = in_utc(image.captured_at)
    return said if said[:10] != in_utc(image.slot)[:10] else said[11:]


def _style(image: ImageView) -> str:
    if image.state is ImageState.GOOD:
        return "yellow" if image.going else "green"
    return "yellow" if image.state is ImageState.PENDING and not image.stuck_since else "red"
