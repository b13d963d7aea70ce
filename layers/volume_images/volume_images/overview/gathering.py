"""Looking at every cloud and at both functions' states; nothing is changed."""

from volume_images.cleanup.cleaning import Cleaned, look
from volume_images.cleanup.errand import Errand, errands
from volume_images.cleanup.judgement import Judgement
from volume_images.cleanup.plan import Scope
from volume_images.cleanup.state import CleanupState
from volume_images.errors import StoreError
from volume_images.export.state import ExportState, empty_export_state, export_state_key
from volume_images.memory import Memory, read_state
from volume_images.overview.fleet import FleetView
from volume_images.overview.sight import Sight
from volume_images.overview.survey import survey
from volume_images.protocols import World
from volume_images.report import CloudOutcome, CloudResult
from volume_images.side_by_side import AT_ONCE, each
from volume_images.stopwatch import BY_HAND, Stopwatch
from volume_images.unserved import unserved


def look_at_fleet(world: World) -> FleetView:
    """Look at every cloud of the config, side by side, and say how its volumes stand.

    A cloud that cannot be asked, or whose state cannot be read, is one of which nothing is known.
    """
    shares = errands(world, Scope(), Stopwatch.begin(world.clock, BY_HAND), dry_run=True)
    sights = each(shares, _sight, AT_ONCE)
    return survey(world.config, world.config_version, sights, world.clock.now())


def _sight(errand: Errand) -> Sight:
    try:
        return _look(errand)
    except StoreError as error:
        nothing = empty_export_state(errand.world.deployment_id)
        return Sight(outcome=unserved(errand.cloud, error), exports=nothing)


def _look(errand: Errand) -> Sight:
    key = export_state_key(errand.cloud)
    exports = read_state(errand.world.store, key, empty_export_state(errand.world.deployment_id))
    remarks = _damage(key, exports)
    seen = look(errand)
    if isinstance(seen, Cleaned):
        return Sight(
            outcome=seen.outcome,
            exports=exports.state,
            freshness=seen.freshness,
            remarks=(*remarks, *seen.red),
        )
    judgement = Judgement(errand, seen.facts)
    before = seen.memory.state
    return Sight(
        outcome=CloudOutcome(cloud=errand.cloud, result=CloudResult.SERVED),
        exports=exports.state,
        judged=judgement.of(before, judgement.written_into(before)),
        remarks=(*remarks, *_damage(errand.state_key, seen.memory)),
    )


def _damage(key: str, memory: Memory[ExportState] | Memory[CleanupState]) -> tuple[str, ...]:
    return () if memory.is_whole else (f"{key}: damaged ({memory.origin.value})",)
