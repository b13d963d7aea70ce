"""A sandbox with exported volumes, made ready for restores and drills; waiting takes no time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sandbox.clock import START
from tests.sandbox.seeds import plant_volumes
from tests.sandbox.stack import CLOUD_NAME, SandboxStack
from tests.sandbox.things import SandboxImage, SandboxVolume
from volume_images.bootstrap import connect_to_restore
from volume_images.cleanup.state import CleanupState, VolumeFacts, empty_cleanup_state
from volume_images.connections import Connections
from volume_images.image_name import ImageName
from volume_images.model import Tick, Trigger, Volume
from volume_images.protocols import Clock, RestoreCloud, RestoreWorld
from volume_images.report import Report
from volume_images.restore.drill_run import drill_run
from volume_images.restore.making import Progress
from volume_images.restore.new_volume import Wishes
from volume_images.restore.run import Order, Ours, RestorePlan, Watchers, plan_restore, restore_run
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

DB = "16369c5d-384d-4e64-b37a-56d898769362"
WEB = "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"
DAY = timedelta(days=1)
STATE_KEY = "state/cleanup/sandbox.json"
NO_LIMITS = RunLimits(by_hand=True)

Then = Callable[[int], None]
"""What happens at a wait; it gets the number of the wait."""

Wrap = Callable[[Any], Any]
"""What a test puts around a cloud."""


@dataclass
class WaitingClock:
    """The sandbox's clock: waiting moves it, and `then` happens at each wait."""

    stack: SandboxStack
    then: Then = lambda _: None
    waits: int = 0

    def now(self) -> datetime:
        return self.stack.cloud.clock.now()

    def monotonic(self) -> float:
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self.waits += 1
        self.stack.cloud.clock.advance(timedelta(seconds=seconds))
        self.then(self.waits)


@dataclass
class Watched:
    """What a restore said while it went on."""

    warnings: list[str] = field(default_factory=list)
    looks: list[Progress] = field(default_factory=list)

    @property
    def watchers(self) -> Watchers:
        return Watchers(warn=self.warnings.append, tell=self.looks.append)


@dataclass(frozen=True)
class Wrapped:
    """A cloud as it is; what a test derives from it goes wrong in one way."""

    real: Any

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)


class RestoreSite:
    """Three volumes, each exported in the nights of February 27 to March 2."""

    def __init__(self, stack: SandboxStack) -> None:
        self.stack = stack
        self.connections = Connections()

    def reset(self) -> None:
        """Put everything back to where it was at first."""
        world = self.stack.cloud.world
        self.stack.cloud.clock.set(START)
        for held in (world.exports, world.images, world.volumes, self.stack.cloud.requests):
            held.clear()
        plant_volumes(world, 3)
        self.stack.aws.empty(self.stack.state_bucket)
        self.stack.write_config(self.stack.document)
        for volume in world.volumes.values():
            for day in (26, 27, 28, 29):
                self.plant(day, volume)

    def plant(self, day: int, volume: SandboxVolume, **changes: Any) -> SandboxImage:  # noqa: ANN401
        """Plant the image of the night of a day of February 2026 (29 is March 1)."""
        slot = datetime(2026, 2, 1, 2, tzinfo=UTC) + (day - 1) * DAY
        name = ImageName(
            prefix="acme-demo",
            policy="daily",
            requested=False,
            label=volume.name,
            volume_id=volume.id,
            slot=slot,
        )
        image = self.stack.cloud.world.plant_image(
            name=str(name), created_at=slot + timedelta(minutes=3), volume_id=volume.id, **changes
        )
        image.content = f"{volume.name} on day {day}"
        return image

    def world(self, then: Then = lambda _: None, wrap: Wrap = lambda cloud: cloud) -> RestoreWorld:
        """Connect anew, as every run does."""
        world = connect_to_restore(Settings.parse(self.stack.env), self.connections)

        def opened(name: str, refused_secret: str = "") -> RestoreCloud:
            cloud: RestoreCloud = wrap(world.open_cloud(name, refused_secret))
            return cloud

        return replace(world, clock=WaitingClock(self.stack, then), open_cloud=opened)

    def order(self, volume_id: str = DB, **changes: Any) -> Order:  # noqa: ANN401
        """Order a restore; `state` is what cleanup remembers."""
        world = self.world()
        state: CleanupState = changes.pop("state", empty_cleanup_state(world.deployment_id))
        wishes = {
            name: changes.pop(name)
            for name in ("name", "zone", "volume_type", "size_gib")
            if name in changes
        }
        return Order(
            **{
                "volume_id": volume_id,
                "image": "",
                "as_of": None,
                "wishes": Wishes(**wishes),
                "dialect": self.stack.cloud.dialect,
                "ours": Ours(config=world.config, deployment_id=world.deployment_id, state=state),
                **changes,
            }
        )

    def restore(
        self,
        order: Order | None = None,
        watched: Watched | None = None,
        then: Then = lambda _: None,
        wrap: Wrap = lambda cloud: cloud,
    ) -> tuple[RestorePlan, Volume]:
        """Plan and restore."""
        world = self.world(then, wrap)
        cloud = world.open_cloud(CLOUD_NAME)
        plan = plan_restore(cloud, order or self.order(), world.run_id)
        clock: Clock = world.clock
        watchers = (watched or Watched()).watchers
        return plan, restore_run(cloud, plan, world.run_id, clock, watchers)

    def drill(
        self,
        trigger: Trigger | None = None,
        limits: RunLimits = NO_LIMITS,
        then: Then = lambda _: None,
        wrap: Wrap = lambda cloud: cloud,
    ) -> Report:
        """Drill once."""
        return drill_run(self.world(then, wrap), trigger or Tick(), limits=limits)

    def remember(self, volume_id: str) -> None:
        """Write into cleanup's state what a volume is like."""
        volume = self.stack.cloud.world.volumes[volume_id]
        facts = VolumeFacts(
            zone=volume.zone, volume_type=volume.volume_type, size_gib=volume.size_gib
        )
        empty = empty_cleanup_state(self.world().deployment_id)
        state = empty.model_copy(update={"volumes": {volume_id: facts}})
        self.stack.aws.s3.put_object(
            Bucket=self.stack.state_bucket, Key=STATE_KEY, Body=state.model_dump_json().encode()
        )

    def new_volumes(self) -> list[SandboxVolume]:
        """Return the volumes that were made."""
        at_first = {entry["id"] for entry in self.stack.document["volumes"]}
        volumes = self.stack.cloud.world.volumes.values()
        return [volume for volume in volumes if volume.id not in at_first]

    def posts(self) -> int:
        """Count the volumes that were asked for."""
        return sum(
            seen.method == "POST" and seen.path.endswith("/volumes")
            for seen in self.stack.cloud.requests
        )

    def pins(self) -> list[str]:
        """Return every pin of a restore that an image still carries."""
        images = self.stack.cloud.world.images.values()
        return [tag for image in images for tag in image.tags if tag.startswith("vi-restore")]
