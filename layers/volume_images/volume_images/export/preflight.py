"""What is checked of a volume before its export is POSTed: each refusal with its own reason."""

from dataclasses import dataclass, field

from volume_images.config.fields import DISK_FORMATS, DiskFormat
from volume_images.config.schema import CloudConfig, ExportOptions
from volume_images.model import Dialect, Volume, VolumeStatus
from volume_images.report import Details

LARGEST_GIB = 1024
"""Huawei Cloud exports volumes of at most 1 TiB (EVS and IMS constraints)."""

DEFAULT_DISK_FORMAT = {Dialect.HUAWEI: DiskFormat.VHD, Dialect.OPENSTACK: DiskFormat.RAW}
"""What each cloud takes when none is given; sent all the same, since documents disagree.

In plain OpenStack `vhd` is accepted and then fails.
"""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a volume cannot be exported now; `passing` when it will clear by itself."""

    reason: str
    details: Details = field(default_factory=dict)
    passing: bool = False


def obstacle(volume: Volume | None, options: ExportOptions, cloud: CloudConfig) -> Obstacle | None:
    """Return why this volume cannot be exported, None when it can."""
    if volume is None:
        return Obstacle("volume_not_found")
    if options.disk_format and options.disk_format not in DISK_FORMATS[cloud.dialect]:
        return Obstacle("disk_format", {"disk_format": options.disk_format})
    if volume.status == VolumeStatus.UPLOADING:
        return Obstacle("volume_uploading", passing=True)
    if volume.status == VolumeStatus.IN_USE and not options.force:
        return Obstacle("volume_in_use")
    if volume.status not in (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE):
        return Obstacle("volume_status", {"status": volume.status})
    if volume.size_gib <= 0:
        return Obstacle("volume_size", {"size_gib": volume.size_gib})
    if cloud.dialect is Dialect.HUAWEI and volume.size_gib > LARGEST_GIB:
        return Obstacle("volume_too_large", {"size_gib": volume.size_gib, "limit": LARGEST_GIB})
    return None


def facts(volume: Volume | None, options: ExportOptions) -> str:
    """Return what a refusal depends on: with the same facts it would be refused again."""
    seen = "gone" if volume is None else f"{volume.status} {volume.size_gib}"
    return f"{seen} {options.force} {options.disk_format} {options.container_format}"
