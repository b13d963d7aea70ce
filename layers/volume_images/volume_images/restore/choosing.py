"""Which image a volume is restored from, from facts alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from volume_images.errors import InputError
from volume_images.image_name import ImageName
from volume_images.model import Image, ImageStatus, Volume
from volume_images.namesakes import refuse_namesakes
from volume_images.recognition import Identity, ImageState, Recognised, recognise


def of_volume(images: Iterable[Recognised | None], volume_id: str) -> tuple[Recognised, ...]:
    """Return our images of one volume, of whichever policy, scheduled or requested."""
    return tuple(one for one in images if one is not None and one.group.volume_id == volume_id)


def recognise_by_name(
    image: Image, project_id: str, volumes: Mapping[str, Volume]
) -> Recognised | None:
    """Recognise an image by what its own name says, for where no config is left.

    Then prefix and deployment prove nothing: only the name's form and the owner do.
    """
    name = ImageName.parse(image.name)
    if name is None:
        return None
    ours = Identity(
        prefixes=frozenset({name.prefix}),
        project_id=project_id,
        deployments=frozenset({image.deployment} if image.deployment else ()),
        renamed={},
    )
    return recognise(image, ours, volumes)


def newest_good(images: Iterable[Recognised], as_of: datetime | None = None) -> Recognised | None:
    """Return the good image that was captured last, or last until `as_of`.

    What was captured later holds the newer bytes, even if a run that was late gave it an older
    slot than a request of the same morning has.
    """
    good = [
        image
        for image in images
        if image.state is ImageState.GOOD and (as_of is None or image.image.created_at <= as_of)
    ]
    return max(good, key=_captured, default=None)


def choose(images: Sequence[Recognised], volume_id: str, as_of: datetime | None) -> Recognised:
    """Choose the image to restore. Raises InputError with what there is instead."""
    chosen = newest_good(images, as_of)
    if chosen is not None:
        return chosen
    earliest = min(
        (one for one in images if one.state is ImageState.GOOD), key=_captured, default=None
    )
    if as_of is not None and earliest is not None:
        raise InputError(
            f"volume {volume_id}: no good image was captured until {spelled(as_of)}; the earliest"
            f" is of {spelled(earliest.image.created_at)}"
        )
    if images:
        newest = max(images, key=_captured)
        raise InputError(
            f"volume {volume_id}: none of its {len(images)} images is good; the newest,"
            f" {newest.image.id}, is {_doubt(newest)}: --image restores one all the same"
        )
    raise InputError(f"volume {volume_id}: the cloud has no image of it that is ours")


def find_image(images: Iterable[Image], wanted: str) -> Image | None:
    """Find the one image of this id or name. Raises InputError if several have the name."""
    found = [image for image in images if wanted in (image.id, image.name)]
    refuse_namesakes(wanted, (image.id for image in found))
    return found[0] if found else None


def doubts(image: Image, recognised: Recognised | None) -> tuple[str, ...]:
    """Say why an image that a person asked for would not be chosen by itself.

    Raises InputError for one that no cloud makes a volume of.
    """
    if image.status != ImageStatus.ACTIVE:
        raise InputError(
            f"image {image.id}: its status is {image.status or 'not told'}: only an active image"
            " can be restored"
        )
    if recognised is None:
        return (f"image {image.id} is not known to be ours: its name or its owner is another's",)
    if recognised.state is not ImageState.GOOD:
        return (f"image {image.id} is not good: {_doubt(recognised)}",)
    return ()


def spelled(moment: datetime) -> str:
    """Spell a time to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _captured(image: Recognised) -> tuple[datetime, datetime, str]:
    return image.image.created_at, image.name.slot, image.image.id


def _doubt(image: Recognised) -> str:
    return f"{image.state}: {image.why}" if image.why else str(image.state)
