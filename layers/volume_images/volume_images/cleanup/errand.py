"""What one cleanup run is asked to do in one cloud."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial

from volume_images.cleanup.gathering import Versions, config_versions
from volume_images.cleanup.plan import Scope
from volume_images.cleanup.state import cleanup_state_key
from volume_images.protocols import World
from volume_images.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One cloud's share of a cleanup run."""

    world: World
    cloud: str
    scope: Scope
    dry_run: bool
    without_wait: frozenset[str]
    stopwatch: Stopwatch
    versions: Versions

    @property
    def state_key(self) -> str:
        """Where cleanup keeps its memory of the cloud."""
        return cleanup_state_key(self.cloud)

    @property
    def grace(self) -> timedelta:
        """How long an image stands announced: the config can only lengthen the minimum."""
        return max(self.world.config.grace, self.world.minimum_grace)


def errands(
    world: World,
    scope: Scope,
    stopwatch: Stopwatch,
    *,
    dry_run: bool,
    without_wait: frozenset[str] = frozenset(),
) -> list[Errand]:
    """Share a run out among the clouds of the config."""
    versions = cache(partial(config_versions, world.store))
    return [
        Errand(
            world=world,
            cloud=cloud,
            scope=scope,
            dry_run=dry_run,
            without_wait=without_wait,
            stopwatch=stopwatch,
            versions=versions,
        )
        for cloud in world.config.clouds
    ]
