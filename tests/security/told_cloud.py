"""A cloud that tells what it was told, however spoilt: volumes and images as the product read them.

Other clouds in memory make theirs from what a cloud really holds, and could not be so wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from tests.support.fleet import FleetClock, FleetStore
from volume_images.config.schema import Config
from volume_images.model import ExportAnswer, ExportRequest, Image, ImageStatus, Volume
from volume_images.protocols import Cloud, Store, World

NOW = datetime(2026, 3, 10, 2, 5, tzinfo=UTC)
PROJECT = "0123456789abcdef0123456789abcdef"
DEPLOYMENT = "0123456789ab"


@dataclass
class ToldVolumes:
    """The volumes of a cloud, whose exports never end."""

    cloud: "ToldCloud"

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
class ToldImages:
    """The images of a cloud."""

    cloud: "ToldCloud"

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        return tuple(
            image
            for image in self.cloud.files.values()
            if created_since is None or image.created_at >= created_since
        )

    def get(self, image_id: str) -> Image | None:
        return self.cloud.files.get(image_id)

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
class ToldCloud:
    """A project with disks and image files."""

    clock: FleetClock = field(default_factory=lambda: FleetClock(NOW))
    disks: dict[str, Volume] = field(default_factory=dict)
    files: dict[str, Image] = field(default_factory=dict)
    posts: int = 0
    project_id: str = PROJECT

    @property
    def volumes(self) -> ToldVolumes:
        return ToldVolumes(self)

    @property
    def images(self) -> ToldImages:
        return ToldImages(self)

    def clock_skew(self) -> timedelta:
        return timedelta()

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


def world_of(config: Config, cloud: ToldCloud, store: FleetStore) -> World:
    """Connect a run to this cloud; every cloud of the config is this one."""

    def opened(name: str, refused_secret: str = "") -> Cloud:  # noqa: ARG001
        return cloud

    return World(
        run_id="20260310T020500Z-0123456789abcdef",
        config=config,
        config_version="v1",
        config_fault="",
        store=cast("Store", store),
        clock=cloud.clock,
        open_cloud=opened,
        deployment_id=DEPLOYMENT,
        minimum_grace=timedelta(hours=24),
    )
