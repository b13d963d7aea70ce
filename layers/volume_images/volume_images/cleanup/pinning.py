"""Pinning images by hand: what carries the tag stays, whatever any rule says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from volume_images.cleanup.outcomes import outcome_of
from volume_images.errors import CloudError, CloudUnavailable, InputError
from volume_images.image_name import ImageName
from volume_images.model import Image
from volume_images.namesakes import refuse_absent, refuse_namesakes
from volume_images.protocols import Images, World
from volume_images.recognition import Recognised, identity, recognise
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    Function,
    ImageResult,
    Report,
)
from volume_images.side_by_side import AT_ONCE, each
from volume_images.unserved import unserved


@dataclass(frozen=True, slots=True)
class _Found:
    """An image of ours, where it is, and the id or name that it was asked for by."""

    wanted: str
    cloud: str
    images: Images
    image: Recognised


def set_pins(world: World, wanted: Sequence[str], *, pinned: bool) -> Report:
    """Pin images of ours, named by id or name, or take their pins away. All of them, or none.

    Raises InputError for what is not found, and CloudError where it may be in a cloud that could
    not be searched, or where the tag cannot be changed.
    """
    started_at = world.clock.now()
    once = tuple(dict.fromkeys(wanted))
    searched = each(world.config.clouds, partial(_search, world, once), AT_ONCE)
    found = [one for _, matches in searched for one in matches]
    clouds = [outcome for outcome, _ in searched]
    chosen = [_chosen(text, found, clouds) for text in once]
    for one in chosen:
        _set(one.images, one.image.image.id, pinned=pinned)
    reason = "pinned" if pinned else "not pinned"
    return Report(
        run_id=world.run_id,
        function=Function.CLEANUP,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        outcomes=[outcome_of(one.cloud, one.image, ImageResult.KEPT, reason) for one in chosen],
        clouds=clouds,
    )


def _search(
    world: World, wanted: Sequence[str], name: str
) -> tuple[CloudOutcome, Sequence[_Found]]:
    """Look for images of ours in one cloud: no other would ever be deleted."""
    try:
        cloud = world.open_cloud(name)
        ours = identity(world.config, cloud.project_id, world.deployment_id)
        found = [
            _Found(text, name, cloud.images, recognised)
            for text, image in _named(cloud.images, wanted)
            if (recognised := recognise(image, ours, {})) is not None
        ]
    except CloudError as error:
        return unserved(name, error), ()
    return CloudOutcome(cloud=name, result=CloudResult.SERVED), found


def _named(images: Images, wanted: Sequence[str]) -> Iterator[tuple[str, Image]]:
    """Yield what there is of these ids and names: one listing tells of all names."""
    names = {text for text in wanted if ImageName.parse(text) is not None}
    for image in images.all() if names else ():
        if image.name in names:
            yield image.name, image
    for image_id in wanted:
        found = images.get(image_id) if image_id not in names else None
        if found is not None:
            yield image_id, found


def _chosen(wanted: str, found: Sequence[_Found], clouds: Sequence[CloudOutcome]) -> _Found:
    """Return the one image that is meant."""
    matches = [one for one in found if one.wanted == wanted]
    if not matches:
        unseen = (one for one in clouds if one.result is not CloudResult.SERVED)
        refuse_absent(wanted, (f"{one.cloud}: {one.reason}" for one in unseen))
    refuse_namesakes(wanted, (one.image.image.id for one in matches))
    return matches[0]


def _set(images: Images, image_id: str, *, pinned: bool) -> None:
    """Change the tag, and look whether the cloud shows it: people rely on it."""
    changed = images.pin(image_id) if pinned else images.unpin(image_id)
    image = images.get(image_id) if changed else None
    if image is None:
        raise InputError(f"{image_id}: the image was deleted meanwhile")
    if image.pinned != pinned:
        shows = "still shows a pin" if image.pinned else "shows no pin"
        raise CloudUnavailable(f"{image_id}: the cloud took the change and {shows}: look again")
