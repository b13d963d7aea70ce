"""Which slots are owed at a tick: the newest due one of each volume, and the older ones missed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from volume_images.config.schema import Config, Policy
from volume_images.config.selection import Member
from volume_images.export.changes import FirstSeen
from volume_images.export.cloud_changes import Reschedule
from volume_images.export.draft import changed
from volume_images.export.state import ExportState, FormerSchedule, Waiting, schedule_and_zone
from volume_images.model import GroupKey
from volume_images.schedule import newest_slot, next_slot, slots

DEFAULT_CATCH_UP = timedelta(hours=24)
"""For requests and for slots that a trigger names, where the policy gives no `catch_up`."""

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
        name: _Timetable(policy, known.former_schedules.get(name, ()), at)
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
    texts = {
        name: schedule_text(policy)
        for name, policy in config.policies.items()
        if policy.schedule is not None
    }
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


def start_by(policy: Policy, slot: datetime, *, outside_schedule: bool) -> datetime:
    """Return the time after which a slot is missed: its `catch_up`, else until the next slot."""
    if policy.catch_up is not None:
        return slot + policy.catch_up
    if outside_schedule or policy.schedule is None:
        return slot + DEFAULT_CATCH_UP
    following = next_slot(policy.schedule, policy.timezone, slot)
    return following if following is not None else slot + DEFAULT_CATCH_UP


def schedule_text(policy: Policy) -> str:
    """Return what identifies a schedule: an edit of it or of its time zone is a new one."""
    return f"{policy.schedule} {policy.timezone}"


@dataclass(frozen=True, slots=True)
class _Due:
    older: tuple[datetime, ...]
    newest: datetime | None


class _Timetable:
    """One policy's slots as of one time; volumes of equal standing share the computation."""

    def __init__(self, policy: Policy, formers: Sequence[FormerSchedule], at: datetime) -> None:
        self._policy = policy
        self._at = at
        self._formers = formers
        self._due: dict[datetime, _Due] = {}
        self.text = schedule_text(policy)
        self.newest = self._newest()

    def start_by(self, slot: datetime) -> datetime:
        return start_by(self._policy, slot, outside_schedule=False)

    def first(self, now: datetime) -> _Due:
        """Return what a volume seen for the first time is owed."""
        assert self.newest is not None
        may_start = now <= self.start_by(self.newest)
        return _Due((), self.newest if may_start else None)

    def due(self, accounted: datetime) -> _Due:
        """Return what is owed since a slot that is accounted for."""
        if accounted not in self._due:
            has_newer = self.newest is not None and accounted < self.newest
            self._due[accounted] = self._compute(accounted) if has_newer else _Due((), None)
        return self._due[accounted]

    def _compute(self, accounted: datetime) -> _Due:
        found: list[datetime] = []
        begin = accounted
        for text, until in self._in_force():
            found += _slots_of(text, begin, min(until, self._at))
            begin = max(begin, until)
        return _Due(tuple(found[:-1]), found[-1] if found else None)

    def _newest(self) -> datetime | None:
        """Return the newest slot by whichever schedule was in force then."""
        since = [former.until for former in self._formers]
        spans = zip(self._in_force(), [None, *since], strict=True)
        for (text, until), begin in reversed(list(spans)):
            if not text:
                continue
            schedule, timezone = schedule_and_zone(text)
            newest = newest_slot(schedule, timezone, min(until, self._at))
            if newest is not None and (begin is None or newest > begin):
                return newest
        return None

    def _in_force(self) -> list[tuple[str, datetime]]:
        """Return the schedules, oldest first, and until when each was in force."""
        formers = [(former.text, former.until) for former in self._formers]
        return [*formers, (self.text, self._at)]


def _slots_of(text: str, after: datetime, until: datetime) -> Iterable[datetime]:
    schedule, timezone = schedule_and_zone(text)
    return slots(schedule, timezone, after, until) if schedule else ()


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
