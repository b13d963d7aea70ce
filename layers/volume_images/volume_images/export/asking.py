"""What one errand asks for: by schedule, by a slot that it names, or by requests it took on."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from volume_images.config.selection import Member, narrowed
from volume_images.export.changes import Accept
from volume_images.export.decisions import Scene
from volume_images.export.draft import changed
from volume_images.export.errand import Errand
from volume_images.export.owed import Debt, debt, newest_slots, waiting_debt
from volume_images.export.requesting import take_on_slot
from volume_images.export.state import ExportState, slot_key
from volume_images.report import ExportResult, Outcome


def asked_for(errand: Errand, state: ExportState, members: Sequence[Member], now: datetime) -> Debt:
    """Say what is owed to the errand, as far as `members` are known."""
    config = errand.world.config
    if errand.acceptance is not None:
        return waiting_debt(config, state, members, errand.acceptance.keys)
    if errand.names_slot:
        named = named_slots(errand, members)
        keys = frozenset(slot_key(one.waiting.group, one.waiting.slot) for one in named)
        return waiting_debt(config, changed(state, named), members, keys)
    return debt(config, state, narrowed(members, errand.tick), at=errand.at, now=now)


def named_slots(errand: Errand, members: Sequence[Member]) -> Sequence[Accept]:
    """Take on the slot that the trigger itself names: none, where it names none."""
    if not errand.names_slot:
        return ()
    return take_on_slot(narrowed(members, errand.tick), errand.at)


def oldest_owed(
    errand: Errand, state: ExportState, members: Sequence[Member], now: datetime
) -> datetime:
    """Return the oldest slot that anything is owed for: how far back images must be listed."""
    owing = asked_for(errand, state, members, now)
    slots = [one.slot for one in owing.owed] + [one.slot for one in owing.overdue]
    return min(slots, default=now)


def already_exported(errand: Errand, scene: Scene, members: Sequence[Member]) -> Iterator[Outcome]:
    """Tell a person who runs this by hand what was exported already; a schedule need not know."""
    if not errand.stopwatch.limits.by_hand or errand.acceptance is not None:
        return
    for group, slot in newest_slots(scene.config, narrowed(members, errand.tick), errand.at):
        good = scene.state.record(group).newest_good
        if good is not None and good.slot >= slot:
            image = (good.image_id, "")
            yield scene.outcome(group, slot, ExportResult.DONE, "already_exported", image)
