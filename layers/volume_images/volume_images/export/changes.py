"""Every change of what the exporter remembers of a group or an image, one fact each.

They carry values, not increments, so that applying one twice is applying it once: a write that
loses against another run's is made again from the newer state with the same changes.
"""

from dataclasses import dataclass
from datetime import datetime

from volume_images.export.draft import Draft
from volume_images.export.state import (
    Missed,
    NewestGood,
    Refusal,
    Stuck,
    UnderWay,
    Unmarked,
    Waiting,
    slot_key,
)
from volume_images.model import GroupKey


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """A volume is seen under a policy for the first time: slots after this instant are owed."""

    group: GroupKey
    owed_after: datetime
    policy: str
    schedule: str

    def apply(self, draft: Draft) -> None:
        """Keep what is known if another run saw it first."""
        draft.schedules.setdefault(self.policy, self.schedule)
        if draft.record(self.group).accounted_until is None:
            draft.update(self.group, accounted_until=self.owed_after)


@dataclass(frozen=True, slots=True)
class Accounted:
    """Every slot of the group up to this one needs nothing more."""

    group: GroupKey
    slot: datetime

    def apply(self, draft: Draft) -> None:
        """Move forward only; what waited for such a slot waits no more."""
        record = draft.record(self.group)
        draft.update(self.group, accounted_until=_later(record.accounted_until, self.slot))
        draft.waiting.pop(slot_key(self.group, self.slot), None)


@dataclass(frozen=True, slots=True)
class FoundGood:
    """The group has a good image: what went wrong before no longer counts."""

    group: GroupKey
    good: NewestGood

    def apply(self, draft: Draft) -> None:
        """Keep the newest."""
        known = draft.record(self.group).newest_good
        if known is None or known.slot < self.good.slot:
            draft.update(
                self.group,
                newest_good=self.good,
                failures=0,
                failed_at=None,
                failure="",
                refusal=None,
                unanswered_at=None,
            )
        draft.stuck.pop(self.good.image_id, None)


@dataclass(frozen=True, slots=True)
class Miss:
    """A slot that will not be exported any more; kept until a written report says so."""

    missed: Missed

    def apply(self, draft: Draft) -> None:
        """Account for it and remember to report it."""
        key = slot_key(self.missed.group, self.missed.slot)
        draft.missed[key] = self.missed
        Accounted(self.missed.group, self.missed.slot).apply(draft)


@dataclass(frozen=True, slots=True)
class Reported:
    """These missed slots stand in a report that was written."""

    keys: tuple[str, ...]

    def apply(self, draft: Draft) -> None:
        """Forget them."""
        for key in self.keys:
            draft.missed.pop(key, None)


@dataclass(frozen=True, slots=True)
class Accept:
    """An export outside the schedule is accepted: from now on it is owed."""

    waiting: Waiting

    def apply(self, draft: Draft) -> None:
        """Add it once."""
        draft.waiting.setdefault(slot_key(self.waiting.group, self.waiting.slot), self.waiting)


@dataclass(frozen=True, slots=True)
class Intend:
    """An export is about to be POSTed; `posts` counts those for this slot, this one included.

    `outside_schedule` is one that waits beside it: requested, or its slot named.
    """

    entry: UnderWay
    posts: int
    outside_schedule: bool = False

    def apply(self, draft: Draft) -> None:
        """Write the intent, count the attempt, and give the others the next turn."""
        draft.single["schedule_has_turn"] = self.outside_schedule
        draft.under_way[self.entry.image_name] = self.entry
        draft.update(self.entry.group, posts_slot=self.entry.slot, posts=self.posts)


@dataclass(frozen=True, slots=True)
class Follow:
    """An export that is under way, now known under its image's id."""

    entry: UnderWay

    def apply(self, draft: Draft) -> None:
        """Replace the intent, or take in what another run started."""
        draft.under_way[self.entry.image_name] = self.entry


@dataclass(frozen=True, slots=True)
class Leave:
    """An export is settled, or was never sent."""

    image_name: str

    def apply(self, draft: Draft) -> None:
        """Free its place."""
        draft.under_way.pop(self.image_name, None)
        draft.late.pop(self.image_name, None)


@dataclass(frozen=True, slots=True)
class RunLate:
    """An export is long beyond its deadline, and its volume still uploading."""

    entry: UnderWay

    def apply(self, draft: Draft) -> None:
        """Free its place, but follow it to its end."""
        draft.under_way.pop(self.entry.image_name, None)
        draft.late[self.entry.image_name] = self.entry


@dataclass(frozen=True, slots=True)
class Fail:
    """An export of the group failed; `failures` in a row, this one included."""

    group: GroupKey
    failures: int
    at: datetime
    reason: str

    def apply(self, draft: Draft) -> None:
        """Space the next attempts."""
        draft.update(self.group, failures=self.failures, failed_at=self.at, failure=self.reason)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The cloud, or our own check, refused an export of the group."""

    group: GroupKey
    refusal: Refusal

    def apply(self, draft: Draft) -> None:
        """Remember under which facts."""
        draft.update(self.group, refusal=self.refusal)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A POST for the group got no answer, and no image of its name is listed."""

    group: GroupKey
    at: datetime

    def apply(self, draft: Draft) -> None:
        """Space the next attempt."""
        draft.update(self.group, unanswered_at=self.at)


@dataclass(frozen=True, slots=True)
class Stick:
    """An image is stuck."""

    image_id: str
    stuck: Stuck

    def apply(self, draft: Draft) -> None:
        """Keep when it was first found so: its removal counts from there."""
        draft.stuck.setdefault(self.image_id, self.stuck)
        Leave(self.stuck.image_name).apply(draft)


@dataclass(frozen=True, slots=True)
class Unstick:
    """A stuck image is gone, or turned active after all."""

    image_id: str

    def apply(self, draft: Draft) -> None:
        """Forget it."""
        draft.stuck.pop(self.image_id, None)


@dataclass(frozen=True, slots=True)
class MarkLater:
    """An image of ours that is to say so: since when, and why it does not yet."""

    image_id: str
    unmarked: Unmarked

    def apply(self, draft: Draft) -> None:
        """Keep since when; replace why."""
        known = draft.unmarked.get(self.image_id, self.unmarked)
        draft.unmarked[self.image_id] = self.unmarked.model_copy(update={"since": known.since})


@dataclass(frozen=True, slots=True)
class Marked:
    """An image says that it is ours, or never will."""

    image_id: str

    def apply(self, draft: Draft) -> None:
        """Ask for it no more."""
        draft.unmarked.pop(self.image_id, None)


@dataclass(frozen=True, slots=True)
class Say:
    """The newest outcome of a group, as it is written, so that only changes are logged."""

    group: str
    text: str

    def apply(self, draft: Draft) -> None:
        """Replace the one before."""
        draft.update(self.group, said=self.text)


@dataclass(frozen=True, slots=True)
class Forget:
    """Records that nothing refers to any more, by their keys."""

    keys: frozenset[str]

    def apply(self, draft: Draft) -> None:
        """Drop them: no entry lives without an end."""
        for key in self.keys:
            draft.records.pop(key, None)
