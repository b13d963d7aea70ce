"""A cloud as the contract sees it, and what people can do there behind the product's back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import requests

from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.cloud.wire import tls_context
from volume_images.config.schema import CloudConfig
from volume_images.dialect import Dialect
from volume_images.model import ExportAnswer, ExportRequest, Image, VolumeStatus
from volume_images.protocols import Clock

TLS = tls_context()
ABSENT = "00000000-0000-4000-8000-000000000000"
UNTHROTTLED = 1000.0
LONGEST_EXPORT = timedelta(minutes=2)


class Spoilt(StrEnum):
    """What may be wrong with a token."""

    GARBAGE = "garbage"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Owner(StrEnum):
    """Whose an image is."""

    OURS = "ours"
    OTHER = "other"
    """Of another project, private."""

    PUBLIC = "public"
    """Of another project, for everybody."""


class Site(Protocol):
    """One cloud with one project of ours in it."""

    dialect: Dialect
    region: str
    auth_url: str
    project_id: str
    project_name: str
    clock: Clock
    """The cloud's own time, as the product would know it."""

    volumes: Sequence[str]
    """Available ones."""

    attached: str
    """One in use."""

    def secret(self, kind: str = "password") -> dict[str, str]:
        """Return a secret of this cloud: `password` or `application_credential`."""
        ...

    def spoilt_token(self, spoilt: Spoilt) -> str:
        """Return a token that no service may take."""
        ...

    def plant_image(
        self, name: str, *, owner: Owner = Owner.OURS, shared_with: Sequence[str] = ()
    ) -> str:
        """Put an active image there; return its id."""
        ...

    def protect(self, image_id: str, *, protected: bool) -> None:
        """Set or lift the protection of an image."""
        ...

    def let_pass(self) -> None:
        """Let a moment pass in which an export may go on."""
        ...

    def clear(self) -> None:
        """Remove all images; every export has ended then."""
        ...


class Told:
    """A site's clock, moved."""

    def __init__(self, clock: Clock, ahead: timedelta) -> None:
        self._clock = clock
        self._ahead = ahead

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


def opened(
    site: Site,
    secret: dict[str, str] | None = None,
    clock: Clock | None = None,
    **config: str,
) -> OpenedCloud:
    """Open the site's cloud, as every run of the product does."""
    fields = {"region": site.region, "project": site.project_name} | config
    return open_cloud(
        CloudConfig.model_validate(
            {"dialect": site.dialect, "requests_per_second": UNTHROTTLED, **fields}
        ),
        parse_secret(json.dumps(secret or site.secret()), "contract"),
        clock=clock or site.clock,
        tls=TLS,
    )


def wanted(volume_id: str, disk_format: str, **changes: Any) -> ExportRequest:  # noqa: ANN401
    """Ask for an export of this volume."""
    plain = ExportRequest(
        volume_id=volume_id,
        image_name="contract",
        disk_format=disk_format,
        container_format="bare",
        force=False,
        os_type=None,
    )
    return replace(plain, **changes)


def started(cloud: OpenedCloud, request: ExportRequest) -> ExportAnswer:
    """Export by the call whose answer names the image."""
    answer = cloud.volumes.export(request)
    assert isinstance(answer, ExportAnswer)
    return answer


@dataclass(frozen=True)
class Followed:
    """An export to its end: what was seen of the image and the volume, each change once."""

    image: Image | None
    image_statuses: Sequence[str]
    volume_statuses: Sequence[str]


def follow(site: Site, cloud: OpenedCloud, export: ExportAnswer) -> Followed:
    """Look at image and volume until the export has ended."""
    images: list[str] = []
    volumes: list[str] = []
    until = site.clock.now() + LONGEST_EXPORT
    while True:
        volume = cloud.volumes.get(export.volume_id)
        image = cloud.images.get(export.image_id)
        assert volume is not None
        for seen, status in ((images, image.status if image else ""), (volumes, volume.status)):
            if not seen or seen[-1] != status:
                seen.append(status)
        if volume.status != VolumeStatus.UPLOADING:
            return Followed(image, images, volumes)
        assert site.clock.now() < until, "the export does not end"
        site.let_pass()


def log_in(site: Site, auth_url: str = "") -> str:
    """Ask for a token, without the product's client."""
    secret = site.secret()
    domain = {"name": secret["domain"]}
    user = {"name": secret["username"], "password": secret["password"], "domain": domain}
    scope = {"project": {"id": site.project_id}}
    identity = {"methods": ["password"], "password": {"user": user}}
    answer = requests.post(
        f"{auth_url or site.auth_url}/auth/tokens",
        json={"auth": {"identity": identity, "scope": scope}},
        timeout=30,
    )
    answer.raise_for_status()
    return answer.headers["X-Subject-Token"]


def revoke(site: Site, token: str) -> None:
    """Take a token back."""
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    requests.delete(f"{site.auth_url}/auth/tokens", headers=headers, timeout=30).raise_for_status()
