"""The restore run: gather, decide, and make one new volume; the old one is never touched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from volume_images.cleanup.state import CleanupState
from volume_images.config.schema import Config
from volume_images.dialect import Dialect
from volume_images.errors import CloudError, InputError
from volume_images.model import Image, NewVolume, Volume
from volume_images.protocols import Clock, RestoreCloud
from volume_images.recognition import Recognised, identity, recognise
from volume_images.report import iso
from volume_images.restore.choosing import (
    choose,
    doubts,
    find_image,
    of_volume,
    recognise_by_name,
)
from volume_images.restore.making import Making, Progress, make_volume
from volume_images.restore.new_volume import (
    Wishes,
    facts_of,
    free_name,
    new_volume,
    refuse_taken_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What tells whose an image is, and what an old volume was like: config and cleanup's state."""

    config: Config
    deployment_id: str
    state: CleanupState


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to restore: a volume, as of a time or now, or one image; and what is to come of it.

    `ours` is None where neither config nor state is left.
    """

    volume_id: str
    image: str
    as_of: datetime | None
    wishes: Wishes
    dialect: Dialect
    ours: Ours | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """What will be made of which image; `warnings` are for a person to read first."""

    image: Image
    slot: datetime | None
    old_volume_id: str
    was_encrypted: bool
    new: NewVolume
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "image_id": self.image.id,
            "image_name": self.image.name,
            "captured_at": self.image.created_at.isoformat(),
            "slot": iso(self.slot),
            "old_volume_id": self.old_volume_id,
            "name": self.new.name,
            "size_gib": self.new.size_gib,
            "zone": self.new.zone,
            "volume_type": self.new.volume_type,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who hears of a restore while it goes on."""

    warn: Callable[[str], None]
    tell: Callable[[Progress], None]


def plan_restore(cloud: RestoreCloud, order: Order, run_id: str) -> RestorePlan:
    """See what there is, and decide. Raises InputError for what cannot be, and CloudError."""
    volumes = {volume.id: volume for volume in cloud.volumes.all()}
    image, chosen, warnings = _chosen(cloud, order, volumes)
    volume_id = order.volume_id or (chosen.group.volume_id if chosen else "")
    remembered = order.ours.state.volumes.get(volume_id) if order.ours else None
    facts = facts_of(volumes.get(volume_id), remembered)
    label = chosen.name.label if chosen else ""
    new = new_volume(
        image,
        facts,
        order.wishes,
        dialect=order.dialect,
        name=free_name(label, volume_id, run_id),
    )
    refuse_taken_name(new.name, {volume.name for volume in volumes.values()})
    return RestorePlan(
        image=image,
        slot=chosen.name.slot if chosen else None,
        old_volume_id=volume_id,
        was_encrypted=facts is not None and facts.encrypted,
        new=new,
        warnings=warnings,
    )


def restore_run(
    cloud: RestoreCloud, plan: RestorePlan, run_id: str, clock: Clock, watchers: Watchers
) -> Volume:
    """Make the volume that was planned, ready to be attached and to be exported itself.

    Raises RestoreFailed and CloudError.
    """
    making = Making(cloud=cloud, clock=clock, run_id=run_id, warn=watchers.warn, tell=watchers.tell)
    volume = make_volume(making, plan.image, plan.new)
    try:
        cloud.restoring.make_exportable(volume.id)
    except CloudError as error:
        watchers.warn(
            f"volume {volume.id}: its own exports may fail, until somebody runs: openstack"
            f" volume unset --image-property signature_verified {volume.id} ({error})"
        )
    if plan.was_encrypted and not volume.encrypted:
        watchers.warn(f"volume {volume.id}: it is not encrypted, and the old one was")
    return volume


def _chosen(
    cloud: RestoreCloud, order: Order, volumes: Mapping[str, Volume]
) -> tuple[Image, Recognised | None, tuple[str, ...]]:
    """Choose the image; return with it how it is known, and what speaks against it."""
    images = cloud.images.all()
    known = _knowing(cloud.project_id, order.ours, volumes)
    if not order.image:
        chosen = choose(
            of_volume(map(known, images), order.volume_id), order.volume_id, order.as_of
        )
        return chosen.image, chosen, ()
    image = find_image(images, order.image) or _by_id(cloud, order.image)
    if image is None:
        raise InputError(f"{order.image}: the cloud has no image of this id or name")
    recognised = known(image)
    if recognised and order.volume_id not in ("", recognised.group.volume_id):
        raise InputError(
            f"image {image.id}: it is of volume {recognised.group.volume_id}, not of"
            f" {order.volume_id}"
        )
    return image, recognised, doubts(image, recognised)


def _knowing(
    project_id: str, ours: Ours | None, volumes: Mapping[str, Volume]
) -> Callable[[Image], Recognised | None]:
    """Return how images are recognised: by the config, or by what their names say themselves."""
    if ours is None:
        return lambda image: recognise_by_name(image, project_id, volumes)
    adopted = ours.state.adopted_images(project_id)
    who = identity(ours.config, project_id, ours.deployment_id, adopted)
    return lambda image: recognise(image, who, volumes)


def _by_id(cloud: RestoreCloud, wanted: str) -> Image | None:
    """Look for an image that the listing does not show: one that others share with us."""
    try:
        UUID(wanted)
    except ValueError:
        return None
    return cloud.images.get(wanted)
