"""One export run in one cloud, look by look, and what its report tells of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from volume_images.errors import CloudError, CredentialError
from volume_images.export.accepting import Acceptance
from volume_images.export.cloud_changes import SecretRefused, Unserved
from volume_images.export.draft import Change, changed
from volume_images.export.errand import Errand, asked_for, named_slots
from volume_images.export.gathering import all_under_way, known_members
from volume_images.export.looking import look, scene_of
from volume_images.export.memory import read, write_through
from volume_images.export.planning import plan_exports
from volume_images.export.progress import Progress
from volume_images.export.state import ExportState, Missed, UnderWay
from volume_images.memory import Memory, Origin
from volume_images.metrics import Gauge
from volume_images.protocols import Cloud
from volume_images.report import (
    SERVED_RESULTS,
    CloudOutcome,
    CloudResult,
    ExportResult,
    Outcome,
)
from volume_images.unserved import unserved

LEVELS: Mapping[Gauge, Callable[[ExportState], Sized]] = MappingProxyType(
    {
        Gauge.EXPORTS_IN_FLIGHT: lambda state: state.under_way,
        Gauge.IMAGES_STUCK: lambda state: state.stuck,
        Gauge.IMAGES_UNMARKED: lambda state: state.unmarked,
        Gauge.REQUESTS_WAITING: lambda state: state.waiting,
    }
)
"""The gauges that count what a state holds, and what of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a run did in one cloud, and what it leaves there.

    Of the state only what the report tells is kept: a run may serve hundreds of clouds. `visit` is
    there while slots wait for room in it. `is_news` says that the run before fared otherwise.
    `missed` are those found before; once the report is written, all of `reported` are in one.
    """

    cloud: CloudOutcome
    is_news: bool = False
    outcomes: Sequence[Outcome] = ()
    news: Sequence[Outcome] = ()
    in_flight: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[Gauge, int] = field(default_factory=dict)
    missed: Mapping[str, Missed] = field(default_factory=dict)
    reported: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    red: Sequence[str] = ()
    failed_records: Sequence[str] = ()
    errand: Errand | None = None
    visit: "Visit | None" = None

    @property
    def waits(self) -> bool:
        """Whether another look, a little later, may start more."""
        return self.visit is not None


@dataclass(frozen=True, slots=True)
class Visit:
    """A cloud that stays open, what was said of it so far, and what is under way there."""

    errand: Errand
    cloud: Cloud
    progress: Progress
    under_way: Sequence[UnderWay] = ()


def serve(errand: Errand, memory: Memory[ExportState]) -> Served:
    """Take a first look for an errand. Raises StoreError; errors of the cloud become outcomes."""
    state = memory.state
    progress = Progress.since(state)
    now = errand.world.clock.now()
    if _idle(errand, state, now):
        reason = f"nothing is due before {state.next_look:%Y-%m-%dT%H:%M:%SZ}"
        return _served(errand, state, progress, _idled(errand, reason))
    if errand.acceptance is not None:
        progress = progress.noting(errand.acceptance.outcomes)
        if _left_to_next_tick(errand, errand.acceptance, state):
            progress = _waiting(errand, errand.acceptance, state, progress)
            return _served(errand, state, progress, _idled(errand, "accepted"))
    try:
        cloud = errand.world.open_cloud(errand.cloud, state.resting_secret(now))
    except CloudError as error:
        return _unserved(errand, progress, error)
    return _looked(Visit(errand, cloud, progress), memory)


def serve_again(served: Served) -> Served:
    """Look once more where slots waited for room, unless there is none yet. Raises StoreError."""
    visit = served.visit
    assert visit is not None
    errand = visit.errand
    full = len(visit.under_way) >= errand.cloud_config.max_in_flight
    try:
        if full and all_under_way(visit.cloud, visit.under_way, errand.world.clock.now()):
            return served
    except CloudError as error:
        return _unserved(errand, visit.progress, error)
    return replace(_looked(visit, read(errand)), red=served.red)


def _looked(visit: Visit, memory: Memory[ExportState]) -> Served:
    errand = visit.errand
    try:
        looked = look(errand, visit.cloud, memory, visit.progress)
    except CloudError as error:
        return _unserved(errand, visit.progress, error)
    outcome = (
        unserved(errand.cloud, looked.down)
        if looked.down is not None
        else CloudOutcome(cloud=errand.cloud, result=CloudResult.SERVED)
    )
    served = _served(errand, looked.state, looked.progress, outcome)
    if errand.stays and looked.short_of_room:
        under_way = tuple(looked.state.under_way.values())
        stays = replace(visit, progress=looked.progress, under_way=under_way)
        return replace(served, visit=stays)
    return served


def _served(
    errand: Errand, state: ExportState, progress: Progress, outcome: CloudOutcome
) -> Served:
    result = outcome.result
    fared = "" if result in SERVED_RESULTS else result.value
    policies = (entry.group.policy for entry in state.under_way.values())
    return Served(
        cloud=outcome,
        is_news=result is not CloudResult.IDLE and fared != progress.unserved,
        outcomes=tuple(progress.outcomes.values()),
        news=progress.news(),
        in_flight=Counter(policies),
        gauges={gauge: len(entries(state)) for gauge, entries in LEVELS.items()},
        missed={key: one for key, one in state.missed.items() if key not in progress.outcomes},
        reported=tuple(state.missed),
        known=_known_of_named(errand, state),
        red=_state_lost(errand, progress),
        errand=errand if state.missed else None,
    )


def _unserved(errand: Errand, progress: Progress, error: CloudError) -> Served:
    """Account for what is owed all the same: a slot is missed whether its cloud answers or not.

    That the cloud is out of reach is said once, of the cloud: not of every volume that waits.
    """
    memory = read(errand)
    now = errand.world.clock.now()
    members = known_members(errand.world.config, errand.cloud, memory.state)
    named = named_slots(errand, members)
    scene = scene_of(errand, changed(memory.state, named), None, progress, now)
    plan = plan_exports(asked_for(errand, scene.state, members, now), scene)
    progress = progress.noting(
        outcome
        for outcome in plan.outcomes
        if outcome.result is not ExportResult.DEFERRED or errand.acceptance
    )
    outcome = unserved(errand.cloud, error)
    changes: list[Change] = [*named, *plan.changes, *progress.sayings()]
    changes.append(Unserved(now, outcome.result))
    if isinstance(error, CredentialError) and error.refused:
        changes.append(SecretRefused(error.fingerprint, now))
    if not errand.dry_run:
        memory = write_through(errand, memory, changes)
    return _served(errand, memory.state, progress, outcome)


def _known_of_named(errand: Errand, state: ExportState) -> frozenset[str]:
    """Return which of the volumes that a tick names are known here; most ticks name none."""
    named = errand.tick.volume_ids
    if not named:
        return frozenset()
    members = known_members(errand.world.config, errand.cloud, state)
    return named & {member.volume_id for member in members}


def _idle(errand: Errand, state: ExportState, now: datetime) -> bool:
    """Whether nothing can be due: then no cloud is called and no secret read."""
    return (
        not errand.stopwatch.limits.by_hand
        and errand.acceptance is None
        and not errand.names_slot
        and errand.origin is Origin.READ
        and state.next_look is not None
        and max(now, errand.at) < state.next_look
        and state.config_version == errand.world.config_version
        and not state.missed
    )


def _idled(errand: Errand, reason: str) -> CloudOutcome:
    return CloudOutcome(cloud=errand.cloud, result=CloudResult.IDLE, reason=reason)


def _left_to_next_tick(errand: Errand, accepted: Acceptance, state: ExportState) -> bool:
    """Whether a request need not look now: nothing of it is left, or its cloud has no room."""
    return not accepted.keys or len(state.under_way) >= errand.cloud_config.max_in_flight


def _waiting(
    errand: Errand, accepted: Acceptance, state: ExportState, progress: Progress
) -> Progress:
    """Say of each slot that was taken on that it waits for a free place."""
    scene = scene_of(errand, state, None, progress, errand.world.clock.now())
    return progress.noting(
        scene.outcome(waiting.group, waiting.slot, ExportResult.DEFERRED, "no_room")
        for key, waiting in state.waiting.items()
        if key in accepted.keys
    )


def _state_lost(errand: Errand, progress: Progress) -> tuple[str, ...]:
    """Say that the memory was lost: what waited in it, and what was missed before, is not known."""
    match errand.origin:
        case Origin.LOST | Origin.EARLIER_VERSION:
            return (f"{errand.cloud}: state lost: {errand.state_key} was damaged, and is replaced",)
        case Origin.NEW if any(
            outcome.reason == "already_exported" for outcome in progress.outcomes.values()
        ):
            return (f"{errand.cloud}: state lost: images of due slots exist, but no state does",)
        case _:
            return ()
