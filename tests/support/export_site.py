"""An export run against a cloud and S3 on loopback, whose clock tests may move."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tests.sandbox.clock import START
from tests.sandbox.fates import GOOD
from tests.sandbox.faults import Faults
from tests.sandbox.seeds import plant_volumes
from tests.sandbox.stack import SandboxStack
from tests.sandbox.things import SandboxImage
from volume_images.bootstrap import connect
from volume_images.connections import Connections
from volume_images.export.run import export_run
from volume_images.export.state import ExportState
from volume_images.model import (
    ExportAnswer,
    ExportRequest,
    RequestedExport,
    Requests,
    Tick,
    Trigger,
)
from volume_images.protocols import Clock, Cloud, World
from volume_images.report import Function, Report
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

DB = "16369c5d-384d-4e64-b37a-56d898769362"
WEB = "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"
LOG = "c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10"
STATE_KEY = "state/export/sandbox.json"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LAMBDA = RunLimits(act=480, end=520)
BY_HAND = RunLimits(by_hand=True)

ExportCall = Callable[[ExportRequest], ExportAnswer]
"""The export call of the real client."""

Meddling = Callable[[ExportCall, ExportRequest], ExportAnswer]
"""What a test puts in its place."""


@dataclass(frozen=True)
class SwiftClock:
    """The sandbox's clock; waiting moves it instead of passing the time."""

    stack: SandboxStack
    inner: Clock

    def now(self) -> datetime:
        """Return the sandbox's time as it is now, moved or not."""
        return self.stack.cloud.clock.now()

    def monotonic(self) -> float:
        """Return seconds that the sandbox's clock, too, has gone through."""
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.stack.cloud.clock.advance(timedelta(seconds=seconds))


@dataclass(frozen=True)
class Meddled:
    """A cloud whose export call is meddled with; everything else is the real client's."""

    cloud: Cloud
    export_call: Meddling

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.cloud, name)

    @property
    def volumes(self) -> Any:  # noqa: ANN401
        """The real volumes, but for the export call."""
        return MeddledVolumes(self.cloud.volumes, self.export_call)


@dataclass(frozen=True)
class MeddledVolumes:
    """Volumes whose export call is meddled with."""

    real: Any
    export_call: Meddling

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    def export(self, request: ExportRequest) -> ExportAnswer:
        """Meddle."""
        return self.export_call(self.real.export, request)


class ExportSite:
    """A sandbox at rest: three volumes, no image, no state, the config as it was written first."""

    def __init__(self, stack: SandboxStack) -> None:
        self.stack = stack
        self.cloud = stack.cloud
        self.connections = Connections()

    def reset(self) -> None:
        """Put everything back to where it was at first."""
        world = self.cloud.world
        self.cloud.clock.set(START)
        held = (world.exports, world.jobs, world.images, world.volumes, self.cloud.requests)
        for each in held:
            each.clear()
        world.tags_active_images_only = False
        world.fate = GOOD
        world.forget_past()
        self.cloud.faults = Faults()
        world.image_quota = 100_000
        world.most_exports = 0
        plant_volumes(world, 3)
        self.stack.aws.empty(self.stack.state_bucket)
        self.edit()

    def world(self) -> World:
        """Connect anew, as every run does."""
        world = connect(Settings.parse(self.stack.env), Function.EXPORT, self.connections)
        return replace(world, clock=SwiftClock(self.stack, world.clock))

    def meddled(self, export_call: Meddling) -> World:
        """Connect to a cloud whose export call is meddled with."""
        world = self.world()

        def opened(name: str, refused_secret: str = "") -> Any:  # noqa: ANN401
            return Meddled(world.open_cloud(name, refused_secret), export_call)

        return replace(world, open_cloud=opened)

    def run(
        self,
        trigger: Trigger | None = None,
        limits: RunLimits = LAMBDA,
        world: World | None = None,
    ) -> Report:
        """Run the export once."""
        return export_run(world or self.world(), trigger or Tick(), limits=limits)

    def let_pass(self, time: timedelta) -> None:
        """Move the cloud's clock, which is ours too."""
        self.cloud.clock.advance(time)
        self.cloud.world.settle()

    def edit(self, cloud: dict[str, Any] | None = None, **policy: Any) -> None:  # noqa: ANN401
        """Write another version of the config."""
        document = json.loads(json.dumps(self.stack.document))
        document["clouds"]["sandbox"] |= cloud or {}
        document["policies"]["daily"] |= policy
        self.stack.write_config(document)

    def images(self) -> list[SandboxImage]:
        """Return what the cloud holds, oldest first."""
        return sorted(self.cloud.world.images.values(), key=lambda image: image.created_at)

    def posts(self) -> int:
        """Count the export calls that the cloud answered with 202."""
        return sum(
            1
            for seen in self.cloud.requests
            if seen.method == "POST" and seen.path.endswith("/action") and seen.status == 202
        )

    def calls(self) -> int:
        """Count all calls to the cloud."""
        return len(self.cloud.requests)

    def state(self) -> ExportState:
        """Read the exporter's state."""
        body = self.stack.aws.s3.get_object(Bucket=self.stack.state_bucket, Key=STATE_KEY)["Body"]
        return ExportState.model_validate_json(body.read())

    def write_state(self, body: bytes) -> None:
        """Damage the state, or put another one there."""
        self.stack.aws.s3.put_object(Bucket=self.stack.state_bucket, Key=STATE_KEY, Body=body)


def said(report: Report) -> list[tuple[str, str]]:
    return sorted((outcome.result.value, outcome.reason) for outcome in report.outcomes)


def request(*volume_ids: str, at: datetime | None = None, **fields: Any) -> Requests:  # noqa: ANN401
    return Requests(requests=(RequestedExport(volume_ids=volume_ids, requested_at=at, **fields),))
