"""The cleanup run: every cloud side by side, then one report."""

from collections.abc import Callable, Iterable, Sequence

from volume_images.cleanup.cleaning import Cleaned, clean, unfinished
from volume_images.cleanup.errand import Errand, errands
from volume_images.cleanup.plan import Scope
from volume_images.errors import StoreError
from volume_images.metrics import Gauge
from volume_images.model import Trigger
from volume_images.protocols import World
from volume_images.report import Function, ImageResult, Outcome, Report
from volume_images.side_by_side import side_by_side
from volume_images.stopwatch import RunLimits, Stopwatch
from volume_images.triggers import only_tick
from volume_images.unserved import unserved

Onlooker = Callable[[Sequence[Cleaned]], None]
"""Gets to see what became of each cloud in a whole run that has time left."""


def nobody(_: Sequence[Cleaned]) -> None:
    """Look at nothing."""


def cleanup_run(
    world: World,
    trigger: Trigger,
    *,
    limits: RunLimits,
    without_wait: frozenset[str] = frozenset(),
    onlooker: Onlooker = nobody,
) -> Report:
    """Judge, announce and delete in every cloud of the config, and say how fresh each volume is.

    The trigger's time plays no part: grace is measured by our clock. Volumes in `without_wait`
    skip the wait, never the floor. With a config that cannot be used nothing is done at all.

    Raises TriggerError for a trigger that is no tick, or names a policy that is not in the config.
    """
    tick = only_tick(trigger, world.config, who="cleanup")
    started_at = world.clock.now()
    stopwatch = Stopwatch.begin(world.clock, limits)
    scope = Scope(tick.policies, tick.volume_ids)
    shares = errands(world, scope, stopwatch, dry_run=tick.dry_run, without_wait=without_wait)
    cleaned = side_by_side([] if world.config_fault else shares, _clean, _late, stopwatch)
    if cleaned and scope.is_whole and not tick.dry_run and stopwatch.may_act():
        onlooker(cleaned)
    strays = _strays(cleaned, without_wait | tick.volume_ids)
    return Report(
        run_id=world.run_id,
        function=Function.CLEANUP,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        dry_run=tick.dry_run,
        outcomes=(*(outcome for one in cleaned for outcome in one.outcomes), *strays),
        changed=(*(outcome for one in cleaned for outcome in one.changed), *strays),
        clouds=tuple(one.outcome for one in cleaned),
        freshness=tuple(entry for one in cleaned for entry in one.freshness),
        gauges=_gauges(world, cleaned),
        safety_stops=tuple(stop for one in cleaned for stop in one.safety_stops),
        red=_red(world, cleaned),
    )


def _gauges(world: World, cleaned: Sequence[Cleaned]) -> dict[str, int]:
    """Total what has no outcome; of the quotas, the fullest is told, and none where none is known.

    A mean would hide the one cloud that takes no more images.
    """
    gauges: dict[str, int] = {
        Gauge.ANNOUNCEMENTS_LAPSED: sum(one.lapsed for one in cleaned),
        Gauge.CONFIG_UNREADABLE: int(bool(world.config_fault)),
    }
    quotas = [one.quota_used for one in cleaned if one.quota_used is not None]
    if quotas:
        gauges[Gauge.IMAGE_QUOTA_USED] = max(quotas)
    return gauges


def _clean(errand: Errand) -> Cleaned:
    return _told(errand, clean)


def _told(errand: Errand, work: Callable[[Errand], Cleaned]) -> Cleaned:
    """Make an outcome of a state that cannot be read or written."""
    try:
        return work(errand)
    except StoreError as error:
        red = f"{errand.cloud}: {error}"
        return Cleaned(outcome=unserved(errand.cloud, error), judged=False, red=(red,))


def _late(errand: Errand) -> Cleaned:
    """Say that a cloud did not end in time; it deletes no more."""
    return _told(errand, unfinished)


def _strays(cleaned: Iterable[Cleaned], named: frozenset[str]) -> tuple[Outcome, ...]:
    """Say of which volumes named to this run nothing is known, once every cloud was looked at."""
    if not all(one.judged for one in cleaned):
        return ()
    known = frozenset().union(*(one.volume_ids for one in cleaned))
    return tuple(
        Outcome(
            cloud="",
            result=ImageResult.NOT_DELETED,
            reason="volume is neither in the config nor has it images",
            volume_id=volume_id,
        )
        for volume_id in sorted(named - known)
    )


def _red(world: World, cleaned: Sequence[Cleaned]) -> tuple[str, ...]:
    """Say why the run could not do its own work; a single cloud that is down is no reason."""
    if world.config_fault:
        return (f"nothing is judged or deleted: {world.config_fault}",)
    red = tuple(reason for one in cleaned for reason in one.red)
    if not any(one.judged for one in cleaned):
        reasons = "; ".join(f"{one.outcome.cloud}: {one.outcome.reason}" for one in cleaned)
        return (*red, f"no cloud could be judged: {reasons}")
    return red
