"""Gathering what is seen of one cloud before its exports are settled and planned."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from volume_images.config.schema import Config
from volume_images.config.selection import Member, discovered, members
from volume_images.export.cloud_changes import Discover
from volume_images.export.errand import Errand, oldest_owed
from volume_images.export.settling import (
    Sight,
    adopted,
    jobs_to_read,
    lookups,
    with_their_images,
)
from volume_images.export.state import Discovered, ExportState, UnderWay
from volume_images.model import PENDING_STATUSES, GroupKey, Image, Volume
from volume_images.protocols import Cloud
from volume_images.recognition import (
    Identity,
    ImageState,
    Recognised,
    identity,
    recognise,
)
from volume_images.side_by_side import each

BEFORE_OLDEST = timedelta(hours=24)
"""How much older than the oldest slot or intent an image may claim to be, clocks being clocks."""

READS_BY_ID = 100
"""Volumes that the listing lacks are read by id, so many in one look; the listing lacks few."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """One cloud as seen now: facts only, nothing decided.

    `images_left` is the room in the image quota, None where nobody knows one. `unread` are known
    volumes that the listing lacks and that were too many to be read by id in this look.
    """

    sight: Sight
    entries: Sequence[UnderWay]
    members: Sequence[Member]
    groups: Mapping[GroupKey, Sequence[Recognised]]
    images_left: int | None
    unread: frozenset[str]
    discovery: Sequence[Discover]


def known_members(config: Config, cloud_name: str, state: ExportState) -> tuple[Member, ...]:
    """Return what the policies cover, as far as config and state tell without the cloud."""
    known = [_remembered(volume_id, state) for volume_id in state.discovered]
    return members(config, cloud_name, known)


def gather(errand: Errand, cloud: Cloud, state: ExportState, now: datetime) -> Gathered:
    """Read volumes, images, and by id what those listings cannot tell. Raises CloudError."""
    config, cloud_name = errand.world.config, errand.cloud
    at_once = errand.cloud_config.max_concurrency
    seen = _volumes(errand, cloud, state, now)
    covered = members(config, cloud_name, seen.discovered)
    # What a volume just discovered is owed may have been exported when it was covered before.
    oldest = oldest_owed(errand, state, covered, now)
    images = _images(cloud, state, None if errand.cloud_config.image_quota else oldest)
    who = identity(config, cloud.project_id, errand.world.deployment_id)
    ours = _recognised(images, who, seen.volumes)
    pending = [one for one in ours if one.state is ImageState.PENDING]
    followed = [*state.under_way.values(), *state.late.values()]
    followed += adopted(state, pending, seen.volumes, errand.world.run_id)
    listed = {image.id: image for image in images} | {one.image.name: one.image for one in ours}
    jobs = _read(jobs_to_read(followed, listed, now), cloud.volumes.job, at_once)
    entries = with_their_images(followed, jobs)
    needed = lookups(state, entries, listed, now)
    images_read = _read(sorted(needed.image_ids), cloud.images.get, at_once)
    late_read = _read(sorted(needed.volume_ids - seen.read.keys()), cloud.volumes.get, at_once)
    sight = Sight(
        identity=who,
        volumes=seen.volumes,
        listed=listed,
        images_read=images_read,
        volumes_read={**seen.read, **late_read},
        jobs=jobs,
        messages=_messages(cloud, entries, images_read),
    )
    return Gathered(
        sight=sight,
        entries=entries,
        members=covered,
        groups=_by_group(ours),
        images_left=_images_left(errand, cloud, images),
        unread=seen.unread,
        discovery=_discovery(config, cloud_name, seen.discovered),
    )


def images_named(
    errand: Errand, cloud: Cloud, names: frozenset[str], since: datetime
) -> Mapping[str, Image]:
    """List again after lost answers, and return the images of ours with these names."""
    who = identity(errand.world.config, cloud.project_id, errand.world.deployment_id)
    listed = cloud.images.all(since - BEFORE_OLDEST)
    ours = _recognised([image for image in listed if image.name in names], who, {})
    return {one.image.name: one.image for one in ours}


def all_under_way(cloud: Cloud, entries: Collection[UnderWay], now: datetime) -> bool:
    """Whether these exports are all still under way, by one listing. Raises CloudError.

    False where that is in doubt: then a look has to find out.
    """
    if not all(entry.image_id and now <= entry.deadline for entry in entries):
        return False
    oldest = min((entry.intended_at for entry in entries), default=now)
    listed = {image.id: image.status for image in cloud.images.all(oldest - BEFORE_OLDEST)}
    return all(listed.get(entry.image_id) in PENDING_STATUSES for entry in entries)


@dataclass(frozen=True, slots=True)
class _Volumes:
    """The volumes of a cloud: what is known of each, and which of them discovery covers."""

    volumes: Mapping[str, Volume]
    read: Mapping[str, Volume | None]
    discovered: Sequence[Volume]
    unread: frozenset[str]


def _volumes(errand: Errand, cloud: Cloud, state: ExportState, now: datetime) -> _Volumes:
    """List the volumes, and read by id those that are known and not listed.

    The listing is one call for a thousand volumes, tags included: filtering by tags on the server
    would spare none of it, since listed volumes are looked up in it too. A volume that discovery
    found once counts as there until a GET by id answers 404.
    """
    config, cloud_name = errand.world.config, errand.cloud
    listed = {volume.id: volume for volume in cloud.volumes.all()}
    configured = [entry.id for entry in config.volumes if entry.cloud == cloud_name]
    unlisted = [key for key in (*configured, *state.discovered) if key not in listed]
    reading = _in_turn(unlisted, now)
    read = _read(reading, cloud.volumes.get, errand.cloud_config.max_concurrency)
    volumes = listed | {key: volume for key, volume in read.items() if volume is not None}
    unread = frozenset(unlisted) - read.keys()
    known = [key for key in unlisted if key in state.discovered]
    return _Volumes(
        volumes=volumes,
        read=read,
        discovered=(
            *discovered(config, cloud_name, tuple(listed.values())),
            *(volumes[key] for key in known if key in volumes),
            *(_remembered(key, state) for key in known if key in unread),
        ),
        unread=unread,
    )


def _in_turn(ids: Sequence[str], now: datetime) -> Sequence[str]:
    """Return as many as one look reads; where there are more, others in the next minute."""
    if len(ids) <= READS_BY_ID:
        return ids
    first = int(now.timestamp() // 60) * READS_BY_ID % len(ids)
    return [*ids[first:], *ids[:first]][:READS_BY_ID]


def _remembered(volume_id: str, state: ExportState) -> Volume:
    known = state.discovered[volume_id]
    return Volume(id=volume_id, name=known.name, status="", size_gib=0, tags=known.tags)


def _images_left(errand: Errand, cloud: Cloud, images: Sequence[Image]) -> int | None:
    """Return the room in the quota: the config's, where all images are listed, or the cloud's."""
    quota = errand.cloud_config.image_quota
    return cloud.images.room() if quota is None else max(0, quota - len(images))


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
    seen = (recognise(image, who, volumes) for image in images)
    return [one for one in seen if one is not None]


def _by_group(ours: Iterable[Recognised]) -> Mapping[GroupKey, Sequence[Recognised]]:
    groups: dict[GroupKey, list[Recognised]] = {}
    for one in ours:
        groups.setdefault(one.group, []).append(one)
    return groups


def _read(
    ids: Sequence[str], get: Callable[[str], Answer | None], at_once: int
) -> dict[str, Answer | None]:
    return dict(zip(ids, each(ids, get, at_once), strict=True))


def _messages(
    cloud: Cloud, entries: Iterable[UnderWay], images_read: Mapping[str, Image | None]
) -> dict[str, str]:
    """Ask why the images that vanished did: a failed Cinder export deletes its own image."""
    gone = [entry for entry in entries if images_read.get(entry.image_id, entry) is None]
    return {
        volume_id: cloud.volumes.failure_message(volume_id, entry.intended_at)
        for entry in gone
        if (volume_id := entry.group.volume_id)
    }


def _discovery(config: Config, cloud_name: str, volumes: Sequence[Volume]) -> Sequence[Discover]:
    if not any(entry.cloud == cloud_name for entry in config.discover):
        return ()
    found = {volume.id: Discovered(name=volume.name, tags=volume.tags) for volume in volumes}
    return (Discover(found),)
