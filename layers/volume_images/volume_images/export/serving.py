"""One export run in one cloud: gather, settle, plan, intend, act, mark; again while it stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.errors import CloudError, Conflict, CredentialError, IncompleteListing
from volume_images.export.asking import already_exported, asked_for, named_slots, oldest_owed
from volume_images.export.changes import SecretRefused
from volume_images.export.closing import closing, uncovered
from volume_images.export.decisions import Scene
from volume_images.export.draft import Change, changed
from volume_images.export.errand import Errand
from volume_images.export.gathering import Gathered, gather, images_named, known_members
from volume_images.export.marking import mark_all
from volume_images.export.marks import marks_due, marks_over
from volume_images.export.memory import CONFLICTS, read, write, write_through
from volume_images.export.planning import INTENT_VALID, ExportPlan, Step, intents, plan_exports
from volume_images.export.posting import answered, lost, post_all, said
from volume_images.export.progress import Progress
from volume_images.export.settlement import changes_of, outcome_of, stuck_changes
from volume_images.export.settling import settle
from volume_images.export.state import ExportState
from volume_images.memory import Memory, Origin
from volume_images.model import GroupKey, Image
from volume_images.protocols import Cloud
from volume_images.report import CloudOutcome, CloudResult, ExportResult, Outcome

STAY = 30.0
"""Seconds between two looks of a run that waits for room."""

REFUSED_SECRET_RESTS = timedelta(hours=1)
"""A refused credential is not tried again sooner, unless its secret changes: accounts lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a run did in one cloud."""

    cloud: CloudOutcome
    memory: Memory[ExportState]
    progress: Progress
    red: str = ""


@dataclass(frozen=True, slots=True)
class _Looked:
    """Where a run stands after a look: what it remembers, what it said, and whether to stay."""

    memory: Memory[ExportState]
    progress: Progress
    short_of_room: bool


def serve(errand: Errand) -> Served:
    """Do one cloud's share of a run. Raises StoreError; errors of the cloud become outcomes."""
    memory = errand.memory
    progress = Progress(before=memory.state)
    if _idle(errand, memory.state, errand.world.clock.now()):
        reason = f"nothing is due before {memory.state.next_look:%Y-%m-%dT%H:%M:%SZ}"
        idle = CloudOutcome(cloud=errand.cloud, result=CloudResult.IDLE, reason=reason)
        return Served(cloud=idle, memory=memory, progress=progress)
    if errand.acceptance is not None:
        progress = progress.noting(errand.acceptance.outcomes)
        if _left_to_next_tick(errand, memory.state):
            later = CloudOutcome(cloud=errand.cloud, result=CloudResult.IDLE, reason="accepted")
            return Served(cloud=later, memory=memory, progress=_waiting(errand, progress))
    result, reason = CloudResult.SERVED, ""
    try:
        cloud = errand.world.open_cloud(errand.cloud, _refused_secret(errand, memory.state))
        while True:
            looked = _look(errand, cloud, memory, progress)
            memory, progress = looked.memory, looked.progress
            if not (errand.stays and looked.short_of_room and errand.stopwatch.has(STAY)):
                break
            errand.world.clock.sleep(STAY)
    except CloudError as error:
        result, reason = _cloud_result(error), str(error)
        memory, progress = _without_cloud(errand, progress, error)
    return Served(
        cloud=CloudOutcome(cloud=errand.cloud, result=result, reason=reason),
        memory=memory,
        progress=progress,
        red=_state_lost(errand, progress),
    )


def _look(errand: Errand, cloud: Cloud, memory: Memory[ExportState], progress: Progress) -> _Looked:
    """Look until no other run wrote meanwhile: nothing is started on facts that have changed."""
    for _ in range(CONFLICTS):
        try:
            return _look_once(errand, cloud, memory, progress)
        except Conflict:
            memory = read(errand)
    raise Conflict(f"{errand.state_key}: lost against other runs {CONFLICTS} times: run it again")


def _look_once(
    errand: Errand, cloud: Cloud, memory: Memory[ExportState], progress: Progress
) -> _Looked:
    before = memory.state
    now = errand.world.clock.now()
    known = known_members(errand.world.config, errand.cloud, before)
    gathered = gather(errand, cloud, before, oldest_owed(errand, before, known, now), now)

    settled = [settle(entry, gathered.sight, now) for entry in gathered.entries]
    facts: list[Change] = [
        *gathered.discovery,
        *changes_of(settled, before, now),
        *stuck_changes(before, gathered.sight),
        *marks_over(before, gathered.sight, now),
        *named_slots(errand, gathered.members, now),
    ]
    scene = _scene(errand, changed(before, facts), gathered, progress, now)
    plan = plan_exports(asked_for(errand, scene.state, gathered.members, now), scene)
    facts += plan.changes
    if errand.whole:
        facts += uncovered(scene.state, gathered.members)
    progress = progress.noting(already_exported(errand, scene, gathered.members))
    progress = progress.noting(plan.outcomes)
    progress = progress.noting(outcome_of(one, errand.cloud) for one in settled)

    if errand.dry_run:
        planned = [_planned(step, scene) for step in plan.steps]
        return _Looked(memory, progress.noting(planned), short_of_room=False)
    if not plan.steps:
        facts += _mark(errand, cloud, changed(before, facts), gathered)
        ending = _ending(errand, changed(before, facts), gathered, plan, progress)
        memory = write(errand, memory, changed(before, [*facts, *ending]))
        return _Looked(memory, progress, plan.short_of_room)
    memory = write(errand, memory, changed(before, [*facts, *intents(plan.steps, scene)]))
    results, progress = _act(errand, cloud, plan.steps, scene, progress)
    results += _mark(errand, cloud, changed(memory.state, results), gathered)
    ending = _ending(errand, changed(memory.state, results), gathered, plan, progress)
    memory = write_through(errand, memory, [*results, *ending])
    return _Looked(memory, progress, plan.short_of_room)


def _act(
    errand: Errand, cloud: Cloud, steps: Sequence[Step], scene: Scene, progress: Progress
) -> tuple[list[Change], Progress]:
    """POST the steps whose intents are written; find out about those without an answer."""
    clock = errand.world.clock

    def in_time(step: Step) -> bool:
        return clock.now() - step.intent.intended_at <= INTENT_VALID and errand.stopwatch.may_act()

    posted = post_all(cloud, steps, errand.cloud_config.max_concurrency, in_time)
    names = lost(posted)
    listed = _listed_again(errand, cloud, names, scene.now) if names else {}
    outcomes: list[Outcome] = []
    changes: list[Change] = []
    for one in posted:
        outcome, remembered = said(one, scene, listed.get(one.step.intent.image_name))
        outcomes.append(outcome)
        changes += remembered
    return changes, progress.noting(outcomes, answered(posted))


def _listed_again(
    errand: Errand, cloud: Cloud, names: frozenset[str], since: datetime
) -> Mapping[str, Image]:
    try:
        return images_named(errand, cloud, names, since)
    except CloudError:
        return {}  # what came of the other POSTs must still be written down


def _mark(errand: Errand, cloud: Cloud, state: ExportState, gathered: Gathered) -> list[Change]:
    """Tag what is ours and does not say so; nothing depends on whether it can be done now."""
    due = marks_due(state, gathered.sight, errand.world.deployment_id)
    return mark_all(cloud, due, errand.cloud_config.max_concurrency, errand.stopwatch.may_act)


def _without_cloud(
    errand: Errand, progress: Progress, error: CloudError
) -> tuple[Memory[ExportState], Progress]:
    """Account for what is owed all the same: a slot is missed whether its cloud answers or not."""
    memory = read(errand)
    now = errand.world.clock.now()
    members = known_members(errand.world.config, errand.cloud, memory.state)
    named = named_slots(errand, members, now)
    scene = _scene(errand, changed(memory.state, named), None, progress, now)
    plan = plan_exports(asked_for(errand, scene.state, members, now), scene)
    progress = progress.noting(plan.outcomes)
    changes: list[Change] = [*named, *plan.changes, *progress.sayings()]
    if isinstance(error, CredentialError) and error.refused:
        changes.append(SecretRefused(error.fingerprint, now))
    if changes and not errand.dry_run:
        memory = write_through(errand, memory, changes)
    return memory, progress


def _idle(errand: Errand, state: ExportState, now: datetime) -> bool:
    """Whether nothing can be due: then no cloud is called and no secret read."""
    return (
        not errand.stopwatch.limits.by_hand
        and errand.acceptance is None
        and not errand.names_slot
        and errand.memory.origin is Origin.READ
        and state.next_look is not None
        and max(now, errand.at) < state.next_look
        and state.config_version == errand.world.config_version
        and not state.missed
    )


def _left_to_next_tick(errand: Errand, state: ExportState) -> bool:
    """Whether a request need not look now: nothing of it is left, or its cloud has no room."""
    assert errand.acceptance is not None
    full = len(state.under_way) >= errand.cloud_config.max_in_flight
    return not errand.acceptance.keys or (full and not errand.stays)


def _waiting(errand: Errand, progress: Progress) -> Progress:
    """Say of each slot that was taken on that it waits for a free place."""
    assert errand.acceptance is not None
    state = errand.memory.state
    scene = _scene(errand, state, None, progress, errand.world.clock.now())
    return progress.noting(
        scene.outcome(GroupKey.parse(waiting.group), waiting.slot, ExportResult.DEFERRED, "no_room")
        for key, waiting in state.waiting.items()
        if key in errand.acceptance.keys
    )


def _scene(
    errand: Errand,
    state: ExportState,
    gathered: Gathered | None,
    progress: Progress,
    now: datetime,
) -> Scene:
    return Scene(
        cloud=errand.cloud,
        config=errand.world.config,
        config_version=errand.world.config_version,
        run_id=errand.world.run_id,
        now=now,
        state=state,
        volumes=gathered.sight.volumes if gathered else None,
        groups=gathered.groups if gathered else {},
        unread=gathered.unread if gathered else frozenset(),
        images_left=gathered.images_left if gathered else None,
        posted=progress.posted,
        busy={GroupKey.parse(entry.group).volume_id: entry for entry in state.under_way.values()},
    )


def _planned(step: Step, scene: Scene) -> Outcome:
    owed = step.owed
    named = ("", step.intent.image_name)
    return scene.outcome(owed.group, owed.slot, ExportResult.DEFERRED, "dry_run", named)


def _ending(
    errand: Errand, state: ExportState, gathered: Gathered, plan: ExportPlan, progress: Progress
) -> list[Change]:
    now = errand.world.clock.now()
    return [*closing(errand, plan, state, gathered.members, now), *progress.sayings()]


def _state_lost(errand: Errand, progress: Progress) -> str:
    """Say that the memory was lost: what waited in it, and what was missed before, is not known."""
    match errand.memory.origin:
        case Origin.LOST | Origin.EARLIER_VERSION:
            return f"{errand.cloud}: state lost: {errand.state_key} was damaged, and is replaced"
        case Origin.NEW if any(
            outcome.reason == "already_exported" for outcome in progress.outcomes.values()
        ):
            return f"{errand.cloud}: state lost: images of due slots exist, but no state does"
        case _:
            return ""


def _refused_secret(errand: Errand, state: ExportState) -> str:
    at = state.refused_secret_at
    rests = at is not None and errand.world.clock.now() < at + REFUSED_SECRET_RESTS
    return state.refused_secret if rests else ""


def _cloud_result(error: CloudError) -> CloudResult:
    match error:
        case CredentialError():
            return CloudResult.NO_CREDENTIAL
        case IncompleteListing():
            return CloudResult.INCOMPLETE_LISTING
        case _:
            return CloudResult.UNAVAILABLE
