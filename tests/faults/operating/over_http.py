"""A deployment over HTTP, for a state machine to operate: with the real client and store."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

from tests.sandbox.fates import ImageFate, VolumeFate
from tests.sandbox.faults import (
    Answered,
    BadTokens,
    Ending,
    Fault,
    Faults,
    ImageQuota,
    InFlight,
    Lost,
    Reads,
    Refused,
    ShownLate,
    Skew,
    Throttle,
)
from tests.sandbox.seeds import plant_foreign_images
from tests.sandbox.stack import CLOUD_NAME, SandboxStack
from tests.support.export_site import ExportSite, SwiftClock
from volume_images.bootstrap import connect
from volume_images.connections import Connections
from volume_images.dialect import Dialect
from volume_images.errors import ConfigError, StoreError
from volume_images.protocols import Clock, World
from volume_images.report import Function
from volume_images.settings import Settings

FAULTS: tuple[Fault, ...] = (
    Lost(method="POST", path="/volume/*/action", probability=0.5),
    Lost(method="DELETE", probability=0.5),
    Throttle(rate=2, burst=3, retry_after=1),
    Answered(status=502, probability=0.2),
    ShownLate(seconds=1500, reads=Reads.LISTINGS),
    Ending(image=ImageFate.FAILED),
    Ending(image=ImageFate.VANISHED, every=2),
    Ending(image=ImageFate.STUCK, every=2),
    Ending(image=ImageFate.STUCK, volume=VolumeFate.UPLOADING, every=3),
    InFlight(limit=1),
    ImageQuota(limit=12),
    Refused(),
    Skew(seconds=900),
    BadTokens(every=7),
)


class SwiftConnections(Connections):
    """What runs keep while they are warm; nobody waits in real time, the client neither."""

    def __init__(self, stack: SandboxStack) -> None:
        super().__init__()
        self._stack = stack

    def clock(self, settings: Settings) -> Clock:
        """Return the one clock."""
        return SwiftClock(self._stack, super().clock(settings))


class OverHttp:
    """The real client and the real store, against a sandbox and S3 on loopback."""

    cloud_name = CLOUD_NAME
    doubtful: frozenset[str] = frozenset()

    def __init__(self, stack: SandboxStack) -> None:
        self._stack = stack
        self._site = ExportSite(stack)
        self.reset()
        self.clock = stack.cloud.clock
        self.pin = "vi-pin=1" if stack.cloud.dialect is Dialect.HUAWEI else "vi-pin"
        self.secrets = [stack.cloud.secret(role)["password"] for role in ("export", "cleanup")]

    def reset(self) -> None:
        """Be as it was at first; what was warm would not know a clock that is set back."""
        self.process_ended()
        self._site.reset()
        self.world = self._stack.cloud.world
        plant_foreign_images(self.world)
        self.struck = 0

    def document(self) -> dict[str, Any]:
        """Return a config without policies and volumes."""
        document = json.loads(json.dumps(self._stack.document))
        return {key: document[key] for key in ("version", "prefix", "clouds", "grace")}

    def write_config(self, body: bytes) -> None:
        """Write another version of the config."""
        bucket, _, key = self._stack.config_location.removeprefix("s3://").partition("/")
        self._stack.aws.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def connect(self, function: Function) -> World | None:
        """Begin a run; None where it ends red, for want of a config."""
        try:
            return connect(Settings.parse(self._stack.env), function, self._connections)
        except (ConfigError, StoreError):
            return None

    def process_ended(self) -> None:
        """Forget what a process keeps while it is warm."""
        self._connections = SwiftConnections(self._stack)

    def state(self, key: str) -> bytes | None:
        """Look at a state."""
        aws = self._stack.aws.s3
        with suppress(aws.exceptions.NoSuchKey):
            found = aws.get_object(Bucket=self._stack.state_bucket, Key=key)
            return bytes(found["Body"].read())
        return None

    def lose(self, key: str) -> None:
        """Lose a state."""
        self._stack.aws.s3.delete_object(Bucket=self._stack.state_bucket, Key=key)

    def damage(self, key: str) -> None:
        """Spoil a state; the versions before are there."""
        self._stack.aws.s3.put_object(Bucket=self._stack.state_bucket, Key=key, Body=b"{")

    def let_pass(self, time: timedelta) -> None:
        """Let time pass."""
        self._site.let_pass(time)

    def go_wrong(self, number: int, seed: int, at_once: int) -> None:
        """Let something go wrong from now on, beside what does, but no more than so much."""
        rules = (*self._stack.cloud.faults.rules, FAULTS[number % len(FAULTS)])
        self._stack.cloud.faults = Faults(seed=seed, rules=rules[-at_once:])
        self.struck += 1

    def go_well(self) -> None:
        """Let nothing go wrong from now on."""
        self._stack.cloud.faults = Faults()
