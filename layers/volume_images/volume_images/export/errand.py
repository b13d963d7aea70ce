"""One cloud's share of an export run, and what it asks for: by schedule, slot or request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from volume_images.config.schema import CloudConfig
from volume_images.config.selection import Member, narrowed
from volume_images.export.accepting import Acceptance, take_on_slot
from volume_images.export.changes import Accept
from volume_images.export.owed import Debt, debt, newest_slots, waiting_debt
from volume_images.export.scene import Scene
from volume_images.export.state import ExportState, export_state_key, slot_key
from volume_images.memory import Origin
from volume_images.model import Tick
from volume_images.protocols import World
from volume_images.report import ExportResult, Outcome
from volume_images.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One cloud's share of a run.

    `origin` is where the state came from that it began with. `at` is the trigger's time and chooses
    slots. `tick` narrows it to policies or volumes; one that names policies names `at` as the slot.
    With an `acceptance` of requests, only what it took on is looked at.
    """

    world: World
    cloud: str
    origin: Origin
    at: datetime
    tick: Tick
    stopwatch: Stopwatch
    acceptance: Acceptance | None = None

    @property
    def whole(self) -> bool:
        """Whether this errand looks at everything in the cloud."""
        return self.acceptance is None and not self.tick.narrowed

    @property
    def stays(self) -> bool:
        """Whether it fills freed places until nothing waits for room; a tick does, not requests."""
        return self.acceptance is None

    @property
    def names_slot(self) -> bool:
        """Whether the trigger itself names the slot of its policies, whatever their schedules."""
        return bool(self.tick.policies)

    @property
    def dry_run(self) -> bool:
        """Whether to plan only."""
        return self.tick.dry_run

    @property
    def cloud_config(self) -> CloudConfig:
        """The cloud's entry in the config."""
        return self.world.config.clouds[self.cloud]

    @property
    def state_key(self) -> str:
        """Where the cloud's export state is kept."""
        return export_state_key(self.cloud)


def named_slots(errand: Errand, members: Sequence[Member]) -> Sequence[Accept]:
    """Take on the slot that the trigger itself names: none, where it names none."""
    if not errand.names_slot:
        return ()
    return take_on_slot(narrowed(members, errand.tick), errand.at)


def asked_for(errand: Errand, state: ExportState, members: Sequence[Member], now: datetime) -> Debt:
    """Say what is owed to the errand; what it named or accepted, `state` has taken on."""
    config = errand.world.config
    if errand.acceptance is not None:
        return waiting_debt(config, state, members, errand.acceptance.keys)
    if errand.names_slot:
        named = named_slots(errand, members)
        keys = frozenset(slot_key(one.waiting.group, one.waiting.slot) for one in named)
        return waiting_debt(config, state, members, keys)
    return debt(config, state, narrowed(members, errand.tick), at=errand.at, now=now)


def oldest_owed(
    errand: Errand, state: ExportState, members: Sequence[Member], now: datetime
) -> datetime:
    """Return the oldest slot that anything is owed for: how far back images must be listed."""
    if errand.names_slot:
        return errand.at
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
