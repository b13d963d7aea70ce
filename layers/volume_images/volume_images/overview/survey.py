"""Config and what was seen of each cloud -> how the fleet stands."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from volume_images.cleanup.freshness import freshness
from volume_images.cleanup.state import series_key
from volume_images.config.schema import Config
from volume_images.config.selection import discovered, members
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, Volume, VolumeStatus
from volume_images.overview.exports import Pair, Remembered, pending_of, trouble_of
from volume_images.overview.fleet import CloudView, FleetView
from volume_images.overview.image_views import image_views
from volume_images.overview.images import ImageView
from volume_images.overview.policies import policy_views
from volume_images.overview.sight import Sight
from volume_images.overview.volumes import Condition, Presence, SeriesView, VolumeView
from volume_images.recognition import ImageState
from volume_images.report import Freshness
from volume_images.schedule import next_slot


def survey(
    config: Config, config_version: str, sights: Sequence[Sight], now: datetime
) -> FleetView:
    """Say how every volume of every cloud stands; nothing is judged here a second way.

    What a cloud that could not be asked holds is not known, whatever its states tell.
    """
    next_slots = {
        name: next_slot(policy.schedule, policy.timezone, now) if policy.schedule else None
        for name, policy in config.policies.items()
    }
    volumes = tuple(
        volume
        for sight in sights
        for volume in _volume_views(_known(config, sight, now, next_slots))
    )
    return FleetView(
        at=now,
        config_version=config_version,
        clouds=tuple(_cloud_view(sight) for sight in sights),
        policies=policy_views(config, volumes, next_slots),
        volumes=volumes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Everything that is known of one cloud, by volume or by policy and volume.

    `covered` are all pairs that the config covers, as far as that is known.
    """

    config: Config
    sight: Sight
    next_slots: Mapping[str, datetime | None]
    there: Mapping[str, Volume]
    covered: frozenset[Pair]
    names: Mapping[str, str]
    freshness: Mapping[Pair, Freshness]
    images: Mapping[Pair, Sequence[ImageView]]
    stops: Mapping[Pair, Sequence[str]]
    remembered: Remembered


def _known(
    config: Config, sight: Sight, now: datetime, next_slots: Mapping[str, datetime | None]
) -> _Known:
    judged = sight.judged
    there = judged.facts.volumes if judged else {}
    covering = members(config, sight.cloud, discovered(config, sight.cloud, tuple(there.values())))
    fresh = {(entry.policy, entry.volume_id): entry for entry in _freshness(sight)}
    stops: dict[Pair, list[str]] = defaultdict(list)
    for group in judged.plan.groups if judged else ():
        if group.stop:
            stops[group.key.policy, group.key.volume_id].append(group.stop)
    called = {one.volume_id: one.label_name for one in covering if one.label_name}
    found = {one_id: one.name for one_id, one in sight.exports.discovered.items()}
    return _Known(
        config=config,
        sight=sight,
        next_slots=next_slots,
        there=there,
        covered=frozenset((one.policy, one.volume_id) for one in covering) | fresh.keys(),
        names=found | {one.id: one.name for one in there.values()} | called,
        freshness=fresh,
        images=_images_by_pair(sight),
        stops=stops,
        remembered=Remembered.of(sight.exports, config, covering, now),
    )


def _freshness(sight: Sight) -> Sequence[Freshness]:
    judged = sight.judged
    if judged is None:
        return sight.freshness
    return [
        freshness(
            entry, judged.after.series[series_key(entry.policy, entry.volume_id)], judged.plan.now
        )
        for entry in judged.plan.covered
    ]


def _images_by_pair(sight: Sight) -> Mapping[Pair, Sequence[ImageView]]:
    found: dict[Pair, list[ImageView]] = defaultdict(list)
    groups: Mapping[GroupKey, Sequence[ImageView]]
    groups = image_views(sight.judged) if sight.judged else {}
    for key, images in groups.items():
        found[key.policy, key.volume_id] += images
    for images in found.values():
        images.sort(key=lambda image: (image.slot, image.captured_at, image.id), reverse=True)
    return found


def _cloud_view(sight: Sight) -> CloudView:
    groups = sight.judged.plan.groups if sight.judged else ()
    return CloudView(
        outcome=sight.outcome,
        was_asked=sight.judged is not None,
        safety_stops=tuple(group.stop for group in groups if group.stop),
        remarks=sight.remarks,
    )


def _volume_views(known: _Known) -> list[VolumeView]:
    """Return every volume that is there, is covered, or has images, by name."""
    order = {name: place for place, name in enumerate(known.config.policies)}
    policies: dict[str, list[str]] = defaultdict(list)
    for policy, volume_id in known.covered | known.images.keys():
        policies[volume_id].append(policy)
    for of_volume in policies.values():
        of_volume.sort(key=lambda name: (order.get(name, len(order)), name))
    views = [
        _volume_view(known, volume_id, policies.get(volume_id, ()))
        for volume_id in policies.keys() | known.there.keys()
    ]
    return sorted(views, key=lambda volume: (volume.name, volume.id))


def _volume_view(known: _Known, volume_id: str, policies: Sequence[str]) -> VolumeView:
    volume = known.there.get(volume_id)
    series = tuple(_series_view(known, (policy, volume_id)) for policy in policies)
    presence = Presence.THERE if volume else Presence.GONE
    uploading = volume is not None and volume.status == VolumeStatus.UPLOADING
    return VolumeView(
        cloud=known.sight.cloud,
        id=volume_id,
        name=known.names.get(volume_id, "") or _label(series),
        presence=presence if known.sight.judged else Presence.NOT_KNOWN,
        status=volume.status if volume else "",
        size_gib=volume.size_gib if volume else None,
        left_uploading=uploading and not any(one.pending for one in series),
        series=series,
    )


def _label(series: Sequence[SeriesView]) -> str:
    """Return the name that a volume had when its newest image was made."""
    names = (ImageName.parse(image.name) for one in series for image in one.images)
    return next((name.label for name in names if name and name.label), "")


def _series_view(known: _Known, pair: Pair) -> SeriesView:
    policy_name, volume_id = pair
    images = known.images.get(pair, ())
    if pair not in known.covered:
        return SeriesView(policy=policy_name, condition=None, images=tuple(images))
    policy = known.config.policies[policy_name]
    fresh = known.freshness.get(pair)
    newest_slot = fresh.newest_slot if fresh else None
    judged = known.sight.judged
    first_seen = (
        judged.after.series[series_key(policy_name, volume_id)].first_seen if judged else None
    )
    good = (image for image in images if image.state is ImageState.GOOD)
    newest = next((image for image in good if image.slot == newest_slot), None)
    due = known.remembered.due.get(pair)
    overtaken = due is not None and newest_slot is not None and newest_slot >= due
    return SeriesView(
        policy=policy_name,
        condition=Condition(fresh.state.value) if fresh and judged else Condition.NOT_KNOWN,
        stale=fresh.stale if fresh and judged else False,
        newest_slot=newest_slot,
        first_seen=first_seen,
        max_age=policy.max_age,
        due_slot=None if overtaken else due,
        next_slot=known.next_slots[policy_name],
        pending=pending_of(pair, known.remembered, images),
        waiting=tuple(sorted(known.remembered.waiting.get(pair, ()))),
        trouble=trouble_of(pair, known.remembered, newest),
        images=tuple(images),
        safety_stops=tuple(known.stops.get(pair, ())),
    )
