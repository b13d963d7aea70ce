"""What the sandbox's cloud holds, as data: volumes, images, exports, jobs."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tests.sandbox.fates import Fate
from volume_images.model import ImageStatus, VolumeStatus

QUEUED_SHARE = 0.25
"""The part of an export during which its image is still queued: the conversion."""


class Visibility(StrEnum):
    """Who else sees an image."""

    PRIVATE = "private"
    SHARED = "shared"
    COMMUNITY = "community"
    PUBLIC = "public"


@dataclass(slots=True, kw_only=True)
class SandboxVolume:
    """A volume. `tags` are EVS tags in the huawei dialect and Cinder metadata in the other.

    `content` stands for its bytes: whoever has the same, has the same bytes. `ready_at` is when a
    new one will be available.
    """

    id: str
    name: str
    size_gib: int
    created_at: datetime
    updated_at: datetime
    status: str = VolumeStatus.AVAILABLE
    tags: dict[str, str] = field(default_factory=dict)
    description: str = ""
    zone: str = "sandbox-1a"
    volume_type: str = "SSD"
    server_id: str = ""
    device: str = ""
    bootable: bool = False
    encrypted: bool = False
    image_metadata: dict[str, str] = field(default_factory=dict)
    content: str = "empty"
    ready_at: datetime | None = None

    @property
    def resting_status(self) -> str:
        """The status without an export: by attachment."""
        return VolumeStatus.IN_USE if self.server_id else VolumeStatus.AVAILABLE


@dataclass(slots=True, kw_only=True)
class SandboxImage:
    """An image. `size_bytes` and `virtual_bytes` are None until it is active."""

    id: str
    name: str
    status: str
    owner: str
    created_at: datetime
    updated_at: datetime
    disk_format: str
    container_format: str = "bare"
    visibility: Visibility = Visibility.PRIVATE
    protected: bool = False
    min_disk_gib: int = 0
    size_bytes: int | None = None
    virtual_bytes: int | None = None
    tags: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    volume_id: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job of IMS, which makes an image of an attached disk."""

    id: str
    image_id: str
    image_name: str
    begins_at: datetime
    ends_at: datetime
    fails: bool


@dataclass(frozen=True, slots=True)
class Departed:
    """An image or a volume that is no longer there, and since when."""

    thing: SandboxImage | SandboxVolume
    at: datetime


@dataclass(slots=True, kw_only=True)
class Export:
    """An export under way; it lets go of what a test has set by hand."""

    volume: SandboxVolume
    image: SandboxImage
    started_at: datetime
    ends_at: datetime
    fate: Fate
    request_id: str
    holds_volume: bool = True
    holds_image: bool = True

    def image_status(self, moment: datetime) -> ImageStatus:
        """Return the status that its image has at a moment while it is under way."""
        saving_at = self.started_at + (self.ends_at - self.started_at) * QUEUED_SHARE
        return ImageStatus.SAVING if moment >= saving_at else ImageStatus.QUEUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What Cinder records about a failed export: its only trace."""

    id: str
    volume_id: str
    created_at: datetime
    request_id: str

    @classmethod
    def about(cls, export: Export) -> "Message":
        """Record that an export has failed."""
        return cls(
            id=str(uuid.uuid4()),
            volume_id=export.volume.id,
            created_at=export.ends_at,
            request_id=export.request_id,
        )
