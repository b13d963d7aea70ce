"""Gathering what is seen of one cloud before its exports are settled and planned."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from volume_images.config.schema import Config
from volume_images.config.selection import Member, discovered, members
from volume_images.export.changes import Discover
from volume_images.export.errand import Errand
from volume_images.export.settling import Sight, adopted, lookups
from volume_images.export.state import Discovered, ExportState, UnderWay
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, Image, Volume
from volume_images.protocols import Cloud
from volume_images.recognition import (
    Identity,
    ImageState,
    Recognised,
    identity,
    recognise,
)

BEFORE_OLDEST = timedelta(hours=24)
"""How much older than the oldest slot or intent an image may claim to be, clocks being clocks."""

READS_BY_ID = 100
"""Volumes that the listing lacks are read by id, so many at once; the listing lacks few."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """One cloud as seen now: facts only, nothing decided."""

    sight: Sight
    entries: Sequence[UnderWay]
    members: Sequence[Member]
    groups: Mapping[GroupKey, Sequence[Recognised]]
    image_count: int
    discovery: Sequence[Discover]


def known_members(config: Config, cloud_name: str, state: ExportState) -> tuple[Member, ...]:
    """Return what the policies cover, as far as config and state tell without the cloud."""
    known = [
        Volume(id=volume_id, name=volume.name, status="", size_gib=0, tags=volume.tags)
        for volume_id, volume in state.discovered.items()
    ]
    return members(config, cloud_name, known)


def gather(
    errand: Errand, cloud: Cloud, state: ExportState, oldest: datetime, now: datetime
) -> Gathered:
    """Read volumes, images, and by id what those listings cannot tell. Raises CloudError.

    `oldest` is the oldest slot that anything is owed for.
    """
    config, cloud_name = errand.world.config, errand.cloud
    workers = errand.cloud_config.max_concurrency
    volumes = {volume.id: volume for volume in cloud.volumes.all()}
    found = discovered(config, cloud_name, tuple(volumes.values()))
    unlisted = _unlisted(config, cloud_name, state, volumes)
    volumes_read = _read(unlisted[:READS_BY_ID], cloud.volumes.get, workers)
    volumes |= {key: volume for key, volume in volumes_read.items() if volume is not None}
    still_there = [volumes[key] for key in unlisted if key in volumes and key in state.discovered]
    covered = members(config, cloud_name, (*found, *still_there))

    images = _images(cloud, state, None if errand.cloud_config.image_quota else oldest)
    who = identity(config, cloud.project_id, errand.world.deployment_id)
    ours = _recognised(images, who, volumes)
    pending = [one for one in ours if one.state is ImageState.PENDING]
    entries = (*state.under_way.values(), *adopted(state, pending, volumes, errand.world.run_id))
    listed = {image.id: image for image in images} | {one.image.name: one.image for one in ours}
    needed = lookups(state, entries, listed, now)
    images_read = _read(sorted(needed.image_ids), cloud.images.get, workers)
    late_read = _read(sorted(needed.volume_ids - volumes_read.keys()), cloud.volumes.get, workers)
    sight = Sight(
        identity=who,
        volumes=volumes,
        listed=listed,
        images_read=images_read,
        volumes_read=volumes_read | late_read,
        messages=_messages(cloud, entries, images_read),
    )
    return Gathered(
        sight=sight,
        entries=entries,
        members=covered,
        groups=_by_group(ours),
        image_count=len(images),
        discovery=_discovery(config, cloud_name, (*found, *still_there), now),
    )


def images_named(
    errand: Errand, cloud: Cloud, names: frozenset[str], since: datetime
) -> Mapping[str, Image]:
    """List again after lost answers, and return the images of ours with these names."""
    who = identity(errand.world.config, cloud.project_id, errand.world.deployment_id)
    listed = cloud.images.all(since - BEFORE_OLDEST)
    ours = _recognised([image for image in listed if image.name in names], who, {})
    return {one.image.name: one.image for one in ours}


def _unlisted(
    config: Config, cloud_name: str, state: ExportState, volumes: Mapping[str, Volume]
) -> list[str]:
    configured = [entry.id for entry in config.volumes if entry.cloud == cloud_name]
    return [key for key in (*configured, *state.discovered) if key not in volumes]


def _images(cloud: Cloud, state: ExportState, oldest: datetime | None) -> Sequence[Image]:
    """List the images created since shortly before `oldest`; all of them where that is in doubt.

    A filter narrows a listing but proves nothing: an unknown one answers 200 with an empty list on
    a stock Glance. So the listing reaches back to an image that is known, and must show it.
    """
    goods = [record.newest_good for record in state.records.values() if record.newest_good]
    if oldest is None or not goods:
        return cloud.images.all()
    known = max(goods, key=lambda good: good.created_at)
    intended = [entry.intended_at for entry in state.under_way.values()]
    since = min(min((oldest, *intended)) - BEFORE_OLDEST, known.created_at)
    listed = cloud.images.all(since)
    if any(image.id == known.image_id for image in listed):
        return listed
    return cloud.images.all()


def _recognised(
    images: Sequence[Image], who: Identity, volumes: Mapping[str, Volume]
) -> list[Recognised]:
    found = []
    for image in images:
        name = ImageName.parse(image.name)
        one = recognise(image, who, volumes.get(name.volume_id)) if name else None
        if one is not None:
            found.append(one)
    return found


def _by_group(ours: Iterable[Recognised]) -> Mapping[GroupKey, Sequence[Recognised]]:
    groups: dict[GroupKey, list[Recognised]] = {}
    for one in ours:
        groups.setdefault(one.group, []).append(one)
    return groups


def _read(
    ids: Sequence[str], get: Callable[[str], Answer | None], workers: int
) -> dict[str, Answer | None]:
    if not ids:
        return {}
    with ThreadPoolExecutor(min(workers, len(ids))) as pool:
        return dict(zip(ids, pool.map(get, ids), strict=True))


def _messages(
    cloud: Cloud, entries: Iterable[UnderWay], images_read: Mapping[str, Image | None]
) -> dict[str, str]:
    """Ask why the images that vanished did: a failed Cinder export deletes its own image."""
    gone = [entry for entry in entries if images_read.get(entry.image_id, entry) is None]
    return {
        volume_id: cloud.volumes.failure_message(volume_id, entry.intended_at)
        for entry in gone
        if (volume_id := GroupKey.parse(entry.group).volume_id)
    }


def _discovery(
    config: Config, cloud_name: str, volumes: Sequence[Volume], now: datetime
) -> Sequence[Discover]:
    if not any(entry.cloud == cloud_name for entry in config.discover):
        return ()
    found = {volume.id: Discovered(name=volume.name, tags=volume.tags) for volume in volumes}
    return (Discover(found, now),)
