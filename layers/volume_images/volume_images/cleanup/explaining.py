"""What cleanup says of one image, and what would have to change for it to stay or to go."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from volume_images.cleanup.deciding import BEING_RESTORED, Decision, candidate
from volume_images.cleanup.due import Standing, standing
from volume_images.cleanup.plan import CleanupPlan, Expired, Failed, GroupPlan, JudgedCloud, Kept
from volume_images.config.schema import Config, Policy
from volume_images.model import GroupKey, ImageStatus
from volume_images.recognition import FOREIGN, ImageState, Recognised
from volume_images.report import ImageResult
from volume_images.retention.what_if import Case, goes_after, what_lets_go, what_would_keep
from volume_images.schedule import SLOT_AHEAD, slots

MOST_SLOTS = 4000
"""So many exports ahead are looked at: ten years of nightly ones."""

FARTHEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One image as cleanup sees it now.

    `standing` tells since when it is to go and at which time at the earliest; None if it stays.
    Each line of `to_stay` alone would keep an image that goes; each of `to_go` alone would let one
    go that stays.
    """

    cloud: str
    image: Recognised
    result: ImageResult
    reasons: str
    in_floor: bool
    standing: Standing | None
    to_stay: tuple[str, ...]
    to_go: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        image = self.image.image
        return {
            "image_id": image.id,
            "image_name": image.name,
            "cloud": self.cloud,
            "group": str(self.image.group),
            "slot": self.image.name.slot.isoformat(),
            "result": self.result.value,
            "reasons": self.reasons,
            "pinned": image.pinned,
            "protected": image.protected,
            "floor": self.in_floor,
            "announced_since": self.standing.since.isoformat() if self.standing else None,
            "deletes_at": self.standing.deletes_at.isoformat() if self.standing else None,
            "to_stay": list(self.to_stay),
            "to_go": list(self.to_go),
        }


def explain(config: Config, judged: JudgedCloud, image_id: str) -> Explanation | None:
    """Explain one image; None for one that no group of ours holds."""
    plan = judged.plan
    found = _found(plan, image_id)
    if found is None:
        return None
    group, entry = found
    stands = standing(
        judged.after.group(plan.project_id, group.key), entry.recognised, judged.grace
    )
    goes = isinstance(entry, Expired | Failed)
    if isinstance(entry, Kept):
        result, reasons = entry.result, entry.reason
    else:
        result, reasons = ImageResult.ANNOUNCED, stands.reason if stands else ""
    case = _case(config, plan, group)
    return Explanation(
        cloud=plan.cloud,
        image=entry.recognised,
        result=result,
        reasons=reasons,
        in_floor=any(image.id == image_id for image in group.floor),
        standing=stands if goes else None,
        to_stay=tuple(_to_stay(entry, group.key, case)) if goes else (),
        to_go=() if goes else tuple(_to_go(entry, group, case, config)),
    )


def _found(plan: CleanupPlan, image_id: str) -> tuple[GroupPlan, Decision] | None:
    for group in plan.groups:
        for entry in (*group.kept, *group.to_go):
            if entry.recognised.image.id == image_id:
                return group, entry
    return None


def _case(config: Config, plan: CleanupPlan, group: GroupPlan) -> Case | None:
    """Return what a covered group is judged by; None for orphans, which no policy judges."""
    if not group.is_covered:
        return None
    policy = config.policies[group.key.policy]
    return Case(
        images=[candidate(image) for image in group.images if image.state is not ImageState.GONE],
        rules=policy.rules(group.key.requested),
        timezone=policy.timezone,
        now=plan.now,
    )


def _to_stay(entry: Decision, key: GroupKey, case: Case | None) -> Iterator[str]:
    image_id = entry.recognised.image.id
    if isinstance(entry, Expired) and case is not None:
        if entry.winner is not None:
            alone = case.without(entry.winner.id).verdict(image_id)
            if alone is not None and alone.keep:
                yield f"without image {entry.winner.id}: {', '.join(alone.reasons)}"
        else:
            yield from (bound.enough for bound in what_would_keep(case, image_id))
    elif isinstance(entry, Expired):
        yield f"a policy {key.policy} in the config that covers the volume, and keeps it"
    yield f"volume-images pin {image_id}"


def _to_go(entry: Decision, group: GroupPlan, case: Case | None, config: Config) -> Iterator[str]:
    image = entry.recognised
    if image.state is ImageState.UNKNOWN:
        yield _known_by(image)
    elif image.state is ImageState.GONE:
        return
    elif group.stop:
        yield "nothing of this group goes until what stopped it is put right"
    elif image.image.pinned or image.image.protected:
        mark = "pin" if image.image.pinned else "protection"
        yield f"without its {mark}: {_unheld(image, case)}"
    elif isinstance(entry, Kept) and entry.reason == BEING_RESTORED:
        yield "once its restore has ended, as the rules say"
    elif image.state is ImageState.PENDING:
        yield "once its export has ended, as the rules say"
    elif case is None:
        yield f"volume-images forget {group.key.policy}, or {group.key.volume_id}"
        if config.orphans is None:
            yield "orphans: {after, keep} in the config"
    elif image.name.slot > case.now + SLOT_AHEAD:
        yield "once its slot has come, as the rules say"
    else:
        yield from _by_rules(image, group.key, case, config.policies[group.key.policy])


def _known_by(image: Recognised) -> str:
    if image.why.startswith(f"{FOREIGN} "):
        return f"{image.why.removeprefix(f'{FOREIGN} ')} in former_deployments of the config"
    if image.image.status != ImageStatus.ACTIVE:
        return "once its status is another"
    return f"volume-images adopt {image.image.id}, then as the rules say"


def _unheld(image: Recognised, case: Case | None) -> str:
    if case is None:
        return "as any orphan"
    if image.state is ImageState.FAILED:
        return "failed"
    verdict = case.without_marks(image.image.id).verdict(image.image.id)
    return ", ".join(verdict.reasons) if verdict is not None else "as the group's safety stop says"


def _by_rules(image: Recognised, key: GroupKey, case: Case, policy: Policy) -> Iterator[str]:
    image_id = image.image.id
    if bounds := what_lets_go(case, image_id):
        yield " and ".join(bound.too_little for bound in bounds)
    ahead, assumed = _slots_ahead(key, policy, case.now)
    count = goes_after(case, image_id, ahead)
    if count is not None:
        newer = f"{count} newer image{'s' if count > 1 else ''}"
        yield f"{newer} {assumed}: about {ahead[count - 1]:%Y-%m-%d %H:%MZ}, then after the grace"


def _slots_ahead(key: GroupKey, policy: Policy, now: datetime) -> tuple[list[datetime], str]:
    """Return slots to come: the schedule's, or one a day where nothing is scheduled."""
    if policy.schedule is None or key.requested:
        return [now + timedelta(days=day) for day in range(1, MOST_SLOTS + 1)], "of one a day"
    ahead = slots(policy.schedule, policy.timezone, now, now + FARTHEST)
    return list(islice(ahead, MOST_SLOTS)), "by the schedule"
