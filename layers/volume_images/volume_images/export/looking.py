"""One look at a cloud: gather, settle, plan, intend, act, mark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from volume_images.errors import CloudError, CloudUnavailable
from volume_images.export.closing import closing, uncovered
from volume_images.export.cloud_changes import Reached, Unserved
from volume_images.export.consequences import changes_of, outcome_of, stuck_changes
from volume_images.export.draft import Change, changed
from volume_images.export.errand import Errand, already_exported, asked_for, named_slots
from volume_images.export.gathering import Gathered, gather, images_named
from volume_images.export.marking import mark_all
from volume_images.export.marks import marks_due, marks_over
from volume_images.export.memory import read, write, write_through
from volume_images.export.planning import INTENT_VALID, ExportPlan, Step, intents, plan_exports
from volume_images.export.posting import answered, came_of, found_down, lost, post_all
from volume_images.export.progress import Progress
from volume_images.export.scene import Scene
from volume_images.export.settling import Settlement, settle
from volume_images.export.state import ExportState
from volume_images.memory import Memory, with_newest
from volume_images.model import Image
from volume_images.protocols import Cloud
from volume_images.report import CloudResult, ExportResult, Outcome


@dataclass(frozen=True, slots=True)
class Looked:
    """Where a run stands after a look: what it remembers, what it said, and whether to stay.

    `down` is set when the cloud took its listings and then answered no more.
    """

    state: ExportState
    progress: Progress
    short_of_room: bool
    down: CloudUnavailable | None = None


def look(errand: Errand, cloud: Cloud, memory: Memory[ExportState], progress: Progress) -> Looked:
    """Look until no other run wrote meanwhile: nothing is started on facts that have changed.

    Raises StoreError and CloudError.
    """
    return with_newest(
        errand.state_key,
        lambda newest: _look_once(errand, cloud, newest, progress),
        memory,
        partial(read, errand),
    )


def _look_once(
    errand: Errand, cloud: Cloud, memory: Memory[ExportState], progress: Progress
) -> Looked:
    before = memory.state
    now = errand.world.clock.now()
    gathered = gather(errand, cloud, before, now)

    settled = [settle(entry, gathered.sight, now) for entry in gathered.entries]
    facts: list[Change] = [
        *gathered.discovery,
        *changes_of(settled, before, now),
        *stuck_changes(before, gathered.sight),
        *marks_over(before, gathered.sight, now),
        *named_slots(errand, gathered.members),
    ]
    scene = scene_of(errand, changed(before, facts), gathered, progress, now)
    plan = plan_exports(asked_for(errand, scene.state, gathered.members, now), scene)
    facts += plan.changes
    if errand.whole:
        facts += uncovered(scene.state, gathered.members)
    progress = progress.noting(already_exported(errand, scene, gathered.members))
    progress = progress.noting(plan.outcomes)
    progress = progress.noting(
        outcome_of(one, errand.cloud)
        for one in settled
        # What a run before gave up, it also told of: such an image is found again at every look.
        if one.settlement not in (Settlement.UNKNOWN, Settlement.LATE)
        or one.entry.image_name in before.under_way
    )
    progress = progress.noting(plan.given_up)  # the last word, whatever became of its export

    if errand.dry_run:
        planned = [_planned(step, scene) for step in plan.steps]
        return Looked(before, progress.noting(planned), short_of_room=False)
    if not plan.steps:
        facts += _mark(errand, cloud, changed(before, facts), gathered)
        ending = _ending(errand, changed(before, facts), gathered, plan, progress)
        memory = write(errand, memory, changed(before, [*facts, *ending]))
        return Looked(memory.state, progress, plan.short_of_room)
    memory = write(errand, memory, changed(before, [*facts, *intents(plan.steps, scene)]))
    results, progress, down = _act(errand, cloud, plan.steps, scene, progress)
    results += _mark(errand, cloud, changed(memory.state, results), gathered)
    ending = _ending(errand, changed(memory.state, results), gathered, plan, progress)
    if down is not None:
        ending.append(Unserved(now, CloudResult.UNAVAILABLE))
    memory = write_through(errand, memory, [*results, *ending])
    return Looked(memory.state, progress, plan.short_of_room and down is None, down)


def _act(
    errand: Errand, cloud: Cloud, steps: Sequence[Step], scene: Scene, progress: Progress
) -> tuple[list[Change], Progress, CloudUnavailable | None]:
    """POST the steps whose intents are written; find out about those without an answer.

    A cloud that went away is one event: what it kept from being sent is not told one by one.
    """
    clock = errand.world.clock

    def in_time(step: Step) -> bool:
        return clock.now() - step.intent.intended_at <= INTENT_VALID and errand.stopwatch.may_act()

    posted = post_all(cloud, steps, errand.cloud_config.max_concurrency, in_time)
    names = lost(posted)
    down = found_down(posted)
    listed = _listed_again(errand, cloud, names, scene.now) if names else {}
    outcomes: list[Outcome] = []
    changes: list[Change] = []
    for one in posted:
        outcome, remembered = came_of(one, scene, listed.get(one.step.intent.image_name))
        if down is None or outcome.result is not ExportResult.DEFERRED or errand.acceptance:
            outcomes.append(outcome)
        changes += remembered
    return changes, progress.noting(outcomes, answered(posted)), down


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


def scene_of(
    errand: Errand,
    state: ExportState,
    gathered: Gathered | None,
    progress: Progress,
    now: datetime,
) -> Scene:
    """Put together what planning goes by; nothing is `gathered` of a cloud out of reach."""
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
    )


def _planned(step: Step, scene: Scene) -> Outcome:
    owed = step.owed
    named = ("", step.intent.image_name)
    return scene.outcome(owed.group, owed.slot, ExportResult.DEFERRED, "dry_run", named)


def _ending(
    errand: Errand, state: ExportState, gathered: Gathered, plan: ExportPlan, progress: Progress
) -> list[Change]:
    now = errand.world.clock.now()
    ends = closing(errand, plan, state, gathered.members, now)
    return [*ends, *progress.sayings(), Reached()]
