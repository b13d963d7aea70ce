"""A short digest of everything that decides which images of a group are kept."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from volume_images.config.schema import CloudConfig, Config
from volume_images.config.selection import Member
from volume_images.model import GroupKey
from volume_images.retention.rules import RetentionRules


@dataclass(frozen=True, slots=True)
class RuleDigests:
    """Which rules one config has for each group of a cloud.

    `orphaned` is the digest of what it has for every group that it does not cover; empty where
    the config has no such cloud, or cannot be read.
    """

    covered: Mapping[GroupKey, str]
    orphaned: str

    def of(self, key: GroupKey) -> str:
        """Return the digest of the rules that the group stands under."""
        return self.covered.get(key, self.orphaned)

    def orphans(self, key: GroupKey) -> bool:
        """Whether this config leaves the group uncovered, as far as it can tell."""
        return bool(self.orphaned) and key not in self.covered


NO_RULES = RuleDigests({}, "")
"""What a config says that cannot be read: no rules stand that long."""


def rule_digests(config: Config, cloud: str, members: Iterable[Member]) -> RuleDigests:
    """Return the digests of the groups in a cloud; `members` are all that the config covers."""
    if cloud not in config.clouds:
        return NO_RULES
    place = _place(config, config.clouds[cloud])
    by_policy = {
        (name, requested): _digest({**place, **_rules(config, name, requested=requested)})
        for name in config.policies
        for requested in (False, True)
    }
    covered = {
        GroupKey(member.policy, requested, member.volume_id): by_policy[member.policy, requested]
        for member in members
        for requested in (False, True)
    }
    orphans = config.orphans.model_dump(mode="json") if config.orphans else None
    return RuleDigests(covered, _digest({**place, "orphans": orphans}))


def _place(config: Config, cloud: CloudConfig) -> dict[str, object]:
    """Return what decides which images are ours at all."""
    return {
        "project": [cloud.region, cloud.project],
        "prefixes": sorted({config.prefix, *config.former_prefixes}),
        "deployments": sorted(config.former_deployments),
    }


def _rules(config: Config, policy_name: str, *, requested: bool) -> dict[str, object]:
    """Return the rules, and what decides which images belong to the group.

    A rule that is left out is not part of it: a release that knows more rules changes no digest.
    """
    policy = config.policies[policy_name]
    rules = policy.rules(requested=requested).model_dump(
        mode="json", include=set(RetentionRules.model_fields)
    )
    return {
        "policy": [policy_name, requested, *sorted(policy.formerly)],
        "timezone": policy.timezone,
        "rules": {name: value for name, value in rules.items() if value},
    }


def _digest(decisive: Mapping[str, object]) -> str:
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
