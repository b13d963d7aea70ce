"""The sandbox as a site of the contract."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.contract.sites import Owner, Spoilt, log_in, revoke
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.seeds import OTHER_PROJECT
from tests.sandbox.things import Visibility
from volume_images.protocols import Clock

VISIBILITIES = {
    Owner.OURS: Visibility.PRIVATE,
    Owner.OTHER: Visibility.PRIVATE,
    Owner.PUBLIC: Visibility.PUBLIC,
}
A_MOMENT = timedelta(seconds=5)


class SandboxTime:
    """The sandbox's clock; waiting moves it instead of passing the time."""

    def __init__(self, cloud: CloudSandbox) -> None:
        self._clock = cloud.clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(timedelta(seconds=seconds))


class SandboxSite:
    """A sandbox of one dialect, with three volumes at rest and one attached."""

    clock: Clock
    volumes: Sequence[str]

    def __init__(self, cloud: CloudSandbox) -> None:
        self._cloud = cloud
        self._world = cloud.world
        self.dialect = cloud.dialect
        self.region = cloud.region
        self.auth_url = cloud.auth_url
        self.project_id = cloud.project_id
        self.project_name = cloud.project_name
        self.clock = SandboxTime(cloud)
        *self.volumes, self.attached = self._world.volumes
        attached = self._world.volumes[self.attached]
        attached.server_id, attached.device = "643d58ca-b7ed-4bd3-ab8c-cef40d52dfed", "/dev/vda"
        attached.status = attached.resting_status
        attached.created_at = self.clock.now()  # the newest, as on the real one

    def secret(self, kind: str = "password") -> dict[str, str]:
        return self._cloud.secret("export", kind)

    def spoilt_token(self, spoilt: Spoilt) -> str:
        match spoilt:
            case Spoilt.GARBAGE:
                return "not-a-token"
            case Spoilt.REVOKED:
                token = log_in(self)
                revoke(self, token)
                return token
            case Spoilt.EXPIRED:
                identity = self._cloud.identity
                usual, identity.token_lifetime = identity.token_lifetime, timedelta(milliseconds=1)
                token = log_in(self)
                identity.token_lifetime = usual
                time.sleep(0.002)  # tokens live in real time
                return token

    def plant_image(
        self, name: str, *, owner: Owner = Owner.OURS, shared_with: Sequence[str] = ()
    ) -> str:
        foreign = owner is not Owner.OURS
        visibility = Visibility.SHARED if shared_with else VISIBILITIES[owner]
        return self._world.plant_image(
            name=name,
            created_at=self._cloud.clock.now(),
            owner=OTHER_PROJECT if foreign else None,
            visibility=visibility,
            members=shared_with,
        ).id

    def protect(self, image_id: str, *, protected: bool) -> None:
        self._world.images[image_id].protected = protected

    def let_pass(self) -> None:
        self._cloud.clock.advance(A_MOMENT)

    def clear(self) -> None:
        while self._world.exports:
            self.let_pass()
            self._world.settle()
        self._world.images.clear()
