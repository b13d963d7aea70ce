"""How a fleet stands after a cleanup, from what that has seen: no cloud is asked again."""

from collections.abc import Sequence

from volume_images.cleanup.cleaning import Cleaned
from volume_images.export.state import empty_export_state, export_state_key
from volume_images.memory import read_state
from volume_images.overview.fleet import FleetView
from volume_images.overview.sight import Judged, Sight
from volume_images.overview.survey import survey
from volume_images.protocols import World
from volume_images.report import ImageResult

_NOT_THERE = frozenset({ImageResult.DELETED, ImageResult.GONE})


def fleet_after(world: World, cleaned: Sequence[Cleaned]) -> FleetView:
    """Say how every volume of every cloud stands now. Raises StoreError."""
    sights = [_sight(world, one) for one in cleaned]
    return survey(world.config, world.config_version, sights, world.clock.now())


def _sight(world: World, cleaned: Cleaned) -> Sight:
    key = export_state_key(cleaned.outcome.cloud)
    return Sight(
        outcome=cleaned.outcome,
        exports=read_state(world.store, key, empty_export_state(world.deployment_id)).state,
        judged=_judged(cleaned),
        freshness=cleaned.freshness,
        remarks=cleaned.red,
    )


def _judged(cleaned: Cleaned) -> Judged | None:
    left = cleaned.aftermath
    if left is None:
        return None
    return Judged(
        facts=left.facts,
        plan=left.plan,
        before=left.state,
        after=left.state,
        grace=left.grace,
        gone=frozenset(one.image_id for one in cleaned.outcomes if one.result in _NOT_THERE),
    )
