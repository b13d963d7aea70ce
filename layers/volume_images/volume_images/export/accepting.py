"""Accepting what is asked for outside the schedule: requests, and slots that a trigger names."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from volume_images.config.schema import Config
from volume_images.config.selection import Member
from volume_images.export.changes import Accept
from volume_images.export.cloud_changes import LookSoon
from volume_images.export.draft import Change
from volume_images.export.outcomes import outcome_about
from volume_images.export.state import ExportState, Waiting, slot_key
from volume_images.model import GroupKey
from volume_images.report import ExportResult, Outcome


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of one cloud: these members, at this slot."""

    members: Sequence[Member]
    slot: datetime


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What is taken on, and what is taken care of already; `keys` are the slots to look at now."""

    changes: tuple[Change, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    keys: frozenset[str] = frozenset()


def accept(
    wanted: Iterable[Wanted], *, cloud: str, config: Config, state: ExportState, now: datetime
) -> Acceptance:
    """Take on what requests want of one cloud: once in its state, it is done or reported.

    A request within `min_interval` of one that waits, or of an image good or in flight in its
    group, is that one: a message delivered twice is harmless.
    """
    changes: list[Change] = []
    outcomes: list[Outcome] = []
    keys: set[str] = set()
    waiting: defaultdict[GroupKey, list[datetime]] = defaultdict(list)
    for entry in state.waiting.values():
        waiting[entry.group].append(entry.slot)
    for one in wanted:
        for member in one.members:
            group = GroupKey(member.policy, requested=True, volume_id=member.volume_id)
            done = _taken_care_of(group, one.slot, cloud, config, state)
            if done is not None:
                outcomes.append(done)
                continue
            known = (other for other in waiting[group] if _is_same(group, one.slot, other, config))
            slot = next(known, None)
            if slot is None:
                slot = one.slot
                changes.append(Accept(Waiting(group=group, slot=slot)))
                waiting[group].append(slot)
            keys.add(slot_key(group, slot))
    return Acceptance(
        changes=(*changes, LookSoon(now)) if changes else (),
        outcomes=tuple(outcomes),
        keys=frozenset(keys),
    )


def take_on_slot(members: Iterable[Member], slot: datetime) -> list[Accept]:
    """Take on a slot that a trigger names: what finds no room now, later ticks start."""
    return [Accept(Waiting(group=member.group, slot=slot)) for member in members]


def _taken_care_of(
    group: GroupKey, slot: datetime, cloud: str, config: Config, state: ExportState
) -> Outcome | None:
    """Return what a request comes to that is answered by an export under way or an image."""
    for entry in state.under_way.values():
        if entry.group == group and _is_same(group, slot, entry.slot, config):
            named = (entry.image_id, "")
            return outcome_about(
                cloud, group, entry.slot, ExportResult.DEFERRED, "uploading", image=named
            )
    good = state.record(group).newest_good
    if good is not None and _is_same(group, slot, good.slot, config):
        named = (good.image_id, "")
        return outcome_about(
            cloud, group, good.slot, ExportResult.DONE, "min_interval", image=named
        )
    return None


def _is_same(group: GroupKey, slot: datetime, other: datetime, config: Config) -> bool:
    interval = config.policies[group.policy].requests.min_interval
    return other == slot or abs(other - slot) < interval
