"""Which images of a cloud stay, which expire, and why: facts in, plan out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from volume_images.cleanup.freshness import SLOT_AHEAD, Covered, newest_slot
from volume_images.cleanup.plan import (
    CleanupPlan,
    CloudFacts,
    Expired,
    Failed,
    GroupPlan,
    Kept,
    Scope,
)
from volume_images.cleanup.rule_digest import rule_digests
from volume_images.cleanup.state import VolumeFacts
from volume_images.config.schema import Config
from volume_images.config.selection import Member, discovered, members
from volume_images.errors import SafetyStop
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, Image
from volume_images.recognition import Identity, ImageState, Recognised, identity, recognise
from volume_images.report import ImageResult
from volume_images.retention.judging import Candidate, State, Verdict, judge


def plan_cleanup(
    config: Config, config_version: str, deployment_id: str, facts: CloudFacts, scope: Scope
) -> CleanupPlan:
    """Plan for every image of ours in one cloud project; strangers do not appear at all.

    Images of a volume under a policy that does not cover it any more are orphans: not judged, kept.
    """
    images = _recognised(facts, identity(config, facts.project_id, deployment_id))
    found = discovered(config, facts.cloud, tuple(facts.volumes.values()))
    covering = members(config, facts.cloud, found)
    digests = rule_digests(config, facts.cloud, covering)
    groups = tuple(
        _judged(config, key, digests[key], group, facts)
        if key in digests
        else _orphaned(config, key, group)
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
    found: list[Recognised] = []
    for image in facts.images:
        name = ImageName.parse(image.name)
        if name is None:
            continue
        recognised = recognise(image, ours, facts.volumes.get(name.volume_id))
        if recognised is not None:
            found.append(recognised)
    return found


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


def _orphaned(config: Config, key: GroupKey, images: Sequence[Recognised]) -> GroupPlan:
    why = (
        f"policy {key.policy} does not cover this volume"
        if key.policy in config.policies
        else f"no policy {key.policy} in the config"
    )
    return GroupPlan(
        key=key, digest=None, kept=tuple(_kept(image, f"orphan: {why}") for image in images)
    )


def _judged(
    config: Config, key: GroupKey, digest: str, images: Sequence[Recognised], facts: CloudFacts
) -> GroupPlan:
    policy = config.policies[key.policy]
    rules = policy.rules(requested=key.requested)
    candidates = [_candidate(image) for image in images if image.state is not ImageState.GONE]
    try:
        judged = judge(candidates, rules, timezone=policy.timezone, now=facts.at)
        verdicts = {verdict.id: verdict for verdict in judged}
        floor = floor_of(images, verdicts, rules.min_keep, facts.at)
    except SafetyStop as stop:
        kept = tuple(_kept(image, f"safety stop: {stop}") for image in images)
        return GroupPlan(key=key, digest=digest, kept=kept, stop=f"{key}: {stop}")
    by_id = {image.image.id: image.image for image in images}
    kept_images: list[Kept] = []
    expired: list[Expired] = []
    failed: list[Failed] = []
    for image in images:
        match _decide(image, verdicts.get(image.image.id), facts.stuck, by_id):
            case Kept() as stays:
                kept_images.append(stays)
            case Expired() as goes:
                expired.append(goes)
            case Failed() as goes:
                failed.append(goes)
            case never:
                assert_never(never)
    return GroupPlan(
        key=key,
        digest=digest,
        kept=tuple(kept_images),
        expired=tuple(expired),
        failed=tuple(failed),
        floor=floor,
    )


def _decide(
    image: Recognised,
    verdict: Verdict | None,
    stuck: Mapping[str, datetime],
    by_id: Mapping[str, Image],
) -> Kept | Expired | Failed:
    """Decide about one image of a judged group; what is not good never goes by retention."""
    held = image.image.pinned or image.image.protected
    stuck_since = stuck.get(image.image.id)
    match image.state:
        case ImageState.FAILED if not held:
            return Failed(image, None)
        case ImageState.PENDING if stuck_since is not None and not held:
            return Failed(image, stuck_since)
        case ImageState.GOOD if verdict is not None and not verdict.keep:
            winner = by_id[verdict.duplicate_of] if verdict.duplicate_of else None
            return Expired(image, ", ".join(verdict.reasons), winner)
    reasons = verdict.reasons if verdict is not None else ()
    return _kept(image, ", ".join(reasons))


def _kept(image: Recognised, reason: str) -> Kept:
    """Keep an image; one that nobody can say anything good of is reported as what it is."""
    match image.state:
        case ImageState.GONE:
            return Kept(image, ImageResult.GONE, image.image.status)
        case ImageState.UNKNOWN:
            return Kept(image, ImageResult.UNKNOWN, f"unknown: {image.why}")
        case ImageState.GOOD | ImageState.PENDING | ImageState.FAILED:
            return Kept(image, ImageResult.KEPT, reason)
        case never:
            assert_never(never)


def _candidate(image: Recognised) -> Candidate:
    return Candidate(
        id=image.image.id,
        time=image.name.slot,
        created_at=image.image.created_at,
        state=State(image.state.value),
        pinned=image.image.pinned,
        protected=image.image.protected,
        why=image.why,
    )
