"""Which images of a simulated cloud no rule keeps, whatever any cleanup has made of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from tests.faults.year_fleet import FleetVolume
from tests.sandbox.world import World
from volume_images.config.schema import Config
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, ImageStatus
from volume_images.protocols import Clock
from volume_images.retention.judging import Candidate, judge

STRANGERS = frozenset({"protected", "of-another-deployment"})


def expired_images(
    config: Config,
    cloud: str,
    world: World,
    discovered: Iterable[FleetVolume],
    clock: Clock,
    strangers: Collection[str] = STRANGERS,
) -> frozenset[str]:
    """Judge every good image by its policy's rules; rules are proven against restic elsewhere."""
    tags = {one.id: set(one.tags) for one in discovered if one.id in world.volumes}
    tags |= {entry.id: set(entry.tags) for entry in config.volumes if entry.cloud == cloud}
    renamed = {old: name for name, policy in config.policies.items() for old in policy.formerly}
    groups: dict[GroupKey, list[Candidate]] = defaultdict(list)
    for image in world.images.values():
        name = ImageName.parse(image.name)
        is_ours = (
            name is not None and name.prefix == config.prefix and image.owner == world.project_id
        )
        if name is None or not is_ours or image.id in strangers:
            continue
        if image.status == ImageStatus.ACTIVE:
            today = renamed.get(name.policy, name.policy)
            key = GroupKey(today, name.requested, name.volume_id)
            groups[key].append(Candidate(id=image.id, time=name.slot, created_at=image.created_at))
    expired: set[str] = set()
    for key, candidates in groups.items():
        policy = config.policies.get(key.policy)
        if policy is None or not policy.select.keys() & tags.get(key.volume_id, set()):
            continue
        rules = policy.rules(requested=key.requested)
        judged = judge(candidates, rules, timezone=policy.timezone, now=clock.now())
        expired |= {verdict.id for verdict in judged if not verdict.keep}
    return frozenset(expired)
