"""Which slots are owed at a tick: the newest due one of each volume, and the older ones missed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.config.schema import Config, Policy
from volume_images.config.selection import Member
from volume_images.export.changes import FirstSeen
from volume_images.export.state import ExportState, Waiting
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
    reason: str


@dataclass(frozen=True, slots=True)
class Debt:
    """All that is owed to one cloud's volumes, and what is seen for the first time."""

    owed: tuple[Owed, ...]
    overdue: tuple[Overdue, ...]
    first_seen: tuple[FirstSeen, ...]


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
    timetables = {
        name: _Timetable(policy, state.schedules.get(name), at)
        for name, policy in config.policies.items()
        if policy.schedule is not None
    }
    for member in members:
        timetable = timetables.get(member.policy)
        if timetable is None or timetable.newest is None:
            continue
        group = GroupKey(member.policy, requested=False, volume_id=member.volume_id)
        accounted = state.record(group).accounted_until
        if accounted is None:
            due = timetable.first(now)
            owed_after = timetable.newest - _MOMENT if due.newest else timetable.newest
            first_seen.append(FirstSeen(str(group), owed_after, member.policy, timetable.text))
        else:
            due = timetable.due(accounted)
        overdue += [Overdue(group, slot, due.reason) for slot in due.older]
        if due.newest is not None:
            start_by = timetable.start_by(due.newest)
            one = Owed(group, due.newest, start_by, member.label_name, waiting=False)
            owed[group, due.newest] = one
    return Debt(tuple(owed.values()), tuple(overdue), tuple(first_seen))


def waiting_debt(
    config: Config, state: ExportState, members: Sequence[Member], keys: frozenset[str]
) -> Debt:
    """Say what is owed of the accepted slots `keys` alone, whatever the schedules say."""
    waiting = [entry for key, entry in state.waiting.items() if key in keys]
    return Debt(tuple(_waiting(config, waiting, members)), (), ())


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
            yield GroupKey(member.policy, requested=False, volume_id=member.volume_id), slot


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
    reason: str


class _Timetable:
    """One policy's slots as of one time; volumes of equal standing share the computation."""

    def __init__(self, policy: Policy, seen: str | None, at: datetime) -> None:
        assert policy.schedule is not None
        self._policy = policy
        self._schedule = policy.schedule
        self._at = at
        self._seen = seen
        self._due: dict[datetime, _Due] = {}
        self.text = schedule_text(policy)
        self.newest = newest_slot(policy.schedule, policy.timezone, at)

    def start_by(self, slot: datetime) -> datetime:
        return start_by(self._policy, slot, outside_schedule=False)

    def first(self, now: datetime) -> _Due:
        """Return what a volume seen for the first time is owed."""
        assert self.newest is not None
        may_start = now <= self.start_by(self.newest)
        return _Due((), self.newest if may_start else None, "")

    def due(self, accounted: datetime) -> _Due:
        """Return what is owed since a slot that is accounted for."""
        if accounted not in self._due:
            self._due[accounted] = self._compute(accounted)
        return self._due[accounted]

    def _compute(self, accounted: datetime) -> _Due:
        if self._seen == self.text:
            found = list(slots(self._schedule, self._policy.timezone, accounted, self._at))
            return _Due(tuple(found[:-1]), found[-1] if found else None, "overtaken")
        in_force = max(accounted, self._at - TICK)
        found = list(slots(self._schedule, self._policy.timezone, in_force, self._at))
        older = (*self._owed_before(accounted, in_force), *found[:-1])
        return _Due(older, found[-1] if found else None, "schedule_changed")

    def _owed_before(self, accounted: datetime, in_force: datetime) -> Iterable[datetime]:
        """Return what the schedule before the edit still owes; there may have been none."""
        if self._seen is None:
            return ()
        schedule, _, timezone = self._seen.rpartition(" ")
        return slots(schedule, timezone, accounted, in_force)


def _waiting(config: Config, waiting: Iterable[Waiting], members: Sequence[Member]) -> list[Owed]:
    labels = {(member.policy, member.volume_id): member.label_name for member in members}
    found: list[Owed] = []
    for entry in waiting:
        group = GroupKey.parse(entry.group)
        label = labels.get((group.policy, group.volume_id))
        if label is not None:
            limit = start_by(config.policies[group.policy], entry.slot, outside_schedule=True)
            found.append(Owed(group, entry.slot, limit, label, waiting=True))
    return found
