"""What one export run is asked to do in one cloud."""

from dataclasses import dataclass
from datetime import datetime

from volume_images.config.schema import CloudConfig
from volume_images.export.requesting import Acceptance
from volume_images.export.state import export_state_key
from volume_images.memory import Origin
from volume_images.model import Tick
from volume_images.protocols import World
from volume_images.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One cloud's share of a run.

    `origin` is where the state came from that it began with. `at` is the trigger's time and chooses
    slots. `tick` narrows it to policies or volumes; one that names policies names `at` as the slot.
    With an `acceptance` of requests, only what it took on is looked at. A run that `stays` fills
    freed places until nothing waits for room.
    """

    world: World
    cloud: str
    origin: Origin
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
    def names_slot(self) -> bool:
        """Whether the trigger itself names the slot of its policies, whatever their schedules."""
        return bool(self.tick.policies)

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
