"""Cleanup of one cloud: gather, plan, write the plan down, delete what is due, write that down."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from volume_images.cleanup.announcing import first_seen, lapsed
from volume_images.cleanup.deleting import Permit, delete_due, drop_overdue_pins
from volume_images.cleanup.due import DueGroup, due_groups
from volume_images.cleanup.errand import Errand
from volume_images.cleanup.freshness import Covered, freshness
from volume_images.cleanup.gathering import gather
from volume_images.cleanup.judgement import Judgement
from volume_images.cleanup.memory import read_memory, write_memory
from volume_images.cleanup.outcomes import Attempt, changed, not_there, outcomes, settled
from volume_images.cleanup.plan import CleanupPlan, CloudFacts, JudgedCloud
from volume_images.cleanup.planning import covered_by
from volume_images.cleanup.state import CleanupState, parse_series_key, series_key
from volume_images.config.selection import Member, members
from volume_images.errors import ClockSkew, CloudError, Conflict, CredentialError, StoreError
from volume_images.memory import Memory
from volume_images.protocols import Cloud
from volume_images.report import CloudOutcome, CloudResult, Freshness, Outcome
from volume_images.unserved import out_of_time, unserved

Wish = Callable[[CleanupState, CleanupPlan], CleanupState]
"""What a person wants to have remembered of the groups in a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What became of one cloud. Only a `judged` one has outcomes of images.

    There is an `aftermath` only where something was written, not only judged.
    """

    outcome: CloudOutcome
    judged: bool
    outcomes: tuple[Outcome, ...] = ()
    changed: tuple[Outcome, ...] = ()
    freshness: tuple[Freshness, ...] = ()
    lapsed: int = 0
    quota_used: int | None = None
    safety_stops: tuple[str, ...] = ()
    red: tuple[str, ...] = ()
    volume_ids: frozenset[str] = frozenset()
    aftermath: JudgedCloud | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A cloud that could be looked at, and what there is to judge its images by."""

    cloud: Cloud
    facts: CloudFacts
    memory: Memory[CleanupState]


def look(errand: Errand) -> Seen | Cleaned:
    """See everything of one cloud; errors of the cloud become its outcome. Raises StoreError."""
    memory = read_memory(errand)
    try:
        resting = memory.state.resting_secret(errand.world.clock.now())
        cloud = errand.world.open_cloud(errand.cloud, resting)
        return Seen(cloud, gather(errand.world, errand.cloud, cloud, memory.state), memory)
    except (CloudError, ClockSkew) as error:
        return _left_alone(errand, memory, error)


def clean(errand: Errand) -> Cleaned:
    """Do one cloud's share; errors of the cloud become its outcome. Raises StoreError."""
    seen = look(errand)
    if isinstance(seen, Cleaned):
        return seen
    return replace(_judged(errand, seen), quota_used=seen.facts.quota_used)


def _judged(errand: Errand, seen: Seen) -> Cleaned:
    """Judge, write that down, and delete what is due; of a dry run, only judge."""
    judgement = Judgement(errand, seen.facts)
    if errand.dry_run:
        judged = judgement.of(seen.memory.state, judgement.written_into(seen.memory.state))
        return _cleaned(errand, seen, judged, _due(errand, judged))
    try:
        written = write_memory(errand, seen.memory, judgement.written_into)
    except Conflict as error:
        return _left_alone(errand, seen.memory, error)
    return _deleted(errand, seen, judgement.of(seen.memory.state, written.state), written)


def grant(errand: Errand, seen: Seen, wish: Wish) -> Cleaned:
    """Judge a cloud with a person's wish written into its state; nothing is deleted.

    Raises Conflict, StoreError.
    """
    judgement = Judgement(errand, seen.facts)

    def granted(state: CleanupState) -> CleanupState:
        judged = judgement.written_into(state)
        return judgement.written_into(wish(judged, judgement.plan))

    if errand.dry_run:
        after = granted(seen.memory.state)
    else:
        after = write_memory(errand, seen.memory, granted).state
    judged = judgement.of(seen.memory.state, after)
    return _cleaned(errand, seen, judged, _due(errand, judged))


def _deleted(
    errand: Errand, seen: Seen, judged: JudgedCloud, written: Memory[CleanupState]
) -> Cleaned:
    """Delete what the written state carries long enough, and write down what became of it."""
    plan, due = judged.plan, _due(errand, judged)
    permit = Permit(errand.stopwatch.may_act)
    deletable = due
    if due and errand.world.store.config().version != errand.world.config_version:
        deletable = ()  # somebody corrects the config at this moment: the next run judges by that
    at_once = errand.world.config.clouds[errand.cloud].max_concurrency
    ours = [image.image for group in plan.groups for image in group.images]
    drop_overdue_pins(seen.cloud.images, ours, plan.now)
    attempts = delete_due(seen.cloud.images, deletable, permit, at_once=at_once)
    cleaned = _cleaned(errand, seen, judged, due, attempts)
    left = replace(judged, before=written.state, gone=not_there(cleaned.outcomes))
    cleaned = replace(cleaned, aftermath=left)
    if permit.ended_by is not None:
        cleaned = replace(cleaned, outcome=unserved(errand.cloud, permit.ended_by))
    try:
        write_memory(errand, written, lambda state: settled(state, plan, cleaned.outcomes))
    except StoreError as error:
        said = f"{errand.cloud}: what was deleted is not written down: {error}"
        return replace(cleaned, red=(*cleaned.red, said))
    return cleaned


def _due(errand: Errand, judged: JudgedCloud) -> tuple[DueGroup, ...]:
    return due_groups(
        judged.after, judged.plan, grace=judged.grace, without_wait=errand.without_wait
    )


def _cleaned(
    errand: Errand,
    seen: Seen,
    judged: JudgedCloud,
    due: tuple[DueGroup, ...],
    attempts: tuple[Attempt, ...] = (),
) -> Cleaned:
    """Put together what there is to say of a cloud whose images were judged."""
    plan = judged.plan
    said = outcomes(plan, judged.after, due, attempts, grace=judged.grace)
    return Cleaned(
        outcome=CloudOutcome(cloud=errand.cloud, result=CloudResult.SERVED),
        judged=True,
        outcomes=said,
        changed=changed(plan, judged.before, said),
        freshness=_freshness(plan.covered, judged.after, plan.now),
        lapsed=lapsed(judged.before, judged.after),
        safety_stops=tuple(f"{errand.cloud}: {group.stop}" for group in plan.groups if group.stop),
        red=_damage(errand, seen.memory),
        volume_ids=frozenset(covered.volume_id for covered in plan.covered) | plan.living,
    )


def _left_alone(
    errand: Errand, memory: Memory[CleanupState], error: CloudError | ClockSkew | Conflict
) -> Cleaned:
    """Say why nothing was judged in a cloud; its volumes age all the same.

    What stands announced there is neither confirmed nor withdrawn.
    """
    now = errand.world.clock.now()
    damage = _damage(errand, memory)
    covered = _known_to_be_covered(errand, memory.state)

    def noted(state: CleanupState) -> CleanupState:
        seen = first_seen(state, covered, now)
        if isinstance(error, CredentialError) and error.refused:
            return seen.with_refused_secret(error.fingerprint, now)
        return seen

    if not errand.dry_run:
        memory = write_memory(errand, memory, noted)
    outcome = unserved(errand.cloud, error)
    stops = outcome.result in (CloudResult.INCOMPLETE_LISTING, CloudResult.CLOCK_SKEW)
    return Cleaned(
        outcome=outcome,
        judged=False,
        freshness=_freshness(covered, noted(memory.state), now),
        safety_stops=(f"{errand.cloud}: {error}",) if stops else (),
        red=damage,
    )


def unfinished(errand: Errand) -> Cleaned:
    """Say that the run's time was over before a cloud was cleaned; its volumes age all the same.

    Nothing is written: a thread may be at it still. Raises StoreError.
    """
    now = errand.world.clock.now()
    memory = read_memory(errand)
    covered = _known_to_be_covered(errand, memory.state)
    return Cleaned(
        outcome=out_of_time(errand.cloud),
        judged=False,
        freshness=_freshness(covered, first_seen(memory.state, covered, now), now),
        red=_damage(errand, memory),
    )


def _known_to_be_covered(errand: Errand, state: CleanupState) -> tuple[Covered, ...]:
    """Return what policies cover as far as config and state tell without the cloud."""
    config = errand.world.config
    listed = {entry.id for entry in config.volumes if entry.cloud == errand.cloud}
    discovered = [
        Member(policy, volume_id, "")
        for policy, volume_id in map(parse_series_key, state.series)
        if policy in config.policies and volume_id not in listed
    ]
    return covered_by(config, errand.cloud, (*members(config, errand.cloud, ()), *discovered))


def _freshness(
    covered: tuple[Covered, ...], state: CleanupState, now: datetime
) -> tuple[Freshness, ...]:
    return tuple(
        freshness(entry, state.series[series_key(entry.policy, entry.volume_id)], now)
        for entry in covered
    )


def _damage(errand: Errand, memory: Memory[CleanupState]) -> tuple[str, ...]:
    if memory.is_whole:
        return ()
    return (f"{errand.state_key}: damaged ({memory.origin.value}): every wait starts again",)
