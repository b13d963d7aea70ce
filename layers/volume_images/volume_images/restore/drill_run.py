"""The drill run: of each policy one image is restored, side by side, then one report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from volume_images.errors import CloudError, StoreError
from volume_images.metrics import Gauge
from volume_images.model import Tick, Trigger, Volume
from volume_images.protocols import RestoreWorld
from volume_images.report import CloudOutcome, CloudResult, DrillResult, Function, Outcome, Report
from volume_images.restore.drill_names import drill_volume_name, left_behind
from volume_images.restore.drilling import Exercise, Tell, drill
from volume_images.restore.ground import Ground, look_around
from volume_images.restore.removing import ask_to_remove
from volume_images.restore.rotation import Candidate, candidates_of, whose_turn
from volume_images.side_by_side import side_by_side
from volume_images.stopwatch import RunLimits, Stopwatch
from volume_images.triggers import only_tick
from volume_images.unserved import out_of_time, unserved

LOOKS_WITHIN = 120.0
"""Seconds in which a cloud must have been looked at: then the drills in the others begin."""


def drill_run(
    world: RestoreWorld,
    trigger: Trigger,
    *,
    limits: RunLimits,
    clouds: frozenset[str] = frozenset(),
    tell: Tell = lambda _policy, _progress: None,
) -> Report:
    """Restore the newest good image of one volume of each policy, whose turn it is, and remove it.

    The trigger's time plays no part. It may name policies and volumes; `clouds` narrows, too.
    Raises TriggerError for a trigger that is no tick, or names a policy that is not in the config.
    """
    started_at = world.clock.now()
    stopwatch = Stopwatch.begin(world.clock, limits)
    tick = only_tick(trigger, world.config, who="a drill")
    sights = side_by_side(
        [name for name in world.config.clouds if name in clouds or not clouds],
        partial(_sight, world, dry_run=tick.dry_run),
        _unseen,
        stopwatch.part(LOOKS_WITHIN),
    )
    grounds = {one.ground.name: one.ground for one in sights if one.ground is not None}
    due, undrilled = _due(world, tick, grounds)
    drilled = (
        [_planned(one) for one in due]
        if tick.dry_run
        else side_by_side(
            due, partial(drill, stopwatch=stopwatch, tell=tell), _unfinished, stopwatch
        )
    )
    outcomes = (*drilled, *undrilled, *(outcome for one in sights for outcome in one.stay))
    return Report(
        run_id=world.run_id,
        function=Function.DRILL,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        dry_run=tick.dry_run,
        outcomes=outcomes,
        changed=outcomes,
        clouds=tuple(one.outcome for one in sights),
        gauges={Gauge.DRILL_LEFTOVERS: sum(one.leftovers for one in sights)},
        red=_red(sights),
    )


@dataclass(frozen=True, slots=True)
class _Sight:
    """What there is in a cloud that could be looked at.

    Killed drills had left so many volumes there, of which some `stay`.
    """

    outcome: CloudOutcome
    ground: Ground | None = None
    leftovers: int = 0
    stay: tuple[Outcome, ...] = ()


def _sight(world: RestoreWorld, name: str, *, dry_run: bool) -> _Sight:
    """Look around in a cloud; what cannot be looked at is drilled another time."""
    try:
        ground = look_around(world, name)
    except (CloudError, StoreError) as error:
        return _Sight(unserved(name, error))
    served = CloudOutcome(cloud=name, result=CloudResult.SERVED)
    if dry_run:
        return _Sight(served, ground)
    left = left_behind(ground.volumes.values(), world.deployment_id, world.clock.now())
    return _Sight(served, ground, len(left), _removed(ground, left))


def _unseen(name: str) -> _Sight:
    return _Sight(out_of_time(name))


def _removed(ground: Ground, left: Sequence[Volume]) -> tuple[Outcome, ...]:
    """Have the volumes of killed drills removed; return those that stay."""
    return tuple(
        Outcome(
            cloud=ground.name,
            result=DrillResult.FAILED,
            reason="leftover_stays",
            details={"volume": volume.id, "name": volume.name, "why": why},
        )
        for volume in left
        if (why := ask_to_remove(ground.cloud, volume))
    )


def _due(
    world: RestoreWorld, tick: Tick, grounds: Mapping[str, Ground]
) -> tuple[list[Exercise], list[Outcome]]:
    """Choose what to drill: of each policy one volume, if any has a good image."""
    due: list[Exercise] = []
    undrilled: list[Outcome] = []
    today = world.clock.now().date()
    for policy in world.config.policies:
        if tick.policies and policy not in tick.policies:
            continue
        candidates = {
            (ground.name, volume_id): candidate
            for ground in grounds.values()
            for volume_id, candidate in candidates_of(ground.name, ground.images, policy).items()
            if not tick.volume_ids or volume_id in tick.volume_ids
        }
        chosen = whose_turn(policy, candidates, today)
        if chosen is None:
            undrilled.append(_skipped(policy))
        else:
            due.append(_exercise(world, policy, chosen, grounds[chosen.cloud]))
    return due, undrilled


def _exercise(world: RestoreWorld, policy: str, candidate: Candidate, ground: Ground) -> Exercise:
    return Exercise(
        policy=policy,
        candidate=candidate,
        ground=ground,
        dialect=world.config.clouds[ground.name].dialect,
        name=drill_volume_name(world.deployment_id, world.run_id, policy),
        run_id=world.run_id,
    )


def _skipped(policy: str) -> Outcome:
    return Outcome(cloud="", result=DrillResult.SKIPPED, reason="no_good_image", policy=policy)


def _planned(exercise: Exercise) -> Outcome:
    return exercise.outcome(DrillResult.SKIPPED, "dry_run", name=exercise.name)


def _unfinished(exercise: Exercise) -> Outcome:
    """Say that a drill did not end in time; what is left of it, the next one removes."""
    return exercise.outcome(
        DrillResult.FAILED, "restore_failed", why=f"{exercise.name} did not end in time"
    )


def _red(sights: Sequence[_Sight]) -> tuple[str, ...]:
    """Say why the run could not do its own work; a single cloud that is down is no reason."""
    if not sights or any(one.ground is not None for one in sights):
        return ()
    reasons = "; ".join(f"{one.outcome.cloud}: {one.outcome.reason}" for one in sights)
    return (f"no cloud could be drilled: {reasons}",)
