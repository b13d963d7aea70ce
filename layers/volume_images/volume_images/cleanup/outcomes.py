"""What a cleanup run says of each image, from its plan, its state and what was attempted."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from volume_images.cleanup.due import DueGroup, Standing, standing
from volume_images.cleanup.plan import CleanupPlan
from volume_images.cleanup.state import CleanupState, GroupRecord, record_key
from volume_images.recognition import Recognised
from volume_images.report import NO_DETAILS, Details, ImageResult, Outcome

_NOT_THERE = frozenset({ImageResult.DELETED, ImageResult.GONE})
_DERIVED = frozenset({ImageResult.KEPT, ImageResult.ANNOUNCED})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one image that was due."""

    image_id: str
    result: ImageResult
    reason: str


def outcomes(
    plan: CleanupPlan,
    state: CleanupState,
    due: Iterable[DueGroup],
    attempts: Iterable[Attempt],
    *,
    grace: timedelta,
) -> tuple[Outcome, ...]:
    """Say what became of every image of the groups that the plan looked at.

    `state` carries the plan. What is due and was not attempted is announced, with `due`: by a dry
    run, or because time ran out or the cloud went away.
    """
    attempted = {attempt.image_id: attempt for attempt in attempts}
    due_ids = {deletion.image.id for group in due for deletion in group.deletions}
    found: list[Outcome] = []
    for group in plan.groups:
        record = state.group(plan.project_id, group.key)
        orphaned = group.orphaned
        details = {"orphan_since": orphaned.since.isoformat()} if orphaned else NO_DETAILS
        found += [
            outcome_of(plan.cloud, entry.recognised, entry.result, entry.reason, details)
            for entry in group.kept
        ]
        for entry in group.to_go:
            image, image_id = entry.recognised, entry.image_id
            if image_id in attempted:
                attempt = attempted[image_id]
                found.append(outcome_of(plan.cloud, image, attempt.result, attempt.reason))
                continue
            stands = standing(record, image, grace)
            assert stands is not None  # the state carries the plan
            found.append(_announced(plan.cloud, image, stands, due=image_id in due_ids))
    return tuple(found)


def changed(
    plan: CleanupPlan, before: CleanupState, said: Iterable[Outcome]
) -> tuple[Outcome, ...]:
    """Return the outcomes that differ from what the run before said of the same image."""
    known = _records_by_image(plan, before)
    return tuple(
        outcome
        for outcome in said
        if outcome.result is not known[outcome.image_id].result_of(outcome.image_id)
    )


def not_there(said: Iterable[Outcome]) -> frozenset[str]:
    """Return the ids of the images that are not in the cloud any more."""
    return frozenset(one.image_id for one in said if one.result in _NOT_THERE)


def settled(state: CleanupState, plan: CleanupPlan, said: Collection[Outcome]) -> CleanupState:
    """Write what happened into a state: what is deleted leaves it, other results are noted.

    It may be a newer state than the one that the deletions were based on.
    """
    results = {outcome.image_id: outcome.result for outcome in said}
    absent = not_there(said)
    listed_gone = {
        entry.recognised.image.id
        for group in plan.groups
        for entry in group.kept
        if entry.result is ImageResult.GONE
    }
    groups = dict(state.groups)
    for group in plan.groups:
        key = record_key(plan.project_id, group.key)
        noted = {
            image_id: results[image_id]
            for image_id in sorted(group.image_ids)
            if results[image_id] not in _DERIVED
            and (image_id in listed_gone or image_id not in absent)
        }
        record = groups.get(key, GroupRecord()).without(absent)
        record = record.model_copy(update={"results": noted})
        if record.is_empty:
            groups.pop(key, None)
        else:
            groups[key] = record
    return state if groups == state.groups else state.model_copy(update={"groups": groups})


def _records_by_image(plan: CleanupPlan, state: CleanupState) -> Mapping[str, GroupRecord]:
    return {
        image_id: record
        for group in plan.groups
        for record in [state.group(plan.project_id, group.key)]
        for image_id in group.image_ids
    }


def _announced(cloud: str, image: Recognised, stands: Standing, *, due: bool) -> Outcome:
    details: dict[str, str | int | bool] = {
        "since": stands.since.isoformat(),
        "deletes_at": stands.deletes_at.isoformat(),
    }
    if due:
        details["due"] = True
    return outcome_of(cloud, image, ImageResult.ANNOUNCED, stands.reason, details)


def outcome_of(
    cloud: str,
    image: Recognised,
    result: ImageResult,
    reason: str,
    details: Details = NO_DETAILS,
) -> Outcome:
    """Say what became of one image."""
    return Outcome(
        cloud=cloud,
        result=result,
        reason=reason,
        policy=image.group.policy,
        volume_id=image.group.volume_id,
        slot=image.name.slot,
        image_id=image.image.id,
        image_name=image.image.name,
        details=details,
    )
