"""Pinning images by hand: what carries the tag stays, whatever any rule says."""

from collections.abc import Mapping, Sequence

from volume_images.cleanup.outcomes import outcome_of
from volume_images.errors import CloudError, CloudUnavailable, InputError
from volume_images.image_name import ImageName
from volume_images.namesakes import refuse_namesakes
from volume_images.protocols import Cloud, Images, World
from volume_images.recognition import Recognised, identity, recognise
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    Function,
    ImageResult,
    Report,
)
from volume_images.unserved import unserved


def set_pins(world: World, wanted: Sequence[str], *, pinned: bool) -> Report:
    """Pin images of ours, named by id or name, or take their pins away. All of them, or none.

    Raises InputError for what is not found, and CloudError where the tag cannot be changed.
    """
    started_at = world.clock.now()
    opened: dict[str, Cloud] = {}
    clouds: list[CloudOutcome] = []
    for name in world.config.clouds:
        try:
            opened[name] = world.open_cloud(name)
        except CloudError as error:
            clouds.append(unserved(name, error))
        else:
            clouds.append(CloudOutcome(cloud=name, result=CloudResult.SERVED))
    found = [_find(world, opened, text) for text in dict.fromkeys(wanted)]
    for cloud, one in found:
        _set(opened[cloud].images, one.image.id, pinned=pinned)
    reason = "pinned" if pinned else "not pinned"
    return Report(
        run_id=world.run_id,
        function=Function.CLEANUP,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        outcomes=[outcome_of(cloud, one, ImageResult.KEPT, reason) for cloud, one in found],
        clouds=clouds,
    )


def _find(world: World, opened: Mapping[str, Cloud], wanted: str) -> tuple[str, Recognised]:
    """Find the one image of ours that is meant, and its cloud: no other would ever be deleted."""
    found: list[tuple[str, Recognised]] = []
    for name, cloud in opened.items():
        ours = identity(world.config, cloud.project_id, world.deployment_id)
        if ImageName.parse(wanted) is not None:
            images = [image for image in cloud.images.all() if image.name == wanted]
        else:
            image = cloud.images.get(wanted)
            images = [image] if image is not None else []
        recognised = [recognise(image, ours, {}) for image in images]
        found += [(name, image) for image in recognised if image is not None]
    if not found:
        raise InputError(
            f"{wanted}: no image of this name or id carries a name and an owner of ours"
        )
    refuse_namesakes(wanted, (image.image.id for _, image in found))
    return found[0]


def _set(images: Images, image_id: str, *, pinned: bool) -> None:
    """Change the tag, and look whether the cloud shows it: people rely on it."""
    changed = images.pin(image_id) if pinned else images.unpin(image_id)
    image = images.get(image_id) if changed else None
    if image is None:
        raise InputError(f"{image_id}: the image was deleted meanwhile")
    if image.pinned != pinned:
        shows = "still shows a pin" if image.pinned else "shows no pin"
        raise CloudUnavailable(f"{image_id}: the cloud took the change and {shows}: look again")
