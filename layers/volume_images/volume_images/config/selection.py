"""Which volumes a policy covers, and which of them a trigger asks for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from volume_images.config.schema import Config, Policy
from volume_images.model import GroupKey, RequestedExport, Tick, Volume

MOST_REQUESTED = 100  # volumes of one request


@dataclass(frozen=True, slots=True)
class Member:
    """A volume under a policy that covers it.

    `label_name` is its human name: the config's, else the cloud's; empty while neither is known.
    """

    policy: str
    volume_id: str
    label_name: str

    @property
    def group(self) -> GroupKey:
        """The group of what its schedule asks for."""
        return GroupKey(self.policy, requested=False, volume_id=self.volume_id)


class Refusal(NamedTuple):
    """Part of a request that is refused: the volume id or policy as asked for, and why."""

    subject: str
    why: str


def covers(policy: Policy, tags: Mapping[str, str]) -> bool:
    """Say whether a policy covers a volume with these tags; any excluded pair keeps it out."""
    return _all_match(policy.select, tags) and not any(
        _matches(key, values, tags) for key, values in policy.exclude.items()
    )


def discovered(config: Config, cloud: str, volumes: Sequence[Volume]) -> tuple[Volume, ...]:
    """Return the volumes of a cloud that an entry of `discover` finds there by their tags."""
    wanted = [entry.tags for entry in config.discover if entry.cloud == cloud]
    return tuple(
        volume for volume in volumes if any(_all_match(tags, volume.tags) for tags in wanted)
    )


def members(config: Config, cloud: str, discovered: Sequence[Volume]) -> tuple[Member, ...]:
    """Pair each policy with the volumes of a cloud that it covers, in the config's order.

    An entry of `volumes` wins over the discovered volume of the same id, with its tags and name.
    """
    names = {volume.id: volume.name for volume in discovered}
    tags: dict[str, Mapping[str, str]] = {}
    for entry in config.volumes:
        if entry.cloud == cloud:
            tags[entry.id] = entry.tags
            names[entry.id] = entry.name or names.get(entry.id, "")
    for volume in discovered:
        tags.setdefault(volume.id, volume.tags)
    return tuple(
        Member(name, volume_id, names[volume_id])
        for name, policy in config.policies.items()
        for volume_id, volume_tags in tags.items()
        if covers(policy, volume_tags)
    )


def narrowed(members: Sequence[Member], tick: Tick) -> tuple[Member, ...]:
    """Keep the members that a tick covers: without policies or volumes of its own, all."""
    return tuple(
        member
        for member in members
        if (not tick.policies or member.policy in tick.policies)
        and (not tick.volume_ids or member.volume_id in tick.volume_ids)
    )


def resolve_request(
    request: RequestedExport, config: Config, members: Sequence[Member]
) -> tuple[tuple[Member, ...], tuple[Refusal, ...]]:
    """Say what a request asks for, and what of it is refused.

    `members` are those of all clouds. Without volumes, each named policy's own; without policies,
    for each volume the first in the config's order that covers it. A request for more than
    `MOST_REQUESTED` volumes is refused as a whole.
    """
    refusals = [
        Refusal(name, "no such policy in the config")
        for name in dict.fromkeys(request.policies)
        if name not in config.policies
    ]
    policies = [name for name in config.policies if name in request.policies]
    if request.volume_ids:
        wanted, refused = _of_volumes(request, policies, members)
    else:
        wanted, refused = _of_policies(policies, members)
    count = len({member.volume_id for member in wanted})
    if count > MOST_REQUESTED:
        why = f"{count} volumes, at most {MOST_REQUESTED} at once: ask for fewer"
        return (), (Refusal("request", why),)
    return wanted, (*refusals, *refused)


def _of_volumes(
    request: RequestedExport, policies: Sequence[str], members: Sequence[Member]
) -> tuple[tuple[Member, ...], list[Refusal]]:
    wanted: list[Member] = []
    refusals: list[Refusal] = []
    by_volume = _by_volume(members)
    for volume_id in dict.fromkeys(request.volume_ids):
        covering = by_volume.get(volume_id, [])
        asked = [member for member in covering if member.policy in policies]
        found = asked if request.policies else covering[:1]
        wanted += found
        if not covering:
            refusals.append(Refusal(volume_id, "no policy of the config covers this volume"))
        elif not found:
            refusals.append(Refusal(volume_id, "none of the named policies covers this volume"))
    return tuple(wanted), refusals


def _of_policies(
    policies: Sequence[str], members: Sequence[Member]
) -> tuple[tuple[Member, ...], list[Refusal]]:
    wanted = tuple(member for member in members if member.policy in policies)
    used = {member.policy for member in wanted}
    refusals = [Refusal(name, "covers no volume") for name in policies if name not in used]
    return wanted, refusals


def _by_volume(members: Iterable[Member]) -> dict[str, list[Member]]:
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(member.volume_id, []).append(member)
    return found


def _all_match(wanted: Mapping[str, Sequence[str]], tags: Mapping[str, str]) -> bool:
    return all(_matches(key, values, tags) for key, values in wanted.items())


def _matches(key: str, values: Sequence[str], tags: Mapping[str, str]) -> bool:
    """Say whether the tag has one of the values; an empty list stands for any."""
    return key in tags and (not values or tags[key] in values)
