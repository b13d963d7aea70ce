"""A whole world in memory: a clock that jumps, a store, a cloud. Thousands of runs a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from volume_images.config.schema import Config, parse_config
from volume_images.errors import Conflict
from volume_images.model import (
    PENDING_STATUSES,
    ExportAnswer,
    ExportRequest,
    Image,
    ImageStatus,
    Volume,
)
from volume_images.protocols import Cloud, StoredObject, World

NOW = datetime(2026, 3, 10, 2, 5, tzinfo=UTC)
PROJECT = "0123456789abcdef0123456789abcdef"
DEPLOYMENT = "0123456789ab"


@dataclass
class VirtualClock:
    """Time passes only when somebody waits, or a test lets it."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class MemoryStore:
    """Config, states and reports in dicts; the version of an object is how often it was written."""

    document: bytes = b""
    objects: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    earlier: dict[str, list[bytes]] = field(default_factory=dict)

    def config(self) -> StoredObject:
        return StoredObject(self.document, "1")

    def config_versions(self, since: str) -> Sequence[bytes] | None:  # noqa: ARG002
        return ()

    def state(self, key: str) -> StoredObject | None:
        if key not in self.objects:
            return None
        return StoredObject(self.objects[key], str(self.versions.get(key, 0)))

    def earlier_states(self, key: str) -> Sequence[bytes]:
        return self.earlier.get(key, ())

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        stored = self.state(key)
        if (stored.version if stored else None) != version:
            raise Conflict(f"{key}: was replaced since it was read")
        self.objects[key] = body
        self.versions[key] = self.versions.get(key, 0) + 1
        return str(self.versions[key])

    def write_report(self, key: str, body: bytes) -> str:
        self.objects[key] = body
        return key


@dataclass
class VirtualVolumes:
    """The volumes of a cloud, whose exports take their time."""

    cloud: "VirtualCloud"

    def all(self) -> Sequence[Volume]:
        return tuple(self.cloud.disks.values())

    def get(self, volume_id: str) -> Volume | None:
        return self.cloud.disks.get(volume_id)

    def export(self, request: ExportRequest) -> ExportAnswer:
        return self.cloud.start(request)

    def job(self, job_id: str) -> None:  # noqa: ARG002
        return None

    def failure_message(self, volume_id: str, since: datetime) -> str:  # noqa: ARG002
        return ""


@dataclass
class VirtualImages:
    """The images of a cloud."""

    cloud: "VirtualCloud"

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        found = self.cloud.settled()
        return tuple(
            image
            for image in found.values()
            if created_since is None or image.created_at >= created_since
        )

    def get(self, image_id: str) -> Image | None:
        return self.cloud.settled().get(image_id)

    def members(self, image_id: str) -> Sequence[str]:  # noqa: ARG002
        return ()

    def delete(self, image_id: str) -> bool:
        return self.cloud.files.pop(image_id, None) is not None

    def mark(self, image_id: str, mark: object) -> bool:  # noqa: ARG002
        return image_id in self.cloud.files

    def room(self) -> int | None:
        return None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - pins: true wherever there is an image
        return lambda image_id, *_: image_id in self.cloud.files


@dataclass
class VirtualCloud:
    """A project with disks and image files; `most_in_flight` is the most that ever was."""

    clock: VirtualClock
    disks: dict[str, Volume] = field(default_factory=dict)
    files: dict[str, Image] = field(default_factory=dict)
    export_takes: timedelta = timedelta(minutes=10)
    posts: int = 0
    most_in_flight: int = 0
    project_id: str = PROJECT

    @property
    def volumes(self) -> VirtualVolumes:
        return VirtualVolumes(self)

    @property
    def images(self) -> VirtualImages:
        return VirtualImages(self)

    def clock_skew(self) -> timedelta:
        return timedelta()

    def settled(self) -> Mapping[str, Image]:
        """Let the exports end whose time has come."""
        for image in [*self.files.values()]:
            if image.id.startswith("made-") and image.status in PENDING_STATUSES:
                ended = self.clock.time >= image.created_at + self.export_takes
                self.files[image.id] = _as(image, ImageStatus.ACTIVE) if ended else image
        return self.files

    def start(self, request: ExportRequest) -> ExportAnswer:
        self.posts += 1
        image = Image(
            id=f"made-{self.posts}",
            name=request.image_name,
            status=ImageStatus.SAVING,
            owner=PROJECT,
            created_at=self.clock.time,
            disk_format="raw",
            virtual_bytes=2**30,
            size_bytes=2**30,
            deployment=DEPLOYMENT,
        )
        self.files[image.id] = image
        in_flight = sum(one.status in PENDING_STATUSES for one in self.settled().values())
        self.most_in_flight = max(self.most_in_flight, in_flight)
        return ExportAnswer(
            volume_id=request.volume_id,
            image_id=image.id,
            image_name=image.name,
            status="uploading",
            size_gib=1,
            disk_format=request.disk_format,
            container_format=request.container_format,
            description=None,
            updated_at=None,
            volume_type=None,
        )


def _as(image: Image, status: ImageStatus) -> Image:
    known = {name: getattr(image, name) for name in image.__slots__}
    return Image(**{**known, "status": status})


def world_of(document: bytes | Config, cloud: VirtualCloud, store: MemoryStore) -> World:
    """Connect a run to this world; every cloud of the config is this one."""
    config = parse_config(document, "config") if isinstance(document, bytes) else document

    def opened(name: str, refused_secret: str = "") -> Cloud:  # noqa: ARG001
        return cloud

    return World(
        run_id="20260310T020500Z-0123456789abcdef",
        config=config,
        config_version="1",
        config_fault="",
        store=store,  # type: ignore[arg-type] - reports are written here, and never read
        clock=cloud.clock,
        open_cloud=opened,
        deployment_id=DEPLOYMENT,
        minimum_grace=timedelta(hours=24),
    )
