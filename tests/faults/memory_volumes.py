"""The volumes of a cloud in memory, and the exports that they go through."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.faults.memory_project import MemoryProject
from tests.faults.trouble import Kind
from tests.sandbox.fates import GOOD, Fate, ImageFate, VolumeFate
from tests.sandbox.things import SandboxImage, SandboxVolume, Visibility
from volume_images.errors import LostAnswer, Refused, Throttled
from volume_images.model import ExportAnswer, ExportRequest, ImageJob, Volume, VolumeStatus

FATES = {
    Kind.EXPORTS_FAIL: Fate(image=ImageFate.FAILED),
    Kind.EXPORTS_ARE_KILLED: Fate(image=ImageFate.KILLED),
    Kind.EXPORTS_VANISH: Fate(image=ImageFate.VANISHED),
    Kind.EXPORTS_ARE_STUCK: Fate(image=ImageFate.STUCK),
    Kind.VOLUMES_STAY_UPLOADING: Fate(image=ImageFate.STUCK, volume=VolumeFate.UPLOADING),
}


@dataclass(frozen=True, slots=True)
class MemoryVolumes:
    """The volumes of a cloud."""

    cloud: MemoryProject

    def all(self) -> Sequence[Volume]:
        """List them."""
        self.cloud.listed()
        with self.cloud.late():
            return [_volume(volume) for volume in self.cloud.world.volumes.values()]

    def get(self, volume_id: str) -> Volume | None:
        """Read one."""
        self.cloud.asked()
        volume = self.cloud.world.volumes.get(volume_id)
        return _volume(volume) if volume else None

    def export(self, request: ExportRequest) -> ExportAnswer:
        """Begin to write an image."""
        cloud, world, trouble = self.cloud, self.cloud.world, self.cloud.trouble
        cloud.asked()
        if trouble.amount(Kind.FULL):
            raise Throttled("too many exports at once", status=429)
        if trouble.amount(Kind.QUOTA_IS_FULL):
            raise Refused("image quota exceeded", status=413)
        if trouble.amount(Kind.EXPORTS_ARE_REFUSED):
            raise Refused("invalid volume", status=400)
        volume = world.volumes.get(request.volume_id)
        if volume is None or volume.status == VolumeStatus.UPLOADING:
            raise Refused("invalid volume: it is not available", status=400)
        is_lost = cloud.may_change()
        world.fate = self._fate()
        image = world.start_export(
            volume,
            name=request.image_name,
            disk_format=request.disk_format,
            container_format=request.container_format,
            visibility=Visibility.PRIVATE,
        )
        world.fate = GOOD
        self._give_id(image)
        cloud.note_post(image)
        if is_lost:
            raise LostAnswer("connection reset")
        return ExportAnswer(
            volume_id=volume.id,
            image_id=image.id,
            image_name=image.name,
            status="uploading",
            size_gib=volume.size_gib,
            disk_format=request.disk_format,
            container_format=request.container_format,
            description=None,
            updated_at=None,
            volume_type=None,
        )

    def job(self, job_id: str) -> ImageJob | None:  # noqa: ARG002
        """Know of no job."""
        return None

    def failure_message(self, volume_id: str, since: datetime) -> str:
        """Tell of a failure."""
        self.cloud.asked()
        told = (m for m in self.cloud.world.messages if m.volume_id == volume_id)
        return next(("it failed" for m in told if m.created_at >= since), "")

    def _fate(self) -> Fate:
        seconds = self.cloud.trouble.amount(Kind.EXPORTS_ARE_SLOW)
        for kind, fate in FATES.items():
            if self.cloud.trouble.strikes(kind):
                return fate
        return Fate(seconds=seconds)

    def _give_id(self, image: SandboxImage) -> None:
        """Give it an id that the seed tells: which of two duplicates stays may go by it."""
        del self.cloud.world.images[image.id]
        self.cloud.posts += 1
        image.id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{image.name} {self.cloud.posts}"))
        self.cloud.world.images[image.id] = image


def _volume(volume: SandboxVolume) -> Volume:
    return Volume(
        id=volume.id,
        name=volume.name,
        status=volume.status,
        size_gib=volume.size_gib,
        tags=dict(volume.tags),
    )
