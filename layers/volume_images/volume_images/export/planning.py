"""Which owed slots are started now: facts in, plan out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, zip_longest
from types import MappingProxyType

from volume_images.export.changes import Accounted, FoundGood, Intend
from volume_images.export.decisions import (
    Decision,
    blocking,
    decide,
    later,
    miss,
    refuse,
    why_not,
)
from volume_images.export.draft import Change
from volume_images.export.owed import Debt, Overdue, Owed
from volume_images.export.scene import Scene
from volume_images.export.settling import deadline
from volume_images.export.state import NewestGood, UnderWay, slot_key
from volume_images.image_name import name_for
from volume_images.model import ExportRequest, GroupKey
from volume_images.recognition import ImageState
from volume_images.report import Details, ExportResult, Outcome
from volume_images.schedule import SLOT_AHEAD

INTENT_VALID = timedelta(minutes=5)
"""No POST later than this after its intent was written."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """One export to start: the intent to write down, then the request to POST."""

    owed: Owed
    intent: UnderWay
    request: ExportRequest


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What to start, what to say of the rest, what to remember, and when to look again.

    `short_of_room` tells that slots wait for nothing but a free place.
    """

    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...]
    changes: tuple[Change, ...]
    short_of_room: bool

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What is said of the slots that are not started."""
        return tuple(decision.outcome for decision in self.decisions)

    @property
    def given_up(self) -> tuple[Outcome, ...]:
        """What is said of the slots that will not be started any more."""
        return tuple(one for one in self.outcomes if one.result is ExportResult.MISSED)


def plan_exports(debt: Debt, scene: Scene) -> ExportPlan:
    """Plan one cloud: preflighted, one export per volume, within the room there is."""
    decisions: list[Decision] = []
    startable: list[Owed] = []
    goods = _newest_goods(scene)
    accounted, given_up = _overdue(debt.overdue, scene)
    decisions += given_up
    for owed in debt.owed:
        decision = decide(owed, scene)
        if decision is None:
            startable.append(owed)
        else:
            decisions.append(decision)
    steps: list[Step] = []
    short = False
    room = _room(scene)
    chosen: set[str] = set()
    for owed in in_order(startable, scene):
        if owed.group.volume_id in chosen:
            decisions.append(_wait(owed, scene, "volume_uploading"))
        elif room.over_quota(len(steps)):
            decisions.append(refuse(owed, scene, "image_quota", {"images_left": room.quota or 0}))
        elif len(steps) >= room.in_flight:
            short = True
            decisions.append(_wait(owed, scene, "no_room"))
        else:
            chosen.add(owed.group.volume_id)
            steps.append(_step(owed, scene))
    changes: list[Change] = [*debt.edits, *debt.first_seen, *goods, *accounted]
    changes += [change for decision in decisions for change in decision.changes]
    return ExportPlan(tuple(steps), tuple(decisions), tuple(changes), short)


def intents(steps: Iterable[Step], scene: Scene) -> list[Intend]:
    """Return what is written down before the first POST."""
    return [
        Intend(
            step.intent,
            scene.state.record(step.owed.group).posts_for(step.owed.slot) + 1,
            outside_schedule=step.owed.waiting,
        )
        for step in steps
    ]


def in_order(startable: Sequence[Owed], scene: Scene) -> list[Owed]:
    """Order by fewest attempts in the slot, then by stalest group.

    What waits outside the schedule and what the schedule asks for take free places in turn, from
    run to run: neither can starve the other, however few places there are.
    """

    def urgency(owed: Owed) -> tuple[int, datetime, datetime, str]:
        record = scene.state.record(owed.group)
        newest = record.newest_good.slot if record.newest_good else _NEVER
        return record.posts_for(owed.slot), newest, owed.slot, owed.group.volume_id

    ordered = sorted(startable, key=urgency)
    scheduled = [owed for owed in ordered if not owed.waiting]
    waiting = [owed for owed in ordered if owed.waiting]
    turns = (scheduled, waiting) if scene.state.schedule_has_turn else (waiting, scheduled)
    pairs = zip_longest(*turns)
    return [owed for owed in chain.from_iterable(pairs) if owed is not None]


@dataclass(frozen=True, slots=True)
class _Room:
    in_flight: int
    quota: int | None

    def over_quota(self, steps: int) -> bool:
        return self.quota is not None and steps >= self.quota


def _room(scene: Scene) -> _Room:
    cloud = scene.config.clouds[scene.cloud]
    in_flight = len(scene.state.under_way)
    free = max(0, cloud.max_in_flight - in_flight)
    # No more than can be POSTed while their intents are valid, with a minute to spare.
    valid = (INTENT_VALID - timedelta(minutes=1)).total_seconds()
    sendable = max(1, int(cloud.requests_per_second * valid))
    return _Room(min(free, sendable), scene.images_left)


def _step(owed: Owed, scene: Scene) -> Step:
    assert scene.volumes is not None
    cloud = scene.config.clouds[scene.cloud]
    options = scene.config.policies[owed.group.policy].export
    volume = scene.volumes[owed.group.volume_id]
    name = name_for(owed.group, prefix=scene.config.prefix, human_name=owed.label, slot=owed.slot)
    intent = UnderWay(
        group=owed.group,
        slot=owed.slot,
        image_name=str(name),
        run_id=scene.run_id,
        intended_at=scene.now,
        deadline=deadline(scene.now, volume.size_gib, options.deadline),
    )
    request = ExportRequest(
        volume_id=volume.id,
        image_name=str(name),
        disk_format=options.disk_format or cloud.dialect.traits.default_format,
        container_format=options.container_format,
        force=options.force,
        os_type=options.os_type,
    )
    return Step(owed, intent, request)


def _wait(owed: Owed, scene: Scene, reason: str) -> Decision:
    cloud = scene.config.clouds[scene.cloud]
    outcome = scene.outcome(
        owed.group,
        owed.slot,
        ExportResult.DEFERRED,
        reason,
        details=_places(cloud.max_in_flight),
    )
    return Decision(outcome, look_at=scene.now)


@lru_cache
def _places(max_in_flight: int) -> Details:
    """Return the same details to all that wait: a tenth of the memory of a fleet's run less."""
    return MappingProxyType({"max_in_flight": max_in_flight})


def _newest_goods(scene: Scene) -> list[Change]:
    found: list[Change] = []
    for group, images in scene.groups.items():
        goods = [
            one
            for one in images
            if one.state is ImageState.GOOD and one.name.slot <= scene.now + SLOT_AHEAD
        ]
        if not goods:
            continue
        newest = max(goods, key=lambda one: (one.name.slot, one.image.created_at))
        good = NewestGood(
            slot=newest.name.slot, image_id=newest.image.id, created_at=newest.image.created_at
        )
        record = scene.state.record(group)
        if record.newest_good is None or record.newest_good.slot < good.slot:
            found.append(FoundGood(group, good))
    return found


def _overdue(overdue: Sequence[Overdue], scene: Scene) -> tuple[list[Accounted], list[Decision]]:
    """Account for a group's slots in their order: giving up a later one would hide an earlier."""
    accounted: list[Accounted] = []
    given_up: list[Decision] = []
    held: set[GroupKey] = set()
    following = {slot_key(entry.group, entry.slot) for entry in scene.state.under_way.values()}
    for one in overdue:
        images = scene.groups.get(one.group, ())
        record = scene.state.record(one.group)
        known = record.newest_good
        if one.group in held or slot_key(one.group, one.slot) in following:
            held.add(one.group)
            continue
        found = blocking(images, scene.state, one.slot) or later(images, one.slot, scene.now)
        if (found and found.state is ImageState.GOOD) or (known and known.slot >= one.slot):
            accounted.append(Accounted(one.group, one.slot))
        else:
            given_up.append(miss(scene, one.group, one.slot, why_not(record, "overtaken")))
    return accounted, given_up
