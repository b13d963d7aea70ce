"""What all volumes of a policy come to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from volume_images.config.schema import Config, Policy
from volume_images.overview.fleet import PolicyView
from volume_images.overview.volumes import SeriesView, VolumeView


def policy_views(
    config: Config, volumes: Iterable[VolumeView], next_slots: Mapping[str, datetime | None]
) -> tuple[PolicyView, ...]:
    """Sum up the volumes by policy, in the config's order."""
    by_policy: dict[str, list[SeriesView]] = defaultdict(list)
    for volume in volumes:
        for series in volume.covered:
            by_policy[series.policy].append(series)
    return tuple(
        _policy_view(name, policy, by_policy[name], next_slots[name])
        for name, policy in config.policies.items()
    )


def _policy_view(
    name: str, policy: Policy, series: list[SeriesView], next_slot: datetime | None
) -> PolicyView:
    images = [image for one in series for image in one.images]
    announced = [image.going for image in images if image.going and image.going.is_announced]
    return PolicyView(
        name=name,
        max_age=policy.max_age,
        next_slot=next_slot,
        volumes=len(series),
        conditions=Counter(one.condition for one in series if one.condition),
        stale=sum(one.stale for one in series),
        pending=sum(len(one.pending) for one in series),
        waiting=sum(len(one.waiting) for one in series),
        images=len(images),
        going=sum(image.going is not None for image in images),
        announced=len(announced),
        first_goes=min((one.deletes_at for one in announced), default=None),
        stored_bytes=sum(image.size_bytes or 0 for image in images),
        oldest_newest_slot=min(
            (one.newest_slot for one in series if one.newest_slot), default=None
        ),
    )
