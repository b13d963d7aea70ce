"""Which images of a cloud are ours, and what state they are in, from facts alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from volume_images.config.schema import Config
from volume_images.image_name import ImageName
from volume_images.model import (
    GONE_STATUSES,
    PENDING_STATUSES,
    GroupKey,
    Image,
    ImageStatus,
    Volume,
)

GIB = 1024**3
FOREIGN = "deployment"
"""Begins to say why an image of another deployment is unknown; its id follows."""

CLOCK_ALLOWANCE = timedelta(minutes=15)  # how much earlier than its slot an image may be created


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells our images from those of strangers, in one project of one cloud.

    `renamed` leads from a policy's former names to today's. `adopted` are the ids of images that a
    person has taken in, whatever deployment or size they are of.
    """

    prefixes: frozenset[str]
    project_id: str
    deployments: frozenset[str]
    renamed: Mapping[str, str]
    adopted: frozenset[str] = frozenset()


class ImageState(StrEnum):
    """What an image of ours counts as. Only `good` ones count as exported, or let others expire."""

    GOOD = "good"
    PENDING = "pending"
    FAILED = "failed"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recognised:
    """An image of ours, in the group that it belongs to today.

    `why` says what makes it unknown, or how it is good if its size could not be tested as usual.
    """

    image: Image
    name: ImageName
    group: GroupKey
    state: ImageState
    why: str


def identity(
    config: Config, project_id: str, deployment_id: str, adopted: frozenset[str] = frozenset()
) -> Identity:
    """Gather what tells our images from others', former names included."""
    return Identity(
        prefixes=frozenset({config.prefix, *config.former_prefixes}),
        project_id=project_id,
        deployments=frozenset({deployment_id, *config.former_deployments}),
        renamed={
            former: today for today, policy in config.policies.items() for former in policy.formerly
        },
        adopted=adopted,
    )


def recognise(image: Image, identity: Identity, volumes: Mapping[str, Volume]) -> Recognised | None:
    """Recognise an image of ours by its name and its owner; None for a stranger's.

    `volumes` are those that exist, by id. Visibility says nothing: Glance gives every exported
    image `shared` by default.
    """
    name = ImageName.parse(image.name)
    if name is None or name.prefix not in identity.prefixes or image.owner != identity.project_id:
        return None
    policy = identity.renamed.get(name.policy, name.policy)
    group = GroupKey(policy, name.requested, name.volume_id)
    state, why = _state(image, name, identity, volumes.get(name.volume_id))
    return Recognised(image, name, group, state, why)


def _state(
    image: Image, name: ImageName, identity: Identity, volume: Volume | None
) -> tuple[ImageState, str]:
    is_adopted = image.id in identity.adopted
    foreign = image.deployment is not None and image.deployment not in identity.deployments
    if foreign and not is_adopted:
        return ImageState.UNKNOWN, f"{FOREIGN} {image.deployment}"
    if image.status != ImageStatus.ACTIVE:
        return _inactive_state(image.status)
    if is_adopted:
        return ImageState.GOOD, "adopted"
    if image.created_at < name.slot - CLOCK_ALLOWANCE:
        return ImageState.UNKNOWN, "created before its slot"
    if volume is None:
        return ImageState.GOOD, "size not tested: the volume is gone"
    return _size_state(image, volume.size_gib)


def _inactive_state(status: str) -> tuple[ImageState, str]:
    if status in PENDING_STATUSES:
        return ImageState.PENDING, ""
    if status == ImageStatus.KILLED:
        return ImageState.FAILED, ""
    if status in GONE_STATUSES:
        return ImageState.GONE, ""
    return ImageState.UNKNOWN, f"status {status}"


def _size_state(image: Image, size_gib: int) -> tuple[ImageState, str]:
    """Test the most telling size that the cloud gives: an empty or foreign disk is not good."""
    if image.virtual_bytes is not None:
        fits = 0 < image.virtual_bytes <= size_gib * GIB
        said = f"virtual size {image.virtual_bytes} bytes"
    elif image.min_disk_gib:  # Glance says 0 where it does not know
        fits = 0 < image.min_disk_gib <= size_gib
        said = f"min_disk {image.min_disk_gib} GiB"
    elif image.size_bytes is None:
        return ImageState.UNKNOWN, "no size given"
    elif image.disk_format == "raw":
        fits = 0 < image.size_bytes <= size_gib * GIB
        said = f"size {image.size_bytes} bytes"
    elif image.size_bytes > 0:
        return ImageState.GOOD, "size only known to be above zero"
    else:
        return ImageState.UNKNOWN, "size 0 bytes"
    if fits:
        return ImageState.GOOD, ""
    return ImageState.UNKNOWN, f"{said} does not fit a volume of {size_gib} GiB"
