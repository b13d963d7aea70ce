"""Removing what drills made: their own volumes at once, those of killed drills later."""

from collections.abc import Iterable

from volume_images.errors import CloudError
from volume_images.model import Volume, VolumeStatus
from volume_images.patience import Patience
from volume_images.protocols import RestoreCloud


def remove_named(cloud: RestoreCloud, name: str, known: Iterable[str], patience: Patience) -> str:
    """Remove every volume of a name, and wait until they are gone; return what is left, and why.

    `known` are ids that a listing may not show yet. A cloud refuses while a volume is still being
    made, so each refusal is met with another try.
    """
    why = ""
    for _ in patience.tries():
        try:
            ids = {volume.id for volume in cloud.volumes.all() if volume.name == name} | {*known}
            why = _removed(cloud, ids)
        except CloudError as error:
            why = f"volume {name} is left: {error}"
        if not why:
            break
    return why


def ask_to_remove(cloud: RestoreCloud, volume: Volume) -> str:
    """Ask for the removal of one volume, unless it goes already; return why it stays."""
    if volume.status == VolumeStatus.DELETING:
        return ""
    try:
        cloud.restoring.delete(volume.id)
    except CloudError as error:
        return str(error)
    return ""


def _removed(cloud: RestoreCloud, ids: Iterable[str]) -> str:
    """Ask for each that is still there; gone is what a GET by id does not find."""
    left = [volume for each in sorted(ids) if (volume := cloud.volumes.get(each)) is not None]
    refused = {volume.id: why for volume in left if (why := ask_to_remove(cloud, volume))}
    still = [volume.id for volume in left if cloud.volumes.get(volume.id) is not None]
    return "; ".join(
        f"volume {each} is left: {refused.get(each, VolumeStatus.DELETING)}" for each in still
    )
