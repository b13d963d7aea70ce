"""The slots of one policy, by the schedules that were in force, and until when each may start."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.config.schema import Config, Policy
from volume_images.export.state import FormerSchedule, schedule_and_zone
from volume_images.schedule import newest_slot, next_slot, slots

DEFAULT_CATCH_UP = timedelta(hours=24)
"""For requests and for slots that a trigger names, where the policy gives no `catch_up`."""


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


def schedule_texts(config: Config) -> dict[str, str]:
    """Return the schedules of those policies that have one."""
    return {
        name: schedule_text(policy)
        for name, policy in config.policies.items()
        if policy.schedule is not None
    }


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed to a volume: the newest due slot, and the older ones that it has overtaken."""

    older: tuple[datetime, ...]
    newest: datetime | None


class Timetable:
    """One policy's slots as of one time; volumes of equal standing share the computation."""

    def __init__(self, policy: Policy, formers: Sequence[FormerSchedule], at: datetime) -> None:
        self._policy = policy
        self._at = at
        self._formers = formers
        self._due: dict[datetime, Due] = {}
        self.text = schedule_text(policy)
        self.newest = self._newest()

    def start_by(self, slot: datetime) -> datetime:
        """Return the time after which a slot of its schedule is missed."""
        return start_by(self._policy, slot, outside_schedule=False)

    def first(self, now: datetime) -> Due:
        """Return what a volume seen for the first time is owed."""
        assert self.newest is not None
        may_start = now <= self.start_by(self.newest)
        return Due((), self.newest if may_start else None)

    def due(self, accounted: datetime) -> Due:
        """Return what is owed since a slot that is accounted for."""
        if accounted not in self._due:
            has_newer = self.newest is not None and accounted < self.newest
            self._due[accounted] = self._compute(accounted) if has_newer else Due((), None)
        return self._due[accounted]

    def _compute(self, accounted: datetime) -> Due:
        found: list[datetime] = []
        begin = accounted
        for text, until in self._in_force():
            found += _slots_of(text, begin, min(until, self._at))
            begin = max(begin, until)
        return Due(tuple(found[:-1]), found[-1] if found else None)

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
