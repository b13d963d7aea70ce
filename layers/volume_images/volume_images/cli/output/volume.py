"""One volume in words, and a table of its images."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from volume_images.cli.output.grid import Column, cell, grid, paragraph
from volume_images.overview.images import ImageView
from volume_images.overview.notes import fate_of, group_of, style_of, told
from volume_images.overview.spelling import in_utc, plain, spell_size
from volume_images.overview.volumes import Presence, VolumeView
from volume_images.recognition import ImageState


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
