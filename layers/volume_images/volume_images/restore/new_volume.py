"""What the new volume is to be like: what was asked for, else what the old one is or was like."""

from collections.abc import Collection
from dataclasses import dataclass

from volume_images.cleanup.state import VolumeFacts
from volume_images.dialect import Dialect
from volume_images.errors import InputError
from volume_images.image_name import safe_label
from volume_images.model import Image, NewVolume, Volume
from volume_images.recognition import GIB

LONGEST_LABEL = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person asks the new volume to be like; what is empty or zero is not asked for."""

    name: str = ""
    zone: str = ""
    volume_type: str = ""
    size_gib: int = 0


def facts_of(volume: Volume | None, remembered: VolumeFacts | None) -> VolumeFacts | None:
    """Return what the old volume is like; if it is gone, what cleanup remembers of it."""
    return VolumeFacts.of(volume) if volume is not None else remembered


def new_volume(
    image: Image, facts: VolumeFacts | None, wishes: Wishes, *, dialect: Dialect, name: str
) -> NewVolume:
    """Decide what to create. Raises InputError for what is asked too small, or known to nobody."""
    known = facts or VolumeFacts()
    new = NewVolume(
        name=wishes.name or name,
        size_gib=_size(image, known.size_gib, wishes.size_gib),
        image_id=image.id,
        zone=wishes.zone or known.zone,
        volume_type=wishes.volume_type or known.volume_type,
    )
    if dialect.traits.new_volumes_need_a_place and not (new.zone and new.volume_type):
        raise InputError(
            f"image {image.id}: nobody remembers zone and type of its volume, and this cloud asks"
            " for both: give --zone and --type, as in eu-de-01 and SSD"
        )
    return new


def least_gib(image: Image) -> int:
    """Return the smallest volume that holds an image, as far as the cloud tells; else 0."""
    in_bytes = [image.virtual_bytes or 0]
    if image.disk_format == "raw":
        in_bytes.append(image.size_bytes or 0)
    return max(image.min_disk_gib or 0, *(-(-size // GIB) for size in in_bytes))


def free_name(label: str, volume_id: str, run_id: str) -> str:
    """Name a new volume as no other is named: a lost answer leaves nothing else to find it by."""
    return f"{safe_label(label, LONGEST_LABEL) or volume_id[:8] or 'volume'}-restored-{run_id}"


def refuse_taken_name(name: str, taken: Collection[str]) -> None:
    """Raise InputError if a volume has this name already."""
    if name in taken:
        raise InputError(f"--name {name}: a volume has this name already: choose another")


def _size(image: Image, known: int, asked: int) -> int:
    least = least_gib(image)
    if asked and asked < least:
        raise InputError(f"--size {asked}: image {image.id} needs {least} GiB at the least")
    size = asked or max(least, known)
    if not size:
        raise InputError(
            f"image {image.id}: neither its cloud nor cleanup's state tells how large the volume"
            " was: give --size"
        )
    return size
