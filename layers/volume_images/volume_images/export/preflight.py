"""What is checked of a volume before its export is POSTed: each refusal with its own reason."""

from dataclasses import astuple, dataclass, field

from volume_images.config.schema import CloudConfig, ExportOptions
from volume_images.dialect import Dialect, DiskFormat
from volume_images.model import Volume, VolumeStatus
from volume_images.report import Details


@dataclass(frozen=True, slots=True)
class Checked:
    """All of a volume that the checks look at: while it is the same, so is what they say."""

    status: str
    size_gib: int
    encrypted: bool

    @classmethod
    def of(cls, volume: Volume) -> "Checked":
        """Take what is checked of a volume."""
        return cls(volume.status, volume.size_gib, volume.encrypted)


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
    checked = Checked.of(volume)
    in_job = cloud.strategy == "ims_job"
    return (
        (None if in_job else _format_obstacle(checked, options, cloud.dialect))
        or (_job_obstacle(checked) if in_job else _status_obstacle(checked, options))
        or _size_obstacle(checked, cloud.dialect)
    )


def _format_obstacle(volume: Checked, options: ExportOptions, dialect: Dialect) -> Obstacle | None:
    disk_format = options.disk_format or dialect.traits.default_format
    formats: dict[str, str | int | bool] = {
        "disk_format": disk_format,
        "container_format": options.container_format,
    }
    if disk_format not in dialect.traits.disk_formats:
        return Obstacle("disk_format", formats)
    plain = (disk_format, options.container_format) == (DiskFormat.RAW, "bare")
    if volume.encrypted and not (plain or dialect.traits.converts_encrypted):
        return Obstacle("encrypted_format", formats)
    return None


def _status_obstacle(volume: Checked, options: ExportOptions) -> Obstacle | None:
    match volume.status:
        case VolumeStatus.AVAILABLE:
            return None
        case VolumeStatus.IN_USE:
            return None if options.force else Obstacle("volume_in_use")
        case VolumeStatus.UPLOADING:
            return Obstacle("volume_uploading", passing=True)
        case other:
            return Obstacle("volume_status", {"status": other})


def _job_obstacle(volume: Checked) -> Obstacle | None:
    """Say what keeps IMS from making an image in a job: it takes volumes attached to a server."""
    match volume.status:
        case VolumeStatus.IN_USE:
            return None
        case VolumeStatus.AVAILABLE:
            return Obstacle("volume_not_attached")
        case other:
            return Obstacle("volume_status", {"status": other})


def _size_obstacle(volume: Checked, dialect: Dialect) -> Obstacle | None:
    if volume.size_gib <= 0:
        return Obstacle("volume_size", {"size_gib": volume.size_gib})
    limit = dialect.traits.largest_gib
    if limit is not None and volume.size_gib > limit:
        return Obstacle("volume_too_large", {"size_gib": volume.size_gib, "limit": limit})
    return None


def facts(volume: Volume | None) -> str:
    """Return what a refusal depends on besides the config: it stands while that is the same."""
    return "gone" if volume is None else " ".join(map(str, astuple(Checked.of(volume))))
