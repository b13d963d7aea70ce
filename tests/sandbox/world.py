"""The sandbox's cloud as it stands, and how time changes it."""

import threading
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from tests.sandbox.clock import SandboxClock
from tests.sandbox.fates import GOOD, ImageFate, VolumeFate
from tests.sandbox.things import (
    Departed,
    Export,
    Job,
    Message,
    SandboxImage,
    SandboxVolume,
    Visibility,
)
from volume_images.dialect import Dialect
from volume_images.model import ImageStatus, VolumeStatus

GIB = 1024**3
STORED_SHARE = 0.3
"""How much of a volume a compressed format stores."""

NEVER = datetime.max.replace(tzinfo=UTC)
FAILING_FORMATS = frozenset({"vhd", "ploop"})
"""Accepted by a plain Cinder with 202, and failed afterwards: qemu-img calls vhd `vpc`."""


class World:
    """The state of one project in one cloud, and what of other projects it can see.

    Hold `lock` while reading or changing more than one thing. `volumes` and `images` are by id,
    as they were when `settle` was last called: every request calls it first. `fate` is that of
    the exports started from now on; what `ended` and `departed` can still be shown late.
    """

    def __init__(self, dialect: Dialect, clock: SandboxClock, project_id: str) -> None:
        self.dialect = dialect
        self.clock = clock
        self.project_id = project_id
        self.lock = threading.RLock()
        self.volumes: dict[str, SandboxVolume] = {}
        self.images: dict[str, SandboxImage] = {}
        self.messages: list[Message] = []
        self.jobs: dict[str, Job] = {}
        self.exports: list[Export] = []
        self.ended: list[Export] = []
        self.departed: list[Departed] = []
        self.fate = GOOD
        self.still = False
        """Whether time does nothing: while the world is shown as it was."""
        self.tags_active_images_only = False
        """Whether IMS refuses to tag an image that is not finished: no document says."""
        self.export_seconds = 60.0
        self.creation_seconds = 2.0
        """How long a new volume takes to be available."""
        self.image_quota = 100_000
        self.force_upload = True
        """Cinder's `enable_force_upload`: off, as by default there, `force` changes nothing."""
        self.most_exports = 0
        """The most exports that were under way at one time."""

    def settle(self) -> None:
        """Let time do what it does: exports go on and end. Called before every request."""
        with self.lock:
            if self.still:
                return
            now = self.clock.now()
            for export in list(self.exports):
                if now >= export.ends_at:
                    self.exports.remove(export)
                    self.ended.append(export)
                    self._end(export)
                elif export.holds_image:
                    export.image.status = export.image_status(now)
            for volume in self.volumes.values():
                if volume.ready_at is not None and now >= volume.ready_at:
                    volume.ready_at = None
                    volume.status = volume.resting_status

    def create_volume(
        self, *, name: str, size_gib: int, zone: str, volume_type: str, image: SandboxImage | None
    ) -> SandboxVolume:
        """Make a volume, empty or from an image."""
        with self.lock:
            now = self.clock.now()
            volume = SandboxVolume(
                id=str(uuid.uuid4()),
                name=name,
                size_gib=size_gib,
                created_at=now,
                updated_at=now,
                status="downloading" if image else "creating",
                zone=zone or "sandbox-1a",
                volume_type=volume_type or "SSD",
                ready_at=now + timedelta(seconds=self.creation_seconds),
            )
            if image is not None:
                volume.bootable = True
                volume.content = image.content
                volume.image_metadata = {
                    "image_id": image.id,
                    "image_name": image.name,
                }
                if self.dialect is Dialect.OPENSTACK:
                    volume.image_metadata["signature_verified"] = "False"
            self.volumes[volume.id] = volume
            return volume

    def start_job(self, volume: SandboxVolume, *, name: str, disk_format: str) -> Job:
        """Start a job that makes an image of an attached disk; the disk stays in use."""
        with self.lock:
            status = volume.status
            image = self.start_export(
                volume,
                name=name,
                disk_format=disk_format,
                container_format="bare",
                visibility=Visibility.PRIVATE,
            )
            export = self.exports[-1]
            volume.status = status
            stuck = export.fate.image is ImageFate.STUCK
            job = Job(
                id=uuid.uuid4().hex,
                image_id=image.id,
                image_name=name,
                begins_at=export.started_at,
                ends_at=NEVER if stuck else export.ends_at,
                fails=export.fate.image is not ImageFate.ACTIVE,
            )
            self.jobs[job.id] = job
            return job

    def start_export(
        self,
        volume: SandboxVolume,
        *,
        name: str,
        disk_format: str,
        container_format: str,
        visibility: Visibility,
        protected: bool = False,
        properties: dict[str, str] | None = None,
        request_id: str = "",
    ) -> SandboxImage:
        """Start writing `volume` into a new image, after the dialect has checked the request."""
        with self.lock:
            now = self.clock.now()
            image = SandboxImage(
                id=str(uuid.uuid4()),
                name=name,
                status=ImageStatus.QUEUED,
                owner=self.project_id,
                created_at=now,
                updated_at=now,
                disk_format=disk_format,
                container_format=container_format,
                visibility=visibility,
                protected=protected,
                properties=dict(properties or {}),
                volume_id=volume.id,
                content=volume.content,
            )
            self.images[image.id] = image
            volume.status = VolumeStatus.UPLOADING
            volume.updated_at = now
            fate = self.fate
            if self.dialect is Dialect.OPENSTACK and disk_format in FAILING_FORMATS:
                fate = replace(fate, image=ImageFate.FAILED)
            seconds = self.export_seconds if fate.seconds is None else fate.seconds
            self.exports.append(
                Export(
                    volume=volume,
                    image=image,
                    started_at=now,
                    ends_at=now + timedelta(seconds=seconds),
                    fate=fate,
                    request_id=request_id,
                )
            )
            self.most_exports = max(self.most_exports, len(self.exports))
            return image

    def set_volume_status(self, volume_id: str, status: str) -> None:
        """Set a volume's status by hand; the export that runs on it no longer changes it."""
        with self.lock:
            self.volumes[volume_id].status = status
            for export in self.exports:
                if export.volume.id == volume_id:
                    export.holds_volume = False

    def set_image_status(self, image_id: str, status: str) -> None:
        """Set an image's status by hand; the export that writes it no longer changes it."""
        with self.lock:
            self.images[image_id].status = status
            for export in self.exports:
                if export.image.id == image_id:
                    export.holds_image = False

    def own_images(self) -> int:
        """Count the images that the project owns: what its quota is about."""
        return sum(1 for image in self.images.values() if image.owner == self.project_id)

    def plant_image(
        self,
        *,
        name: str,
        created_at: datetime,
        volume_id: str = "",
        size_gib: int | None = None,
        tags: Iterable[str] = (),
        protected: bool = False,
        owner: str | None = None,
        status: str = ImageStatus.ACTIVE,
        visibility: Visibility | None = None,
        members: Iterable[str] = (),
        disk_format: str | None = None,
        image_id: str | None = None,
    ) -> SandboxImage:
        """Put an image there as if it had been made long ago.

        The size is the volume's unless given; tags are `key=value` in the huawei dialect and
        single words in the openstack one.
        """
        huawei = self.dialect is Dialect.HUAWEI
        with self.lock:
            volume = self.volumes.get(volume_id)
            image = SandboxImage(
                id=image_id or str(uuid.uuid4()),
                name=name,
                status=status,
                owner=owner or self.project_id,
                created_at=created_at,
                updated_at=created_at,
                disk_format=disk_format or ("zvhd2" if huawei else "qcow2"),
                visibility=visibility or (Visibility.PRIVATE if huawei else Visibility.SHARED),
                protected=protected,
                tags=list(tags),
                members=list(members),
                volume_id=volume_id,
            )
            if status == ImageStatus.ACTIVE:
                self._fill(image, size_gib or (volume.size_gib if volume else 10))
            self.images[image.id] = image
            return image

    def forget_image(self, image_id: str) -> None:
        """Delete an image, if it is there."""
        self._part_with(self.images.pop(image_id, None))

    def forget_volume(self, volume_id: str) -> None:
        """Delete a volume, if it is there."""
        self._part_with(self.volumes.pop(volume_id, None))

    def forget_past(self) -> None:
        """Have no past that could be shown late: for whoever sets the clock back."""
        self.ended.clear()
        self.departed.clear()

    def _part_with(self, thing: SandboxImage | SandboxVolume | None) -> None:
        if thing is not None:
            self.departed.append(Departed(thing, self.clock.now()))

    def _end(self, export: Export) -> None:
        if export.holds_volume and export.fate.volume is VolumeFate.RELEASED:
            export.volume.status = export.volume.resting_status
            export.volume.updated_at = export.ends_at
        if export.fate.image is ImageFate.FAILED:
            self.messages.append(Message.about(export))
        if export.holds_image and export.image.id in self.images:
            self._end_image(export)

    def _end_image(self, export: Export) -> None:
        image, fate = export.image, export.fate.image
        match fate:
            case ImageFate.ACTIVE:
                image.status = ImageStatus.ACTIVE
                self._fill(image, export.volume.size_gib)
            case ImageFate.KILLED:
                image.status = ImageStatus.KILLED
            case ImageFate.FAILED | ImageFate.VANISHED:
                self.forget_image(image.id)
            case ImageFate.STUCK:
                return
            case _:
                assert_never(fate)
        image.updated_at = export.ends_at

    def _fill(self, image: SandboxImage, size_gib: int) -> None:
        image.virtual_bytes = size_gib * GIB
        stored = 1.0 if image.disk_format == "raw" else STORED_SHARE
        image.size_bytes = int(image.virtual_bytes * stored)
        if self.dialect is Dialect.HUAWEI:
            image.min_disk_gib = size_gib
