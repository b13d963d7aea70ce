"""What a person may ask of cleanup's memory: to forget orphans, and to adopt unknown images."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from volume_images.cleanup.cleaning import Cleaned, Seen, grant, look
from volume_images.cleanup.errand import Errand, errands
from volume_images.cleanup.judgement import Judgement
from volume_images.cleanup.plan import CleanupPlan, Scope
from volume_images.cleanup.state import CleanupState, Judged
from volume_images.errors import InputError
from volume_images.model import ImageStatus
from volume_images.namesakes import refuse_absent, refuse_namesakes
from volume_images.protocols import World
from volume_images.recognition import ImageState, Recognised
from volume_images.report import Function, Outcome, Report
from volume_images.side_by_side import AT_ONCE, each
from volume_images.stopwatch import BY_HAND, Stopwatch


def forget(world: World, subject: str, *, dry_run: bool) -> Report:
    """Announce every image of a volume or a policy that left the config; after the grace they go.

    What the config covers is left alone. Raises InputError where nothing is left to forget, and
    StoreError.
    """
    started_at = world.clock.now()
    stopwatch = Stopwatch.begin(world.clock, BY_HAND)
    shares = errands(world, _scope(subject), stopwatch, dry_run=dry_run)
    cleaned = each(shares, _forget, AT_ONCE)
    covered = {(entry.policy, entry.volume_id) for one in cleaned for entry in one.freshness}
    orphans = [
        replace(
            one,
            outcomes=tuple(
                outcome
                for outcome in one.outcomes
                if (outcome.policy, outcome.volume_id) not in covered
            ),
        )
        for one in cleaned
    ]
    if all(one.judged and not one.outcomes for one in orphans):
        if any(subject in pair for pair in covered):
            raise InputError(f"{subject}: the config still covers it: take it out there first")
        raise InputError(f"{subject}: there is no image of ours of such a volume or policy")
    return _report(world, orphans, started_at, dry_run=dry_run)


def adopt(world: World, wanted: Sequence[str], *, dry_run: bool) -> Report:
    """Take in unknown images, named by id or name: from now on they are judged as good ones.

    All of them, or none. Raises InputError for what cannot be adopted, CloudUnavailable for what
    may be in a cloud that could not be looked at, and StoreError.
    """
    started_at = world.clock.now()
    stopwatch = Stopwatch.begin(world.clock, BY_HAND)
    sights = each(errands(world, Scope(), stopwatch, dry_run=dry_run), _sight, AT_ONCE)
    looked = [one for one in sights if isinstance(one, _Looked)]
    cleaned = [one for one in sights if isinstance(one, Cleaned)]
    chosen = [_chosen(name, looked, cleaned) for name in dict.fromkeys(wanted)]
    for one in looked:
        images = [image for where, image in chosen if where is one]
        if images:
            ids = frozenset(image.image.id for image in images)
            scope = Scope(volume_ids=frozenset(image.group.volume_id for image in images))
            done = grant(replace(one.errand, scope=scope), one.seen, _adopting(images))
            said = tuple(outcome for outcome in done.outcomes if outcome.image_id in ids)
            cleaned.append(replace(done, outcomes=said))
    return _report(world, cleaned, started_at, dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A cloud that was looked at, and our images in it."""

    errand: Errand
    seen: Seen
    images: tuple[Recognised, ...]

    @classmethod
    def at(cls, errand: Errand, seen: Seen) -> "_Looked":
        judgement = Judgement(errand, seen.facts)
        judgement.written_into(seen.memory.state)
        images = tuple(image for group in judgement.plan.groups for image in group.images)
        return cls(errand, seen, images)


def _sight(errand: Errand) -> _Looked | Cleaned:
    seen = look(errand)
    return seen if isinstance(seen, Cleaned) else _Looked.at(errand, seen)


def _forget(errand: Errand) -> Cleaned:
    seen = look(errand)
    return seen if isinstance(seen, Cleaned) else grant(errand, seen, _forgotten)


def _chosen(
    wanted: str, looked: Iterable[_Looked], unseen: Sequence[Cleaned]
) -> tuple[_Looked, Recognised]:
    """Find the one image that is meant. Raises InputError if it is none that can be adopted."""
    found = [
        (one, image)
        for one in looked
        for image in one.images
        if wanted in (image.image.id, image.image.name)
    ]
    if not found:
        refuse_absent(wanted, (f"{one.outcome.cloud}: {one.outcome.reason}" for one in unseen))
    refuse_namesakes(wanted, (image.image.id for _, image in found))
    ((where, image),) = found
    if image.state not in (ImageState.UNKNOWN, ImageState.GOOD):
        raise InputError(f"{wanted}: the image is {image.state}: only an active one is adopted")
    if image.image.status != ImageStatus.ACTIVE:
        raise InputError(
            f"{wanted}: the image's status is {image.image.status}: only an active one is adopted"
        )
    return where, image


def _adopting(images: Sequence[Recognised]) -> Callable[[CleanupState, CleanupPlan], CleanupState]:
    """Return how unknown images are taken in; those that are known are ours already."""

    def adopted(state: CleanupState, plan: CleanupPlan) -> CleanupState:
        for image in images:
            if image.state is ImageState.UNKNOWN:
                record = state.group(plan.project_id, image.group)
                taken_in = {**record.adopted, image.image.id: plan.now}
                record = record.model_copy(update={"adopted": taken_in})
                state = state.with_group(plan.project_id, image.group, record)
        return state

    return adopted


def _forgotten(state: CleanupState, plan: CleanupPlan) -> CleanupState:
    """Mark the groups of a plan that nothing covers: their newest images are to go, too.

    Who names a group says by that that it is ours, even if no run of ours ever covered it.
    """
    for group in plan.groups:
        if group.is_covered:
            continue
        key = group.key
        record = state.group(plan.project_id, key)
        judged = Judged(at=plan.now, digest=group.digest, config_version=plan.config_version)
        marks = {
            "judged": judged,
            "orphan_since": record.orphan_since or plan.now,
            "all_ours": True,
            "forgotten_at": record.forgotten_at or plan.now,
        }
        state = state.with_group(plan.project_id, key, record.model_copy(update=marks))
    return state


def _scope(subject: str) -> Scope:
    try:
        UUID(subject)
    except ValueError:
        return Scope(policies=frozenset({subject}))
    return Scope(volume_ids=frozenset({subject}))


def _report(
    world: World, cleaned: Sequence[Cleaned], started_at: datetime, *, dry_run: bool
) -> Report:
    outcomes: list[Outcome] = [outcome for one in cleaned for outcome in one.outcomes]
    return Report(
        run_id=world.run_id,
        function=Function.CLEANUP,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        dry_run=dry_run,
        outcomes=outcomes,
        clouds=[one.outcome for one in cleaned],
        safety_stops=[stop for one in cleaned for stop in one.safety_stops],
        red=[reason for one in cleaned for reason in one.red],
    )
