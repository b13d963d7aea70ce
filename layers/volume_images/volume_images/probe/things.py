"""What a probe made in a cloud, and removing it, whatever happened in between."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from volume_images.errors import CloudError
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
    return [
        *(f"image {one}: {why}" for one, why in _remove(cloud, made.images, patience, "images")),
        *(f"volume {one}: {why}" for one, why in _remove(cloud, made.volumes, patience, "volumes")),
    ]


def _remove(
    cloud: RestoreCloud, ids: Iterable[str], patience: Patience, kind: str
) -> list[tuple[str, str]]:
    left = []
    for each in sorted(ids):
        why = ""
        for _ in patience.tries():
            try:
                if _is_gone(cloud, kind, each):
                    why = ""
                    break
            except CloudError as error:
                why = str(error)
            else:
                why = "it is still there"
        if why:
            left.append((each, why))
    return left


def _is_gone(cloud: RestoreCloud, kind: str, thing_id: str) -> bool:
    """Ask for the removal, unless it is under way; gone is what a GET by id does not find."""
    if kind == "images":
        cloud.images.delete(thing_id)
        return cloud.images.get(thing_id) is None
    volume = cloud.volumes.get(thing_id)
    if volume is not None and volume.status != "deleting":
        cloud.restoring.delete(thing_id)
        volume = cloud.volumes.get(thing_id)
    return volume is None
