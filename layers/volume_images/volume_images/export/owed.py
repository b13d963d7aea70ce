"""Which slots are owed at a tick: the newest due one of each volume, and the older ones missed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from volume_images.config.schema import Config
from volume_images.config.selection import Member
from volume_images.export.changes import FirstSeen
from volume_images.export.cloud_changes import Reschedule
from volume_images.export.draft import changed
from volume_images.export.state import ExportState, FormerSchedule, Waiting
from volume_images.export.timetable import Timetable, schedule_texts, start_by
from volume_images.model import GroupKey
from volume_images.schedule import newest_slot

TICK = timedelta(minutes=10)
"""An edited schedule came into force at most one tick before the first run that saw it."""

_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Owed:
    """One slot of one group that somebody waits for; not to be started after `start_by`."""

    group: GroupKey
    slot: datetime
    start_by: datetime
    label: str
    waiting: bool


@dataclass(frozen=True, slots=True)
class Overdue:
    """A slot that a newer one has overtaken: missed, unless an image of it turns up."""

    group: GroupKey
    slot: datetime


@dataclass(frozen=True, slots=True)
class Debt:
    """All that is owed to one cloud's volumes, and what is seen for the first time."""

    owed: tuple[Owed, ...]
    overdue: tuple[Overdue, ...] = ()
    first_seen: tuple[FirstSeen, ...] = ()
    edits: tuple[Reschedule, ...] = ()


def debt(
    config: Config, state: ExportState, members: Sequence[Member], *, at: datetime, now: datetime
) -> Debt:
    """Say which slots are owed: by the schedules as of `at`, and what waits besides.

    `at` is the trigger's time and chooses slots; `now` is the clock's. A volume seen under a
    policy for the first time is owed the newest slot if that may still be started, none before.
    """
    owed: dict[tuple[GroupKey, datetime], Owed] = {
        (one.group, one.slot): one for one in _waiting(config, state.waiting.values(), members)
    }
    overdue: list[Overdue] = []
    first_seen: list[FirstSeen] = []
    edits = _edits(config, state, members, at)
    known = changed(state, edits) if edits else state
    covering = {member.policy for member in members}
    timetables = {
        name: Timetable(policy, known.former_schedules.get(name, ()), at)
        for name, policy in config.policies.items()
        if policy.schedule is not None and name in covering
    }
    for member in members:
        timetable = timetables.get(member.policy)
        if timetable is None or timetable.newest is None:
            continue
        group = member.group
        accounted = state.record(group).accounted_until
        before = _accounted_before(config, state, group) if accounted is None else None
        if before is not None:
            due = timetable.due(before)
            first_seen.append(FirstSeen(group, before, member.policy, timetable.text))
        elif accounted is None:
            due = timetable.first(now)
            owed_after = timetable.newest - _MOMENT if due.newest else timetable.newest
            first_seen.append(FirstSeen(group, owed_after, member.policy, timetable.text))
        else:
            due = timetable.due(accounted)
        overdue += [Overdue(group, slot) for slot in due.older]
        if due.newest is not None:
            start_by = timetable.start_by(due.newest)
            one = Owed(group, due.newest, start_by, member.label_name, waiting=False)
            owed[group, due.newest] = one
    return Debt(tuple(owed.values()), tuple(overdue), tuple(first_seen), edits)


def _accounted_before(config: Config, state: ExportState, group: GroupKey) -> datetime | None:
    """Return the last slot accounted for under a policy's former name: what it owed, is owed.

    None for a volume that is new under the policy, by whichever name.
    """
    for former in config.policies[group.policy].formerly:
        accounted = state.record(replace(group, policy=former)).accounted_until
        if accounted and former in state.schedules:
            return accounted
    return None


def _edits(
    config: Config, state: ExportState, members: Sequence[Member], at: datetime
) -> tuple[Reschedule, ...]:
    """Say which schedules were edited since the look before: each in force since a tick ago.

    A policy that no look knew, nor any volume was seen under, was not edited: it is new. One that
    was renamed as well had its schedule under its former name.
    """
    texts = schedule_texts(config)
    before = {name: _schedule_before(config, state, name) for name in texts}
    other = {name for name, text in texts.items() if before[name] != text}
    if not other:
        return ()
    seen = _seen_under(state, members)
    return tuple(
        Reschedule(
            name,
            texts[name],
            FormerSchedule(text=before[name] or "", until=at - TICK),
        )
        for name in sorted(other)
        if before[name] is not None or name in seen
    )


def _schedule_before(config: Config, state: ExportState, policy: str) -> str | None:
    """Return the schedule that the newest look knew of a policy; None where it knew none."""
    names = (policy, *config.policies[policy].formerly)
    return next((state.schedules[name] for name in names if name in state.schedules), None)


def _seen_under(state: ExportState, members: Sequence[Member]) -> set[str]:
    """Return the policies under which a run has seen a volume."""
    groups = (member.group for member in members)
    return {group.policy for group in groups if state.record(group).accounted_until}


def waiting_debt(
    config: Config, state: ExportState, members: Sequence[Member], keys: frozenset[str]
) -> Debt:
    """Say what is owed of the accepted slots `keys` alone, whatever the schedules say."""
    waiting = [entry for key, entry in state.waiting.items() if key in keys]
    return Debt(tuple(_waiting(config, waiting, members)))


def newest_slots(
    config: Config, members: Sequence[Member], at: datetime
) -> Iterator[tuple[GroupKey, datetime]]:
    """Yield each volume's newest slot as of `at`, whether anything is owed for it or not."""
    newest = {
        name: newest_slot(policy.schedule, policy.timezone, at)
        for name, policy in config.policies.items()
        if policy.schedule is not None
    }
    for member in members:
        slot = newest.get(member.policy)
        if slot is not None:
            yield member.group, slot


def _waiting(config: Config, waiting: Iterable[Waiting], members: Sequence[Member]) -> list[Owed]:
    labels = {(member.policy, member.volume_id): member.label_name for member in members}
    found: list[Owed] = []
    for entry in waiting:
        group = entry.group
        label = labels.get((group.policy, group.volume_id))
        if label is not None:
            limit = start_by(config.policies[group.policy], entry.slot, outside_schedule=True)
            found.append(Owed(group, entry.slot, limit, label, waiting=True))
    return found
