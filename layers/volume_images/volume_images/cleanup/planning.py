"""Which images of a cloud stay, which expire, and why: facts in, plan out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from volume_images.cleanup.deciding import (
    Decision,
    candidate,
    decide,
    decide_orphan,
    keep,
    may_expire,
)
from volume_images.cleanup.freshness import Covered, newest_slot
from volume_images.cleanup.orphans import Orphanhood, kept_of_orphans, orphanhood
from volume_images.cleanup.plan import (
    CleanupPlan,
    CloudFacts,
    Expired,
    Failed,
    GroupPlan,
    Kept,
    Scope,
)
from volume_images.cleanup.rows import Past
from volume_images.cleanup.rule_digest import RuleDigests, rule_digests
from volume_images.cleanup.state import VolumeFacts
from volume_images.config.schema import Config
from volume_images.config.selection import Member, discovered, members
from volume_images.errors import SafetyStop
from volume_images.model import GroupKey, Image
from volume_images.recognition import Identity, ImageState, Recognised, identity, recognise
from volume_images.retention.judging import Verdict, judge
from volume_images.schedule import SLOT_AHEAD


def plan_cleanup(
    config: Config,
    config_version: str,
    deployment_id: str,
    facts: CloudFacts,
    scope: Scope,
    past: Past,
) -> CleanupPlan:
    """Plan for every image of ours in one cloud project; strangers do not appear at all.

    Images of a volume under a policy that does not cover it any more are orphans: no policy judges
    them. `past.state` may be replaced by a newer one before the plan is written: then plan again.
    """
    adopted = past.state.adopted_images(facts.project_id)
    ours = identity(config, facts.project_id, deployment_id, adopted)
    images = _recognised(facts, ours)
    found = discovered(config, facts.cloud, tuple(facts.volumes.values()))
    covering = members(config, facts.cloud, found)
    rules = rule_digests(config, facts.cloud, covering)
    judging = _Judging(config, rules, facts, past, ours.deployments)
    groups = tuple(
        _judged(judging, key, group) if key in rules.covered else _of_orphans(judging, key, group)
        for key, group in sorted(_by_group(images).items())
        if scope.includes(key)
    )
    living = frozenset(
        image.group.volume_id for image in images if image.state is not ImageState.GONE
    )
    return CleanupPlan(
        cloud=facts.cloud,
        project_id=facts.project_id,
        now=facts.at,
        config_version=config_version,
        is_whole=scope.is_whole,
        groups=groups,
        covered=covered_by(config, facts.cloud, covering),
        newest_slots=_newest_slots(images, facts),
        facts={
            volume_id: VolumeFacts.of(facts.volumes[volume_id])
            for volume_id in living & facts.volumes.keys()
        },
        living=living,
    )


def covered_by(config: Config, cloud: str, covering: Iterable[Member]) -> tuple[Covered, ...]:
    """Return each volume under each of its policies, with the age at which it is stale."""
    return tuple(
        Covered(
            cloud=cloud,
            policy=member.policy,
            volume_id=member.volume_id,
            max_age=config.policies[member.policy].max_age,
        )
        for member in covering
    )


def floor_of(
    images: Iterable[Recognised], verdicts: Mapping[str, Verdict], least: int, now: datetime
) -> tuple[Image, ...]:
    """Return the newest `least` good images, one per slot, which all must stay.

    It looks at the verdicts from outside: whatever a rule of retention may get wrong one day,
    it cannot delete these. Raises SafetyStop if it would.
    """
    good = sorted(
        (
            image
            for image in images
            if image.state is ImageState.GOOD
            and image.name.slot <= now + SLOT_AHEAD
            and verdicts[image.image.id].duplicate_of is None
        ),
        key=lambda image: (image.name.slot, image.image.id),
        reverse=True,
    )
    one_per_slot = {image.name.slot: image.image for image in good}
    floor = tuple(one_per_slot.values())[:least]
    for image in floor:
        if not verdicts[image.id].keep:
            raise SafetyStop(f"image {image.id} is of the newest {least} and would be deleted")
    return floor


def _recognised(facts: CloudFacts, ours: Identity) -> list[Recognised]:
    seen = (recognise(image, ours, facts.volumes) for image in facts.images)
    return [recognised for recognised in seen if recognised is not None]


def _by_group(images: Iterable[Recognised]) -> Mapping[GroupKey, list[Recognised]]:
    groups: dict[GroupKey, list[Recognised]] = defaultdict(list)
    for image in images:
        groups[image.group].append(image)
    return groups


def _newest_slots(
    images: Iterable[Recognised], facts: CloudFacts
) -> Mapping[tuple[str, str], datetime]:
    slots = defaultdict(list)
    for image in images:
        if image.state is ImageState.GOOD:
            slots[image.group.policy, image.group.volume_id].append(image.name.slot)
    newest = {key: newest_slot(of_key, facts.at) for key, of_key in slots.items()}
    return {key: slot for key, slot in newest.items() if slot is not None}


@dataclass(frozen=True, slots=True)
class _Judging:
    """What every group of a cloud is judged by."""

    config: Config
    rules: RuleDigests
    facts: CloudFacts
    past: Past
    deployments: frozenset[str]


def _of_orphans(judging: _Judging, key: GroupKey, images: Sequence[Recognised]) -> GroupPlan:
    """Keep orphans, unless the config says otherwise of those that we made, or a person does."""
    why = (
        f"orphan: policy {key.policy} does not cover this volume"
        if key.policy in judging.config.policies
        else f"orphan: no policy {key.policy} in the config"
    )
    record = judging.past.state.group(judging.facts.project_id, key)
    tagged = frozenset(
        image.image.id for image in images if image.image.deployment in judging.deployments
    )
    orphaned = orphanhood(
        judging.past, record, key, images, any_tagged=bool(tagged), now=judging.facts.at
    )
    if orphaned is None:
        return _group_plan(judging, key, [keep(image, why) for image in images])
    ours = tagged
    if orphaned.all_ours:
        ours = frozenset(image.image.id for image in images)
    good = [
        image for image in images if image.image.id in ours and may_expire(image, judging.facts.at)
    ]
    staying = kept_of_orphans(good, orphaned, judging.config.orphans, judging.facts.at)
    if staying is None:
        kept = [keep(image, why) for image in images]
        return _group_plan(judging, key, kept, orphaned=orphaned)
    reason = f"{why}, forgotten" if orphaned.forgotten else why
    going = {image.image.id for image in good} - staying
    decided = [
        decide_orphan(image, reason, judging.facts.stuck, going, judging.facts.at)
        if image.image.id in ours
        else keep(image, why)
        for image in images
    ]
    floor = tuple(image.image for image in good if image.image.id in staying)
    return _group_plan(judging, key, decided, floor=floor, orphaned=orphaned)


def _judged(judging: _Judging, key: GroupKey, images: Sequence[Recognised]) -> GroupPlan:
    facts = judging.facts
    policy = judging.config.policies[key.policy]
    rules = policy.rules(requested=key.requested)
    candidates = [candidate(image) for image in images if image.state is not ImageState.GONE]
    try:
        judged = judge(candidates, rules, timezone=policy.timezone, now=facts.at)
        verdicts = {verdict.id: verdict for verdict in judged}
        floor = floor_of(images, verdicts, rules.min_keep, facts.at)
    except SafetyStop as stop:
        kept = [keep(image, f"safety stop: {stop}") for image in images]
        return _group_plan(judging, key, kept, stop=f"{key}: {stop}")
    by_id = {image.image.id: image.image for image in images}
    decided = [
        decide(image, verdicts.get(image.image.id), facts.stuck, by_id, facts.at)
        for image in images
    ]
    return _group_plan(judging, key, decided, floor=floor)


def _group_plan(
    judging: _Judging,
    key: GroupKey,
    decided: Iterable[Decision],
    *,
    floor: tuple[Image, ...] = (),
    orphaned: Orphanhood | None = None,
    stop: str = "",
) -> GroupPlan:
    """Sort what was decided."""
    kept: list[Kept] = []
    expired: list[Expired] = []
    failed: list[Failed] = []
    for decision in decided:
        match decision:
            case Kept() as stays:
                kept.append(stays)
            case Expired() as goes:
                expired.append(goes)
            case Failed() as goes:
                failed.append(goes)
            case never:
                assert_never(never)
    return GroupPlan(
        key=key,
        digest=judging.rules.of(key),
        is_covered=key in judging.rules.covered,
        kept=tuple(kept),
        expired=tuple(expired),
        failed=tuple(failed),
        floor=floor,
        orphaned=orphaned,
        stop=stop,
    )
