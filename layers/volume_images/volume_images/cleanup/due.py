"""Which images have stood announced for the whole grace, and what their deletion rests on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.cleanup.plan import CleanupPlan, Expired, GroupPlan
from volume_images.cleanup.state import CleanupState, GroupRecord
from volume_images.model import Image
from volume_images.recognition import ImageState, Recognised

FAILED_WAIT = timedelta(hours=24)
"""The image of a failed export goes so long after it was first seen failed, or found stuck."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How long an image has waited for its deletion, why it goes, and when it may."""

    since: datetime
    deletes_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """One image to delete; a duplicate only while the `winner` of its slot is as it was."""

    image: Image
    winner: Image | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class DueGroup:
    """What to delete of one group, in that order, and the good images that this rests on."""

    floor: tuple[Image, ...]
    deletions: tuple[Deletion, ...]


def due_groups(
    state: CleanupState, plan: CleanupPlan, *, grace: timedelta, without_wait: frozenset[str]
) -> tuple[DueGroup, ...]:
    """Return what may be deleted now: what the plan has to go and the state carries long enough.

    `state` is the one that was written with this plan in it. Volumes in `without_wait` skip the
    wait and nothing else. What has waited longest comes first, so that no group starves when time
    runs out.
    """
    groups = [
        DueGroup(group.floor, deletions)
        for group in plan.groups
        if (deletions := _due_of(state, plan, group, grace, without_wait))
    ]
    return tuple(
        sorted(
            groups,
            key=lambda group: min(deletion.standing.deletes_at for deletion in group.deletions),
        )
    )


def standing(record: GroupRecord, image: Recognised, grace: timedelta) -> Standing | None:
    """Return how an image stands in a group's record; None where the record does not carry it."""
    image_id = image.image.id
    if image_id in record.announced:
        announced = record.announced[image_id]
        return Standing(announced.since, announced.since + grace, announced.reason)
    if image_id in record.failed_since:
        since = record.failed_since[image_id]
        word = "stuck" if image.state is ImageState.PENDING else "failed"
        return Standing(since, since + FAILED_WAIT, f"{word} since {since:%Y-%m-%dT%H:%M:%SZ}")
    return None


def _due_of(
    state: CleanupState,
    plan: CleanupPlan,
    group: GroupPlan,
    grace: timedelta,
    without_wait: frozenset[str],
) -> tuple[Deletion, ...]:
    record = state.group(plan.project_id, group.key)
    at_once = group.key.volume_id in without_wait
    return tuple(
        Deletion(
            image=entry.recognised.image,
            winner=entry.winner if isinstance(entry, Expired) else None,
            standing=stands,
        )
        for entry in group.to_go
        if (stands := standing(record, entry.recognised, grace)) is not None
        and (at_once or stands.deletes_at <= plan.now)
    )
