"""What a look at a cloud leaves behind: when to look again, what to give up and to forget."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from volume_images.config.selection import Member
from volume_images.export.changes import Forget, Miss
from volume_images.export.cloud_changes import Looked, LookSoon
from volume_images.export.draft import Change
from volume_images.export.errand import Errand
from volume_images.export.marks import MARK_EVERY
from volume_images.export.planning import ExportPlan
from volume_images.export.state import ExportState, FormerSchedule, Missed
from volume_images.export.timetable import schedule_texts
from volume_images.model import GroupKey
from volume_images.schedule import next_slot

LOOK_AT_LEAST = timedelta(hours=24)
DISCOVER_EVERY = timedelta(hours=1)
STUCK_EVERY = timedelta(hours=1)


def closing(
    errand: Errand,
    plan: ExportPlan,
    state: ExportState,
    members: Sequence[Member],
    now: datetime,
) -> list[Change]:
    """Return the changes that end a look; `state` is what it leaves.

    Only a look at the whole cloud may say how long nothing will be due.
    """
    if not errand.whole:
        return [LookSoon(now)]
    looked = Looked(
        at=now,
        next_look=_next_look(errand, plan, state, members, now),
        config_version=errand.world.config_version,
        schedules=schedule_texts(errand.world.config),
        former_schedules=_still_owing(state, members),
    )
    return [Forget(_over(state, members)), looked]


def uncovered(state: ExportState, members: Sequence[Member]) -> list[Miss]:
    """Give up what waits for a volume or a policy that left the config: it will never start."""
    covered = _covered(members)
    return [
        Miss(Missed(group=waiting.group, slot=waiting.slot, reason="left_the_config"))
        for waiting in state.waiting.values()
        if waiting.group not in covered
    ]


def _still_owing(
    state: ExportState, members: Sequence[Member]
) -> dict[str, tuple[FormerSchedule, ...]]:
    """Keep a former schedule until all that was due by it is accounted for."""
    owing = {}
    for policy, formers in state.former_schedules.items():
        records = (state.record(member.group) for member in members if member.policy == policy)
        accounted = [one.accounted_until for one in records if one.accounted_until is not None]
        oldest = min(accounted, default=None)
        left = tuple(former for former in formers if oldest is None or former.until > oldest)
        if left and accounted:
            owing[policy] = left
    return owing


def _next_look(
    errand: Errand,
    plan: ExportPlan,
    state: ExportState,
    members: Sequence[Member],
    now: datetime,
) -> datetime:
    config = errand.world.config
    looks = [now + LOOK_AT_LEAST]
    looks += [decision.look_at for decision in plan.decisions if decision.look_at is not None]
    if plan.steps or state.under_way or state.waiting:
        looks.append(now)  # whatever came of the steps, the next tick settles it
    if state.stuck or state.late:
        looks.append(now + STUCK_EVERY)
    if state.unmarked:
        looks.append(now + MARK_EVERY)
    if any(entry.cloud == errand.cloud for entry in config.discover):
        looks.append(now + DISCOVER_EVERY)
    for name in {member.policy for member in members}:
        policy = config.policies[name]
        if policy.schedule is not None:
            following = next_slot(policy.schedule, policy.timezone, errand.at)
            looks += [following] if following else []
    return min(looks)


def _over(state: ExportState, members: Sequence[Member]) -> frozenset[str]:
    """Return the records that nothing refers to any more: no entry lives without an end."""
    followed = (*state.under_way.values(), *state.late.values())
    used = _covered(members) | {entry.group for entry in followed}
    used |= {entry.group for entry in state.waiting.values()}
    return frozenset(state.records.keys() - {str(group) for group in used})


def _covered(members: Sequence[Member]) -> frozenset[GroupKey]:
    scheduled = [member.group for member in members]
    return frozenset(scheduled).union(replace(group, requested=True) for group in scheduled)
