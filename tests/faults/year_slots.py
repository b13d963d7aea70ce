"""Which slots a simulated fleet is owed, worked out without the product's own schedules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.faults.invariants import Slot
from tests.faults.oracle import due_times
from volume_images.model import GroupKey

TICK = timedelta(minutes=10)
LOOKS_BACK = timedelta(days=4)
"""Longer than any `catch_up` of these policies, and any outage."""


@dataclass(frozen=True, slots=True)
class Span:
    """A policy covers a volume by one schedule for a while.

    One that `catches_up` says for how long a slot may be started, and LOOKS_BACK is longer. With
    any other, a slot may be started until the next one comes: that may be a month.
    """

    cloud: str
    group: GroupKey
    schedule: str
    timezone: str
    catches_up: bool
    since: datetime
    until: datetime | None = None

    def slots(self, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield each slot that nobody waits for any more, and since when, at the earliest."""
        times = due_times(self.schedule, self.timezone, self.since, min(self.until or until, until))
        return zip(times, times, strict=True) if self.catches_up else pairwise(times)


@dataclass(slots=True)
class Owing:
    """Takes note of who is owed what, and of when it could not be known any more.

    `_unknown` are the times of which nobody can tell what was owed in a cloud: a state was lost,
    or a volume came back under a policy, and no run has looked since.
    """

    first: datetime
    _spans: list[Span] = field(default_factory=list)
    _closed: list[Span] = field(default_factory=list)
    _requested: list[tuple[str, GroupKey, datetime]] = field(default_factory=list)
    _lost_at: dict[str, datetime] = field(default_factory=dict)
    _unknown: list[tuple[str, GroupKey | None, datetime, datetime]] = field(default_factory=list)
    _gone: dict[str, datetime] = field(default_factory=dict)
    _places: dict[int, str] = field(default_factory=dict)

    def reads(
        self, document: Mapping[str, Any], at: datetime, discovered: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Take note of a config: what changes in it, changes at this moment."""
        wanted = {
            (span.group, span.schedule): span for span in self._read(document, discovered, at)
        }
        held = {(span.group, span.schedule): span for span in self._spans}
        for key, span in held.items():
            if key not in wanted:
                self._end(span, at)
        for key, span in wanted.items():
            if key not in held and span.group.volume_id not in self._gone:
                self._spans.append(span)
                self._doubt(span.cloud, span.group, at - LOOKS_BACK, at + 2 * TICK)

    def left(self, volume_id: str, at: datetime) -> None:
        """Take note that a discovered volume is gone."""
        self._gone[volume_id] = at
        for span in [one for one in self._spans if one.group.volume_id == volume_id]:
            self._end(span, at)

    def renamed(self, former: str, today: str) -> None:
        """Take note that a policy has another name: what it owed before, it owes under that."""

        def of_today(group: GroupKey) -> GroupKey:
            is_it = group.policy == former
            return GroupKey(today, group.requested, group.volume_id) if is_it else group

        for row in (self._spans, self._closed):
            row[:] = [replace(one, group=of_today(one.group)) for one in row]
        self._requested = [(cloud, of_today(group), slot) for cloud, group, slot in self._requested]
        self._unknown = [
            (cloud, of_today(group) if group else None, since, until)
            for cloud, group, since, until in self._unknown
        ]

    def requested(self, cloud: str, group: GroupKey, slot: datetime) -> None:
        """Take note of a request that was accepted."""
        self._requested.append((cloud, group, slot))

    def forgotten(self, cloud: str, at: datetime) -> None:
        """Take note that a state was lost: what was owed by then is not known any more."""
        self._lost_at.setdefault(cloud, at)

    def reached(self, cloud: str, at: datetime) -> None:
        """Take note that a run had a cloud's state: from here on it is known again."""
        lost_at = self._lost_at.pop(cloud, None)
        if lost_at is not None:
            self._doubt(cloud, None, lost_at - LOOKS_BACK, at)

    def due(self, until: datetime) -> Iterator[Slot]:
        """Yield every slot that must have been exported or reported as missed by now."""
        for span in (*self._closed, *self._spans):
            for slot, over in span.slots(until):
                if self._is_known(span.cloud, span.group, slot, over):
                    yield span.group, slot
        for cloud, group, slot in self._requested:
            is_there = group.volume_id not in self._gone
            if slot <= until and is_there and self._is_known(cloud, group, slot, slot):
                yield group, slot

    def _read(
        self, document: Mapping[str, Any], discovered: Mapping[str, tuple[str, ...]], at: datetime
    ) -> Iterator[Span]:
        listed = {
            entry["id"]: (entry["cloud"], tuple(entry["tags"])) for entry in document["volumes"]
        }
        self._places |= {int(volume_id[:8], 16): cloud for volume_id, (cloud, _) in listed.items()}
        tagged = {**discovered, **{volume_id: tags for volume_id, (_, tags) in listed.items()}}
        for volume_id, under in tagged.items():
            cloud = self._places[int(volume_id[:8], 16)]
            for name, policy in document["policies"].items():
                if policy["select"].keys() & set(under):
                    group = GroupKey(name, requested=False, volume_id=volume_id)
                    schedule, timezone = policy["schedule"], policy["timezone"]
                    yield Span(cloud, group, schedule, timezone, "catch_up" in policy, at)

    def _end(self, span: Span, at: datetime) -> None:
        self._spans.remove(span)
        self._closed.append(replace(span, until=at))
        self._doubt(span.cloud, span.group, at - LOOKS_BACK, at + 2 * TICK)

    def _doubt(self, cloud: str, group: GroupKey | None, since: datetime, until: datetime) -> None:
        self._unknown.append((cloud, group, since, until))

    def _is_known(self, cloud: str, group: GroupKey, slot: datetime, over: datetime) -> bool:
        """Whether nothing was in doubt from the slot on until nobody waited for it any more."""
        return not any(
            place == cloud
            and (which is None or which.volume_id == group.volume_id)
            and since <= over
            and slot <= until
            for place, which, since, until in self._unknown
        )
