"""What a probe made in a cloud, and removing it, whatever happened in between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from volume_images.errors import CloudError
from volume_images.model import VolumeStatus
from volume_images.patience import Patience
from volume_images.protocols import RestoreCloud


@dataclass(slots=True)
class Made:
    """The ids of what was made, and the beginning of every name that was given."""

    name: str
    volumes: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)


def find_again(cloud: RestoreCloud, made: Made) -> list[str]:
    """Look for what was made without an answer: its name begins as all of ours do.

    Return what could not be looked for.
    """
    try:
        made.volumes |= {one.id for one in cloud.volumes.all() if one.name.startswith(made.name)}
        made.images |= {one.id for one in cloud.images.all() if one.name.startswith(made.name)}
    except CloudError as error:
        return [f"whatever has a name that begins {made.name}: {error}"]
    return []


def remove(cloud: RestoreCloud, made: Made, patience: Patience) -> list[str]:
    """Remove it all, and return what could not be: images first, they are read from volumes.

    A cloud refuses while something is under way, so each refusal is met with another try.
    """
    images = [(f"image {one}", partial(_remove_image, cloud, one)) for one in sorted(made.images)]
    volumes = [
        (f"volume {one}", partial(_remove_volume, cloud, one)) for one in sorted(made.volumes)
    ]
    tried = [(thing, _tried(is_gone, patience)) for thing, is_gone in (*images, *volumes)]
    return [f"{thing}: {why}" for thing, why in tried if why]


def _tried(is_gone: Callable[[], bool], patience: Patience) -> str:
    """Try until a thing is gone; return why it stays."""
    why = ""
    for _ in patience.tries():
        try:
            if is_gone():
                return ""
            why = "it is still there"
        except CloudError as error:
            why = str(error)
    return why


def _remove_image(cloud: RestoreCloud, image_id: str) -> bool:
    """Ask for the removal; gone is what a GET by id does not find."""
    cloud.images.delete(image_id)
    return cloud.images.get(image_id) is None


def _remove_volume(cloud: RestoreCloud, volume_id: str) -> bool:
    """Ask for the removal, unless it is under way; gone is what a GET by id does not find."""
    volume = cloud.volumes.get(volume_id)
    if volume is not None and volume.status != VolumeStatus.DELETING:
        cloud.restoring.delete(volume_id)
        volume = cloud.volumes.get(volume_id)
    return volume is None
