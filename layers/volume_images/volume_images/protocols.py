"""What the runs need from the world: clouds, a store, a clock. `cloud` and `store` fit these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from volume_images.config.schema import Config
from volume_images.model import (
    ExportAnswer,
    ExportJob,
    ExportRequest,
    Image,
    ImageJob,
    ImageMark,
    NewVolume,
    RestorePin,
    Volume,
)


class Clock(Protocol):
    """The one clock, made in connections."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC: it rules volumes, images and slots."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only run forward: they rule a run's own time limits."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Volumes(Protocol):
    """The block-storage side of one cloud project. Every call raises CloudError."""

    def all(self) -> Sequence[Volume]:
        """Walk the listing to its end: every volume of the project, each once."""
        ...

    def get(self, volume_id: str) -> Volume | None:
        """Read one volume; None when the cloud answers that it does not exist."""
        ...

    def export(self, request: ExportRequest) -> ExportAnswer | ExportJob:
        """POST the export; never again here once the cloud may have begun with it.

        Which call that is, the cloud's `strategy` says: an ExportJob comes of `ims_job` alone.
        Raises LostAnswer when the request may have been carried out all the same.
        """
        ...

    def job(self, job_id: str) -> ImageJob | None:
        """Read the job of an export; None when the cloud knows of no such job."""
        ...

    def failure_message(self, volume_id: str, since: datetime) -> str:
        """Return what the cloud recorded about a failed export of this volume; often empty."""
        ...


class Images(Protocol):
    """The image side of one cloud project. Every call raises CloudError."""

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        """Walk the listing to its end: every image that the project owns, each once.

        `created_since` narrows it on the server, and proves nothing about what is absent.
        Raises IncompleteListing when three walks repeated, went backwards or broke.
        """
        ...

    def get(self, image_id: str) -> Image | None:
        """Read one image; None when the cloud answers that it does not exist."""
        ...

    def members(self, image_id: str) -> Sequence[str]:
        """List the projects that this image is shared with."""
        ...

    def delete(self, image_id: str) -> bool:
        """DELETE; False when it was not there any more."""
        ...

    def mark(self, image_id: str, mark: ImageMark) -> bool:
        """Tag an image as ours, as often as one likes; False when it was not there any more."""
        ...

    def pin(self, image_id: str) -> bool:
        """Tag an image as not to be deleted; False when it was not there any more."""
        ...

    def unpin(self, image_id: str) -> bool:
        """Remove that tag, if it is there; False when the image was not there any more."""
        ...

    def set_restore_pin(self, image_id: str, pin: RestorePin) -> bool:
        """Tag an image as being restored; False when it was not there any more."""
        ...

    def drop_restore_pin(self, image_id: str, pin: RestorePin) -> None:
        """Remove that tag, if it and the image are there."""
        ...

    def room(self) -> int | None:
        """Return how many more images the project may hold; None where the cloud does not say."""
        ...


class Cloud(Protocol):
    """One project of one cloud, authenticated."""

    @property
    def project_id(self) -> str:
        """The project's id, looked up where the config gives a name."""
        ...

    @property
    def volumes(self) -> Volumes:
        """Its volumes."""
        ...

    @property
    def images(self) -> Images:
        """Its images."""
        ...

    def clock_skew(self) -> timedelta:
        """Return how far the `Date` of its newest answer was ahead of our clock."""
        ...


class RestoreVolumes(Protocol):
    """What makes and removes volumes: for restoring alone. Every call raises CloudError."""

    def create(self, volume: NewVolume) -> str:
        """POST a new volume, once, and return its id: it is not ready yet.

        Raises LostAnswer when it may have been created all the same.
        """
        ...

    def make_exportable(self, volume_id: str) -> None:
        """Mend what keeps a volume made of an image from being exported itself."""
        ...

    def delete(self, volume_id: str) -> bool:
        """DELETE; False when it was not there any more. It is gone when a GET answers 404."""
        ...


class RestoreCloud(Cloud, Protocol):
    """A cloud in which volumes may be made. Neither exporter nor cleaner ever holds one."""

    @property
    def restoring(self) -> RestoreVolumes:
        """What makes and removes its volumes."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the store, and the version that a conditional write must still find."""

    body: bytes
    version: str


class Store(Protocol):
    """Config (read), state (read, replace only if unchanged), reports (write, list, read).

    Keys are relative, as in `state/export/otc.json`. Every call raises StoreError.
    """

    def config(self) -> StoredObject:
        """Read the config document. Raises ConfigError when it is missing."""
        ...

    def config_versions(self, since: str) -> Sequence[bytes] | None:
        """Read every config written after version `since`, oldest first.

        None when that is not known: `since` has expired, or the store keeps no versions.
        """
        ...

    def state(self, key: str) -> StoredObject | None:
        """Read a state object; None when there is none yet (never for 403)."""
        ...

    def earlier_states(self, key: str) -> Sequence[bytes]:
        """Read the versions before the current one, newest first; empty without versioning."""
        ...

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        """Write only if the object is still at `version` (None: if there is none yet).

        Returns the new version. Raises Conflict when it is not, or when the answer was lost.
        """
        ...

    def write_report(self, key: str, body: bytes) -> str:
        """Write a report and return its address."""
        ...

    def reports(self, folder: str) -> Sequence[str]:
        """Return the keys of the reports directly in a folder, as in `reports/export/2026/03/02`.

        They come newest first where their names begin with a time; none for a folder not there.
        """
        ...

    def report(self, key: str) -> StoredObject | None:
        """Read a report; None when there is none (any more)."""
        ...


class OpenCloud(Protocol):
    """Opens a cloud by its name in the config."""

    def __call__(self, name: str, refused_secret: str = "") -> Cloud:
        """Read the cloud's secret, and ask for a token.

        A secret with the fingerprint `refused_secret` was refused lately, and is not tried again:
        accounts lock. Raises CredentialError, CloudUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a run works with, made in bootstrap.

    `config_fault` says why the newest config could not be used, and is empty when it is used:
    exports then go on with the last version that parsed.
    """

    run_id: str
    config: Config
    config_version: str
    config_fault: str
    store: Store
    clock: Clock
    open_cloud: OpenCloud
    deployment_id: str
    minimum_grace: timedelta


class OpenCloudToRestore(Protocol):
    """Opens a cloud with its `restore` secret."""

    def __call__(self, name: str, refused_secret: str = "") -> RestoreCloud:
        """Do as OpenCloud does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWorld(World):
    """The world of what makes volumes: people's restores, and drills."""

    open_cloud: OpenCloudToRestore
