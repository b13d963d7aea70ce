"""What a config changes about who covers a volume, against what the last cleanup saw."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from volume_images.cleanup.state import CleanupState, parse_series_key
from volume_images.config.schema import Config
from volume_images.config.selection import members
from volume_images.errors import Problem


def moves(config: Config, states: Mapping[str, CleanupState]) -> tuple[Problem, ...]:
    """Count the volumes that change their policy, and those that leave one, by cloud.

    Their images under the earlier policy stay where they are, and nothing judges them any more.
    Of discovered volumes only their cloud knows the tags: they are counted as not compared.
    """
    return tuple(
        problem
        for cloud, state in states.items()
        if cloud in config.clouds
        for problem in _moves(config, cloud, state)
    )


def _moves(config: Config, cloud: str, state: CleanupState) -> Iterator[Problem]:
    listed = {entry.id for entry in config.volumes if entry.cloud == cloud}
    before = _policies_by_volume(
        (_today(config, policy), volume_id)
        for policy, volume_id in map(parse_series_key, state.series)
    )
    after = _policies_by_volume(
        (member.policy, member.volume_id) for member in members(config, cloud, ())
    )
    discovers = any(entry.cloud == cloud for entry in config.discover)
    unknown = {volume for volume in before if volume not in listed} if discovers else set()
    changes = Counter(
        (old, ", ".join(sorted(after[volume] - policies)))
        for volume, policies in sorted(before.items())
        if volume not in unknown
        for old in sorted(policies - after[volume])
    )
    for (old, new), count in sorted(changes.items()):
        to = f"move from {old} to {new}" if new else f"leave {old}"
        yield Problem(
            f"policies.{new.partition(',')[0] or old}",
            f"{_volumes(count)} of cloud {cloud} {to}: their images under {old} are kept as orphans"
            " beside what is exported from now on",
        )
    if unknown:
        yield Problem(
            "discover",
            f"{_volumes(len(unknown))} of cloud {cloud} cannot be compared: only the cloud knows"
            " their tags",
        )


def _today(config: Config, policy: str) -> str:
    """Follow a policy that was renamed to the name it has in this config."""
    return next((name for name, one in config.policies.items() if policy in one.formerly), policy)


def _policies_by_volume(pairs: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for policy, volume_id in pairs:
        found[volume_id].add(policy)
    return found


def _volumes(count: int) -> str:
    return "1 volume" if count == 1 else f"{count} volumes"
