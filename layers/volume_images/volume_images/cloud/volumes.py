"""The block-storage side of a cloud project, in either dialect."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from volume_images.cloud.answers import clean
from volume_images.cloud.fields import LARGEST_GIB, Entry
from volume_images.cloud.image_jobs import ImageJobs
from volume_images.cloud.listings import Page, whole_listing
from volume_images.cloud.session import CloudSession, Params
from volume_images.errors import CloudUnavailable, NotFound, Refused
from volume_images.model import (
    ExportAnswer,
    ExportJob,
    ExportRequest,
    ImageJob,
    Volume,
    VolumeType,
)

EXPORT_ACTION = "os-volume_upload_image"
# Cinder filters its messages by volume since this microversion (API history, 3.5).
MESSAGES_VERSION = {"OpenStack-API-Version": "volume 3.5"}
# "Copy volume to image" among Cinder's message actions.
EXPORT_EVENTS = "VOLUME_VOLUME_003_"
# Cinder rounds times to the second, and clocks differ; an attempt before lies further back.
MESSAGE_EARLIER = timedelta(minutes=1)


class VolumeDialect(Protocol):
    """Where the dialects differ: addresses, paging, fields."""

    def listing(self) -> tuple[str, Params]:
        """Address and first page of the listing."""
        ...

    def page(self, answer: Entry, asked: Params) -> Page[Volume]:
        """Read one page of it."""
        ...

    def volume(self, entry: Entry) -> Volume:
        """Read one volume."""
        ...

    def volume_url(self, volume_id: str) -> str:
        """Address of one volume."""
        ...

    def action_url(self, volume_id: str) -> str:
        """Address of its export."""
        ...

    def extra_fields(self, request: ExportRequest) -> Mapping[str, str]:
        """Fields of the export that only this dialect knows."""
        ...

    def messages_url(self) -> str | None:
        """Address of the messages about failed exports, where there are any."""
        ...

    def creation_url(self) -> str:
        """Address under which volumes are created and removed."""
        ...

    def hindrance(self) -> str | None:
        """Key of a note on volumes made of images that keeps them from being exported again."""
        ...


class CloudVolumes:
    """Lists, reads and exports volumes; with `jobs`, it is the image service that exports."""

    def __init__(
        self, session: CloudSession, dialect: VolumeDialect, jobs: ImageJobs | None = None
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._jobs = jobs

    def all(self) -> tuple[Volume, ...]:
        """Walk the listing to its end."""
        return whole_listing(self._session, self._dialect.listing(), self._dialect.page)

    def get(self, volume_id: str) -> Volume | None:
        """Read one volume; None when the cloud answers that it does not exist."""
        try:
            answer = self._session.read(self._dialect.volume_url(volume_id))
        except NotFound:
            return None
        volume = self._dialect.volume(answer.entry("volume"))
        if volume.id != volume_id:
            raise CloudUnavailable(f"{answer.where}: answered another volume, {volume.id}")
        return volume

    def export(self, request: ExportRequest) -> ExportAnswer | ExportJob:
        """POST the export; never again here once the cloud may have begun with it."""
        if self._jobs is not None:
            return self._jobs.start(request)
        fields = {
            "image_name": request.image_name,
            "force": request.force,
            "container_format": request.container_format,
            "disk_format": request.disk_format,
            **self._dialect.extra_fields(request),
        }
        return self._session.post_once(
            self._dialect.action_url(request.volume_id),
            {EXPORT_ACTION: fields},
            lambda answer: export_answer(answer.entry(EXPORT_ACTION)),
        )

    def job(self, job_id: str) -> ImageJob | None:
        """Read the job of an export; None when the cloud knows of no such job."""
        return self._jobs.read(job_id) if self._jobs is not None else None

    def failure_message(self, volume_id: str, since: datetime) -> str:
        """Return what the cloud recorded about a failed export of this volume; often empty.

        The newest counts of those since a time by our own clock, which the cloud's may be behind.
        """
        url = self._dialect.messages_url()
        if url is None:
            return ""
        try:
            answer = self._session.read(url, {"resource_uuid": volume_id}, MESSAGES_VERSION)
        except (NotFound, Refused):
            return ""  # an old Cinder, or one that shows no messages to this user
        messages = [
            (entry.instant("created_at"), clean(entry.text("user_message")))
            for entry in answer.entries("messages")
            if entry.text("resource_uuid") == volume_id
            and entry.text("event_id").startswith(EXPORT_EVENTS)
        ]
        recent = [message for message in messages if message[0] >= since - MESSAGE_EARLIER]
        return max(recent, default=(since, ""))[1]


def volume_from(entry: Entry, *, tags: Mapping[str, str], encrypted: bool) -> Volume:
    """Read what both services spell the same; of its attachments, a shared volume has several."""
    attachments = entry.optional_entries("attachments")
    return Volume(
        id=entry.volume_id("id"),
        name=entry.text("name"),
        status=entry.text("status"),
        size_gib=entry.whole("size", most=LARGEST_GIB),
        tags=tags,
        zone=entry.text("availability_zone"),
        volume_type=entry.text("volume_type"),
        server_id=attachments[0].text("server_id") if attachments else "",
        device=attachments[0].text("device") if attachments else "",
        encrypted=encrypted,
    )


def export_answer(entry: Entry) -> ExportAnswer:
    """Read the whole 202 answer ("Exporting EVS Disk Data as an Image", tables 6 to 8)."""
    return ExportAnswer(
        volume_id=entry.identifier("id"),
        image_id=entry.identifier("image_id"),
        image_name=entry.text("image_name"),
        status=entry.text("status"),
        size_gib=entry.whole("size"),
        disk_format=entry.text("disk_format"),
        container_format=entry.text("container_format"),
        description=entry.optional_text("display_description"),
        updated_at=entry.optional_instant("updated_at"),
        volume_type=_volume_type(entry.optional_entry("volume_type")),
    )


def _volume_type(entry: Entry | None) -> VolumeType | None:
    if entry is None:
        return None
    return VolumeType(
        id=entry.text("id"),
        name=entry.text("name"),
        description=entry.optional_text("description"),
        is_public=None if entry.values.get("is_public") is None else entry.flag("is_public"),
        qos_specs_id=entry.optional_text("qos_specs_id"),
        extra_specs=entry.texts("extra_specs"),
    )
