"""A sandbox made ready for cleanup runs, and clouds that go wrong in one way."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from tests.sandbox.clock import START
from tests.sandbox.faults import Faults
from tests.sandbox.stack import SandboxStack
from tests.sandbox.things import SandboxImage
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.cleanup.state import CleanupState
from volume_images.connections import Connections
from volume_images.image_name import ImageName
from volume_images.model import Image, Requests, Tick
from volume_images.protocols import Cloud, Images, Volumes, World
from volume_images.report import Function, Report
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

DB = "16369c5d-384d-4e64-b37a-56d898769362"
STATE_KEY = "state/cleanup/sandbox.json"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NO_LIMITS = RunLimits()

CONNECTIONS: WeakKeyDictionary[SandboxStack, Connections] = WeakKeyDictionary()
"""What the runs of one sandbox use again, as those of a warm function do."""


class Site:
    """A sandbox at rest: a cloud with no images, a store with no state, the config of old."""

    def __init__(self, stack: SandboxStack, grace_days: int) -> None:
        self.stack = stack
        self.grace_days = grace_days
        self.images = stack.cloud.world.images
        self.connections = CONNECTIONS.setdefault(stack, Connections())

    @classmethod
    def at_rest(cls, stack: SandboxStack, grace_days: int = 3) -> "Site":
        """Forget whatever a test before did to the sandbox."""
        stack.cloud.clock.set(START)
        stack.cloud.world.images.clear()
        stack.cloud.world.forget_past()
        stack.cloud.faults = Faults()
        stack.cloud.requests.clear()
        stack.aws.empty(stack.state_bucket)
        site = cls(stack, grace_days)
        site.edit()
        return site

    @classmethod
    def in_force(cls, stack: SandboxStack, environment: pytest.MonkeyPatch) -> "Site":
        """Set the variables of a sandbox's environment, too, where a module has several."""
        for name, value in stack.env.items():
            environment.setenv(name, value)
        return cls.at_rest(stack)

    def plant(self, day: int, image_id: str = "", **changes: Any) -> SandboxImage:  # noqa: ANN401
        """Plant a good image of the slot of a day in February 2026 (more than 28: in March)."""
        slot = datetime(2026, 2, 1, 2, tzinfo=UTC) + (day - 1) * DAY
        name = ImageName(
            prefix=changes.pop("prefix", "acme-demo"),
            policy=changes.pop("policy", "daily"),
            requested=False,
            label="db01-data",
            volume_id=changes.pop("of", DB),
            slot=slot,
        )
        return self.stack.cloud.world.plant_image(
            name=str(name),
            created_at=slot + timedelta(minutes=3),
            volume_id=name.volume_id,
            image_id=image_id or f"day-{day}",
            **changes,
        )

    def world(self) -> World:
        """Connect anew, as every run does."""
        settings = Settings.parse({**self.stack.env, "VOLUME_IMAGES_MINIMUM_GRACE": "24h"})
        return connect(settings, Function.CLEANUP, self.connections)

    def clean(
        self,
        trigger: Tick | Requests | None = None,
        limits: RunLimits = NO_LIMITS,
        without_wait: frozenset[str] = frozenset(),
        change: Callable[[World], World] = lambda world: world,
    ) -> Report:
        """Run cleanup once, in a world that `change` may make go wrong."""
        return cleanup_run(
            change(self.world()), trigger or Tick(), limits=limits, without_wait=without_wait
        )

    def clean_after(self, time: timedelta, **arguments: Any) -> Report:  # noqa: ANN401
        """Let time pass, and a moment more (a served clock tells whole seconds); then run."""
        self.let_pass(time + timedelta(seconds=2))
        return self.clean(**arguments)

    def stand_for_the_grace(self, *days: int) -> None:
        """Have images of these days, of which all but the newest three are due at the next run."""
        for day in days:
            self.plant(day)
        self.clean()
        for _ in range(self.grace_days - 1):
            self.clean_after(DAY)
        self.let_pass(DAY + timedelta(seconds=2))

    def let_pass(self, time: timedelta) -> None:
        """Move the cloud's clock, which is ours too."""
        self.stack.cloud.clock.advance(time)

    def document(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the config that keeps the newest three, with changes of the policy."""
        document: dict[str, Any] = json.loads(json.dumps(self.stack.document))
        document["grace"] = f"{self.grace_days}d"
        document["policies"]["daily"] |= {"retention": {"keep_last": 3}} | changes
        return document

    def edit(self, **changes: Any) -> None:  # noqa: ANN401
        """Write another version of the config, with changes of its policy."""
        self.stack.write_config(self.document(**changes))

    def edit_document(self, **changes: Any) -> None:  # noqa: ANN401
        """Write another version of the config, with other top-level keys."""
        document = self.document() | changes
        self.stack.write_config(json.loads(json.dumps(document)))  # without YAML's aliases

    def state(self) -> CleanupState:
        """Read cleanup's state."""
        body = self.stack.aws.s3.get_object(Bucket=self.stack.state_bucket, Key=STATE_KEY)["Body"]
        return CleanupState.model_validate_json(body.read())

    def has_state(self) -> bool:
        """Whether any state was written."""
        listed = self.stack.aws.s3.list_objects_v2(
            Bucket=self.stack.state_bucket, Prefix="state/cleanup/"
        )
        return listed["KeyCount"] > 0

    def deletes(self) -> list[str]:
        """Return the ids of the images that a DELETE was sent for, in order."""
        return [
            seen.path.rpartition("/")[2]
            for seen in self.stack.cloud.requests
            if seen.method == "DELETE" and "/tags/" not in seen.path
        ]


class Passing:
    """A cloud's images, unchanged; what a test derives from it goes wrong in one way."""

    def __init__(self, images: Images) -> None:
        self.real = images

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        return self.real.all(created_since)

    def get(self, image_id: str) -> Image | None:
        return self.real.get(image_id)

    def members(self, image_id: str) -> Sequence[str]:
        return self.real.members(image_id)

    def delete(self, image_id: str) -> bool:
        return self.real.delete(image_id)

    def room(self) -> int | None:
        return self.real.room()


@dataclass
class WrappedCloud:
    """A cloud with other images or volumes than its own, or another clock."""

    real: Cloud
    images: Images
    skew: timedelta | None = None
    seen: Volumes | None = None

    @property
    def project_id(self) -> str:
        return self.real.project_id

    @property
    def volumes(self) -> Volumes:
        return self.seen or self.real.volumes

    def clock_skew(self) -> timedelta:
        return self.real.clock_skew() if self.skew is None else self.skew


def with_images(
    wrap: Callable[[Images], Images], skew: timedelta | None = None
) -> Callable[[World], World]:
    """Let a run see a cloud's images through something that goes wrong."""

    def change(world: World) -> World:
        def opened(name: str, refused_secret: str = "") -> Cloud:
            cloud = world.open_cloud(name, refused_secret)
            return WrappedCloud(cloud, wrap(cloud.images), skew)

        return replace(world, open_cloud=opened)

    return change


def results(report: Report) -> dict[str, str]:
    return {outcome.image_id: outcome.result.value for outcome in report.outcomes}


def reasons(report: Report) -> dict[str, str]:
    return {outcome.image_id: outcome.reason for outcome in report.outcomes}
