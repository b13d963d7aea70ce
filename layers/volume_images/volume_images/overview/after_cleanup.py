"""How a fleet stands after a cleanup, from what that has seen: no cloud is asked again."""

from collections.abc import Sequence

from volume_images.cleanup.cleaning import Cleaned
from volume_images.export.state import empty_export_state, export_state_key
from volume_images.memory import read_state
from volume_images.overview.fleet import FleetView
from volume_images.overview.sight import Sight
from volume_images.overview.survey import survey
from volume_images.protocols import World


def fleet_after(world: World, cleaned: Sequence[Cleaned]) -> FleetView:
    """Say how every volume of every cloud stands now. Raises StoreError."""
    sights = [_sight(world, one) for one in cleaned]
    return survey(world.config, world.config_version, sights, world.clock.now())


def _sight(world: World, cleaned: Cleaned) -> Sight:
    key = export_state_key(cleaned.outcome.cloud)
    return Sight(
        outcome=cleaned.outcome,
        exports=read_state(world.store, key, empty_export_state(world.deployment_id)).state,
        judged=cleaned.aftermath,
        freshness=cleaned.freshness,
        remarks=cleaned.red,
    )
