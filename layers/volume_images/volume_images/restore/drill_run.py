"""The drill run: of each policy one image is restored, side by side, then one report."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from threading import Event

from volume_images.cleanup.cleaning import result_of
from volume_images.errors import CloudError, StoreError
from volume_images.model import Tick, Trigger
from volume_images.protocols import RestoreWorld, RunLimits
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    DrillResult,
    Function,
    Gauge,
    Outcome,
    Report,
)
from volume_images.restore.drill_names import drill_volume_name, left_behind
from volume_images.restore.drilling import REMOVED_WITHIN, Exercise, Patient, drill
from volume_images.restore.ground import Ground, look_around
from volume_images.restore.making import Progress
from volume_images.restore.removing import ask_to_remove
from volume_images.restore.rotation import Candidate, candidates_of, whose_turn
from volume_images.stopwatch import Stopwatch
from volume_images.triggers import only_tick

AT_ONCE = 16

Tell = Callable[[str, Progress], None]
"""Hears of each look at a policy's volume."""


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
    stopwatch = Stopwatch(world.clock, limits, world.clock.monotonic())
    tick = only_tick(trigger, world.config, who="a drill")
    grounds, told = _grounds(
        world, [name for name in world.config.clouds if name in clouds or not clouds]
    )
    reaped = [] if tick.dry_run else [_reap(world, ground) for ground in grounds.values()]
    due, undrilled = _due(world, tick, grounds)
    drilled = (
        [_planned(one) for one in due] if tick.dry_run else _side_by_side(due, stopwatch, tell)
    )
    outcomes = (*drilled, *undrilled, *(outcome for one in reaped for outcome in one.refused))
    return Report(
        run_id=world.run_id,
        function=Function.DRILL,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        dry_run=tick.dry_run,
        outcomes=outcomes,
        changed=outcomes,
        clouds=told,
        gauges={Gauge.DRILL_LEFTOVERS: sum(one.found for one in reaped)},
        red=_red(grounds, told),
    )


def _grounds(
    world: RestoreWorld, names: Sequence[str]
) -> tuple[Mapping[str, Ground], tuple[CloudOutcome, ...]]:
    """Look around in each cloud; what cannot be looked at is drilled another time."""
    grounds: dict[str, Ground] = {}
    told: list[CloudOutcome] = []
    for name in names:
        result, reason = CloudResult.SERVED, ""
        try:
            grounds[name] = look_around(world, name)
        except CloudError as error:
            result, reason = result_of(error), str(error)
        except StoreError as error:
            result, reason = CloudResult.UNAVAILABLE, str(error)
        told.append(CloudOutcome(cloud=name, result=result, reason=reason))
    return grounds, tuple(told)


@dataclass(frozen=True, slots=True)
class _Reaped:
    """How many volumes killed drills had left in a cloud, and which of them stay."""

    found: int
    refused: tuple[Outcome, ...]


def _reap(world: RestoreWorld, ground: Ground) -> _Reaped:
    left = left_behind(ground.volumes.values(), world.deployment_id, world.clock.now())
    refused = [
        Outcome(
            cloud=ground.name,
            result=DrillResult.FAILED,
            reason="leftover_stays",
            details={"volume": volume.id, "name": volume.name, "why": why},
        )
        for volume in left
        if (why := ask_to_remove(ground.cloud, volume))
    ]
    return _Reaped(len(left), tuple(refused))


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
        clock=world.clock,
    )


def _skipped(policy: str) -> Outcome:
    return Outcome(cloud="", result=DrillResult.SKIPPED, reason="no_good_image", policy=policy)


def _planned(exercise: Exercise) -> Outcome:
    return exercise.outcome(DrillResult.SKIPPED, "dry_run", name=exercise.name)


def _side_by_side(due: Sequence[Exercise], stopwatch: Stopwatch, tell: Tell) -> list[Outcome]:
    """Drill all at once: they mostly wait. A run that is stopped removes its volumes first."""
    stopped = Event()

    def run(exercise: Exercise) -> Outcome:
        return drill(
            exercise,
            Patient(
                may_wait=lambda: stopwatch.may_act() and not stopped.is_set(),
                removal_time=lambda: _removal_time(stopwatch),
                tell=partial(tell, exercise.policy),
            ),
        )

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="drill") as pool:
        try:
            futures = [pool.submit(run, exercise) for exercise in due]
            wait(futures)
        except BaseException:
            stopped.set()
            raise
        return [future.result() for future in futures]


def _removal_time(stopwatch: Stopwatch) -> float:
    left = stopwatch.left()
    return REMOVED_WITHIN if left is None else min(REMOVED_WITHIN, left)


def _red(grounds: Mapping[str, Ground], told: Sequence[CloudOutcome]) -> tuple[str, ...]:
    """Say why the run could not do its own work; a single cloud that is down is no reason."""
    if grounds or not told:
        return ()
    reasons = "; ".join(f"{one.cloud}: {one.reason}" for one in told)
    return (f"no cloud could be drilled: {reasons}",)
