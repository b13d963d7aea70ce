"""A short digest of everything that decides which images of a group are kept."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from volume_images.config.schema import CloudConfig, Config
from volume_images.config.selection import Member
from volume_images.model import GroupKey
from volume_images.retention.rules import RetentionRules


def rule_digests(config: Config, cloud: str, members: Iterable[Member]) -> Mapping[GroupKey, str]:
    """Return the digest of each group that the config covers in a cloud.

    A group that is not covered has none, which is different from any digest.
    """
    if cloud not in config.clouds:
        return {}
    by_policy = {
        (name, requested): _digest(config, config.clouds[cloud], name, requested=requested)
        for name in config.policies
        for requested in (False, True)
    }
    return {
        GroupKey(member.policy, requested, member.volume_id): by_policy[member.policy, requested]
        for member in members
        for requested in (False, True)
    }


def _digest(config: Config, cloud: CloudConfig, policy_name: str, *, requested: bool) -> str:
    """Digest the rules, and what decides which images belong to the group at all.

    A rule that is left out is not part of it: a release that knows more rules changes no digest.
    """
    policy = config.policies[policy_name]
    rules = policy.rules(requested=requested).model_dump(
        mode="json", include=set(RetentionRules.model_fields)
    )
    decisive = {
        "project": [cloud.region, cloud.project],
        "prefixes": sorted({config.prefix, *config.former_prefixes}),
        "deployments": sorted(config.former_deployments),
        "policy": [policy_name, requested, *sorted(policy.formerly)],
        "timezone": policy.timezone,
        "rules": {name: value for name, value in rules.items() if value},
    }
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
