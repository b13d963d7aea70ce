"""What one export run is asked to do in one cloud, and how long it may take."""

from dataclasses import dataclass
from datetime import datetime

from volume_images.config import CloudConfig
from volume_images.export_state import ExportState
from volume_images.memory import Memory
from volume_images.model import Tick
from volume_images.protocols import Clock, RunLimits, World
from volume_images.requesting import Acceptance


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """A run's own time, from its start; its limits are in seconds."""

    clock: Clock
    limits: RunLimits
    started: float

    def may_act(self) -> bool:
        """Whether a POST or DELETE may still begin."""
        return self.limits.act is None or self._elapsed() < self.limits.act

    def has(self, seconds: float) -> bool:
        """Whether so many seconds may pass, and something still be started after them."""
        return self.limits.act is None or self._elapsed() + seconds < self.limits.act

    def _elapsed(self) -> float:
        return self.clock.monotonic() - self.started


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One cloud's share of a run.

    `at` is the trigger's time and chooses slots. `tick` narrows it to volumes. With an
    `acceptance`, only the slots that it took on are looked at. A run that `stays` fills freed
    places until nothing waits for room.
    """

    world: World
    cloud: str
    memory: Memory[ExportState]
    at: datetime
    tick: Tick
    acceptance: Acceptance | None
    stays: bool
    stopwatch: Stopwatch

    @property
    def whole(self) -> bool:
        """Whether this errand looks at everything in the cloud."""
        return self.acceptance is None and not self.tick.narrowed

    @property
    def dry_run(self) -> bool:
        """Whether to plan only."""
        return self.tick.dry_run

    @property
    def cloud_config(self) -> CloudConfig:
        """The cloud's entry in the config."""
        return self.world.config.clouds[self.cloud]

    @property
    def state_key(self) -> str:
        """Where the cloud's export state is kept."""
        return export_state_key(self.cloud)


def export_state_key(cloud: str) -> str:
    """Return the key of a cloud's export state."""
    return f"state/export/{cloud}.json"
