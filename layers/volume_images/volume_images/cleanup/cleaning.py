"""Cleanup of one cloud: gather, plan, write the plan down, delete what is due, write that down."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from volume_images.cleanup.announcing import first_seen, lapsed, remember
from volume_images.cleanup.deleting import Gate, delete_due
from volume_images.cleanup.due import due_groups
from volume_images.cleanup.freshness import Covered, freshness
from volume_images.cleanup.gathering import ClockSkew, Versions, config_history, gather
from volume_images.cleanup.outcomes import Attempt, changed, outcomes, settled
from volume_images.cleanup.plan import CleanupPlan, CloudFacts, Scope
from volume_images.cleanup.planning import covered_by, plan_cleanup
from volume_images.cleanup.state import (
    CleanupState,
    empty_cleanup_state,
    parse_series_key,
    series_key,
)
from volume_images.config.selection import Member, members
from volume_images.errors import (
    CloudError,
    Conflict,
    CredentialError,
    HostNotAllowed,
    IncompleteListing,
    StoreError,
)
from volume_images.memory import Memory, Origin, read_state, replace_state
from volume_images.protocols import Cloud, World
from volume_images.report import CloudOutcome, CloudResult, Freshness, Outcome
from volume_images.stopwatch import Stopwatch

CONFLICTS = 8
"""How often a run that loses against others' writes tries again."""

_WHOLE = frozenset({Origin.READ, Origin.NEW})

Change = Callable[[CleanupState], CleanupState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """One cloud's share of a cleanup run."""

    world: World
    cloud: str
    scope: Scope
    dry_run: bool
    without_wait: frozenset[str]
    stopwatch: Stopwatch
    versions: Versions

    @property
    def state_key(self) -> str:
        """Where cleanup keeps its memory of the cloud."""
        return f"state/cleanup/{self.cloud}.json"

    @property
    def grace(self) -> timedelta:
        """How long an image stands announced: the config can only lengthen the minimum."""
        return max(self.world.config.grace, self.world.minimum_grace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What became of one cloud. Only a `judged` one has outcomes of images."""

    outcome: CloudOutcome
    judged: bool
    outcomes: tuple[Outcome, ...] = ()
    changed: tuple[Outcome, ...] = ()
    freshness: tuple[Freshness, ...] = ()
    lapsed: int = 0
    safety_stops: tuple[str, ...] = ()
    red: tuple[str, ...] = ()
    volume_ids: frozenset[str] = frozenset()


def clean(chore: Chore) -> Cleaned:
    """Do one cloud's share; errors of the cloud become its outcome. Raises StoreError."""
    memory = _read(chore)
    try:
        resting = memory.state.resting_secret(chore.world.clock.now())
        cloud = chore.world.open_cloud(chore.cloud, resting)
        facts = gather(chore.world, chore.cloud, cloud, memory.state)
    except (CloudError, ClockSkew) as error:
        return _left_alone(chore, memory, error)
    plan = plan_cleanup(
        chore.world.config,
        chore.world.config_version,
        chore.world.deployment_id,
        facts,
        chore.scope,
    )
    with_plan = _with_plan(chore, facts, plan)
    if chore.dry_run:
        return _cleaned(chore, memory, plan, with_plan(memory.state))
    try:
        written = _write(chore, memory, with_plan)
    except Conflict as error:
        return _left_alone(chore, memory, error)
    return _deleted(chore, cloud, memory, plan, written)


def _with_plan(chore: Chore, facts: CloudFacts, plan: CleanupPlan) -> Change:
    """Return how the plan is written into whichever state is the newest."""

    def change(state: CleanupState) -> CleanupState:
        history = config_history(chore.world, facts, state, chore.versions)
        return remember(state, plan, history).with_refused_secret("", None)

    return change


def _deleted(
    chore: Chore,
    cloud: Cloud,
    before: Memory[CleanupState],
    plan: CleanupPlan,
    written: Memory[CleanupState],
) -> Cleaned:
    """Delete what the written state carries long enough, and write down what became of it."""
    due = due_groups(written.state, plan, grace=chore.grace, without_wait=chore.without_wait)
    gate = Gate(chore.stopwatch.may_act)
    at_once = chore.world.config.clouds[chore.cloud].max_concurrency
    attempts = delete_due(cloud.images, due, gate, at_once=at_once)
    cleaned = _cleaned(chore, before, plan, written.state, attempts)
    if gate.closed_because:
        outcome = CloudOutcome(
            cloud=chore.cloud, result=CloudResult.UNAVAILABLE, reason=gate.closed_because
        )
        cleaned = replace(cleaned, outcome=outcome)
    try:
        _write(chore, written, lambda state: settled(state, plan, cleaned.outcomes))
    except StoreError as error:
        said = f"{chore.cloud}: what was deleted is not written down: {error}"
        return replace(cleaned, red=(*cleaned.red, said))
    return cleaned


def _cleaned(
    chore: Chore,
    before: Memory[CleanupState],
    plan: CleanupPlan,
    state: CleanupState,
    attempts: tuple[Attempt, ...] = (),
) -> Cleaned:
    """Put together what there is to say of a cloud whose images were judged."""
    due = due_groups(state, plan, grace=chore.grace, without_wait=chore.without_wait)
    said = outcomes(plan, state, due, attempts, grace=chore.grace)
    return Cleaned(
        outcome=CloudOutcome(cloud=chore.cloud, result=CloudResult.SERVED),
        judged=True,
        outcomes=said,
        changed=changed(plan, before.state, said),
        freshness=_freshness(plan.covered, state, plan.now),
        lapsed=lapsed(before.state, state),
        safety_stops=tuple(f"{chore.cloud}: {group.stop}" for group in plan.groups if group.stop),
        red=_damage(chore, before),
        volume_ids=frozenset(covered.volume_id for covered in plan.covered) | plan.living,
    )


def _left_alone(
    chore: Chore, memory: Memory[CleanupState], error: CloudError | ClockSkew | Conflict
) -> Cleaned:
    """Say why nothing was judged in a cloud; its volumes age all the same.

    What stands announced there is neither confirmed nor withdrawn.
    """
    now = chore.world.clock.now()
    damage = _damage(chore, memory)
    covered = _known_to_be_covered(chore, memory.state)

    def noted(state: CleanupState) -> CleanupState:
        seen = first_seen(state, covered, now)
        if isinstance(error, CredentialError) and error.refused:
            return seen.with_refused_secret(error.fingerprint, now)
        return seen

    if not chore.dry_run:
        memory = _write(chore, memory, noted)
    result = _result_of(error)
    stops = result in (CloudResult.INCOMPLETE_LISTING, CloudResult.CLOCK_SKEW)
    return Cleaned(
        outcome=CloudOutcome(cloud=chore.cloud, result=result, reason=str(error)),
        judged=False,
        freshness=_freshness(covered, noted(memory.state), now),
        safety_stops=(f"{chore.cloud}: {error}",) if stops else (),
        red=damage,
    )


def _known_to_be_covered(chore: Chore, state: CleanupState) -> tuple[Covered, ...]:
    """Return what policies cover as far as config and state tell without the cloud."""
    config = chore.world.config
    listed = {entry.id for entry in config.volumes if entry.cloud == chore.cloud}
    discovered = [
        Member(policy, volume_id, "")
        for policy, volume_id in map(parse_series_key, state.series)
        if policy in config.policies and volume_id not in listed
    ]
    return covered_by(config, chore.cloud, (*members(config, chore.cloud, ()), *discovered))


def _freshness(
    covered: tuple[Covered, ...], state: CleanupState, now: datetime
) -> tuple[Freshness, ...]:
    return tuple(
        freshness(entry, state.series[series_key(entry.policy, entry.volume_id)], now)
        for entry in covered
    )


def _result_of(error: CloudError | ClockSkew | Conflict) -> CloudResult:
    match error:
        case CredentialError() | HostNotAllowed():
            return CloudResult.NO_CREDENTIAL
        case IncompleteListing():
            return CloudResult.INCOMPLETE_LISTING
        case CloudError():
            return CloudResult.UNAVAILABLE
        case ClockSkew():
            return CloudResult.CLOCK_SKEW
        case Conflict():
            return CloudResult.CONFLICT


def _damage(chore: Chore, memory: Memory[CleanupState]) -> tuple[str, ...]:
    if memory.origin in _WHOLE:
        return ()
    return (f"{chore.state_key}: damaged ({memory.origin.value}): every wait starts again",)


def _read(chore: Chore) -> Memory[CleanupState]:
    """Read the state; of a damaged one, nothing that stands announced is believed.

    An earlier version may hold an announcement that was withdrawn after it was written.
    """
    memory = read_state(
        chore.world.store, chore.state_key, empty_cleanup_state(chore.world.deployment_id)
    )
    if memory.origin in _WHOLE:
        return memory
    return replace(memory, state=memory.state.without_announcements())


def _write(chore: Chore, memory: Memory[CleanupState], change: Change) -> Memory[CleanupState]:
    """Write a change of the state; where another run was faster, change the newer state instead.

    Returns what is written. Raises Conflict after losing too often, and StoreError.
    """
    for _ in range(CONFLICTS):
        state = change(memory.state)
        if state == memory.state and memory.origin in _WHOLE:
            return memory
        state = state.model_copy(update={"mark": state.mark.next(chore.world.run_id)})
        try:
            version = replace_state(chore.world.store, chore.state_key, state, memory.version)
        except Conflict:
            memory = _read(chore)
        else:
            return Memory(state, version, Origin.READ)
    raise Conflict(
        f"{chore.state_key}: lost against other runs {CONFLICTS} times: the next run tries again"
    )
