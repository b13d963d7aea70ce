"""The nouns that every other module speaks of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class VolumeStatus(StrEnum):
    """The statuses that decide something here; clouds have more, kept as plain strings."""

    AVAILABLE = "available"
    IN_USE = "in-use"
    UPLOADING = "uploading"
    DELETING = "deleting"


class ImageStatus(StrEnum):
    """The statuses that decide something here; any other is unknown, and left alone."""

    QUEUED = "queued"
    SAVING = "saving"
    UPLOADING = "uploading"
    IMPORTING = "importing"
    ACTIVE = "active"
    KILLED = "killed"
    DELETED = "deleted"
    PENDING_DELETE = "pending_delete"


PENDING_STATUSES = frozenset(
    {ImageStatus.QUEUED, ImageStatus.SAVING, ImageStatus.UPLOADING, ImageStatus.IMPORTING}
)
GONE_STATUSES = frozenset({ImageStatus.DELETED, ImageStatus.PENDING_DELETE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A block-storage volume as its cloud describes it now.

    `tags` are EVS tags in the huawei dialect and Cinder metadata in the openstack one.
    """

    id: str
    name: str
    status: str
    size_gib: int
    tags: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    volume_type: str = ""
    server_id: str = ""
    device: str = ""
    encrypted: bool = False


_RUN_ID = re.compile(r"([0-9]{8}T[0-9]{6})Z-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True, order=True)
class RestorePin:
    """Says of an image that a run restores it, and since when: a tag for as long as that takes."""

    since: datetime
    run_id: str

    @classmethod
    def parse(cls, run_id: str) -> "RestorePin | None":
        """Read the pin of a run, whose id tells when it began; None for what is no run's id."""
        match = _RUN_ID.fullmatch(run_id)
        if not match:
            return None
        try:
            since = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:  # digits that are no date
            return None
        return cls(since, run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as its cloud describes it now.

    `virtual_bytes` is the size of the disk inside (Glance `virtual_size`), `size_bytes` that of the
    stored file, `min_disk_gib` the smallest disk that holds it; each is None where not told.
    `deployment` is the id in our marking tag (`vi-<id>` on Glance, `vi-deployment=<id>` on IMS).
    `checksum` is the strongest one that the cloud tells of the stored file, empty without one.
    """

    id: str
    name: str
    status: str
    owner: str
    created_at: datetime
    disk_format: str = ""
    virtual_bytes: int | None = None
    size_bytes: int | None = None
    min_disk_gib: int | None = None
    protected: bool = False
    pinned: bool = False
    restore_pins: tuple[RestorePin, ...] = ()
    deployment: str | None = None
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """One export; `os_type` is sent in the huawei dialect only, an IMS job takes only the name."""

    volume_id: str
    image_name: str
    disk_format: str
    container_format: str
    force: bool
    os_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeType:
    """The volume type in the answer to an export."""

    id: str
    name: str
    description: str | None
    is_public: bool | None
    qos_specs_id: str | None
    extra_specs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAnswer:
    """The 202 answer to an export: the image exists from here on, its bytes do not yet."""

    volume_id: str
    image_id: str
    image_name: str
    status: str
    size_gib: int
    disk_format: str
    container_format: str
    description: str | None
    updated_at: datetime | None
    volume_type: VolumeType | None


@dataclass(frozen=True, slots=True)
class ExportJob:
    """The answer of a cloud that exports in a job: the image's id is not known yet."""

    id: str


class JobStatus(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ImageJob:
    """A job that makes an image, as it is now; `why` says how it failed."""

    status: JobStatus
    image_id: str = ""
    why: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status is not JobStatus.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVolume:
    """A volume to create: empty, or from an image. Zone and type are the cloud's choice if empty.

    `image_id` is empty for an empty volume.
    """

    name: str
    size_gib: int
    image_id: str = ""
    zone: str = ""
    volume_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request to a cloud's services and its answer, with nothing in it that must stay secret.

    Token calls are none of these. `sent` is the body as text; of the token only the length is kept.
    """

    method: str
    url: str
    sent: str
    status: int
    headers: Mapping[str, str]
    body: str
    token_length: int


@dataclass(frozen=True, slots=True, order=True)
class GroupKey:
    """All images of one volume under one policy; requested exports are a group of their own."""

    policy: str
    requested: bool
    volume_id: str

    @property
    def policy_segment(self) -> str:
        """The policy segment of the image names: `daily`, or `daily.request`."""
        return f"{self.policy}.request" if self.requested else self.policy

    def __str__(self) -> str:
        return f"{self.policy_segment}/{self.volume_id}"

    @classmethod
    def parse(cls, text: str) -> "GroupKey":
        """Read back what `str` wrote."""
        segment, _, volume_id = text.partition("/")
        return cls(segment.removesuffix(".request"), segment.endswith(".request"), volume_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMark:
    """What an image is marked with after its export: who made it, and of what."""

    deployment_id: str
    group: GroupKey
    slot: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A trigger for what is due: all of it, or narrowed to policies or volumes.

    `scheduled_at` chooses slots and nothing else. With `policies`, it is itself the slot.
    """

    scheduled_at: datetime | None = None
    policies: frozenset[str] = frozenset()
    volume_ids: frozenset[str] = frozenset()
    dry_run: bool = False

    @property
    def narrowed(self) -> bool:
        """Whether this tick covers only part of the config."""
        return bool(self.policies or self.volume_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedExport:
    """An export asked for outside the schedule, for volumes under policies, at a time.

    `requested_at` is None when neither the event nor the message that it came in carries a time:
    the clock's then. `message_id` names the SQS record to report as failed.
    """

    policies: tuple[str, ...] = ()
    volume_ids: tuple[str, ...] = ()
    requested_at: datetime | None = None
    message_id: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of the queue that did not parse, and why."""

    message_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """A trigger of requested exports, with the records that asked for none that can be read."""

    requests: tuple[RequestedExport, ...]
    unreadable: tuple[Unreadable, ...] = ()
    from_queue: bool = False

    @property
    def dry_run(self) -> bool:
        """Whether one of them asks for a plan alone."""
        return any(request.dry_run for request in self.requests)


Trigger = Tick | Requests
