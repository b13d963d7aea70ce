"""What became of the exports that earlier ticks started, from facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from volume_images.export.state import ExportState, UnderWay
from volume_images.model import Image, ImageJob, JobStatus, Volume, VolumeStatus
from volume_images.recognition import Identity, ImageState, Recognised, recognise
from volume_images.state import LATEST

INTENT_HOLDS = timedelta(minutes=10)
"""How long an intent without an image belongs to the run that wrote it."""

AFTER_DEADLINE = timedelta(hours=1)
"""How long after its deadline an export holds its place at the latest."""

DEADLINE = timedelta(hours=1)
DEADLINE_PER_GIB = timedelta(minutes=1)


class Settlement(StrEnum):
    """What became of one export."""

    GOOD = "good"
    PENDING = "pending"
    FAILED = "failed"
    VANISHED = "vanished"
    GONE = "gone"
    STUCK = "stuck"
    LATE = "late"
    UNKNOWN = "unknown"
    NO_ANSWER = "no_answer"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Lookups:
    """What listings cannot tell: images and volumes to read by id."""

    image_ids: frozenset[str]
    volume_ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen of one cloud: its listings, and what was read by id (None for a 404).

    `listed` are images by id, and by name for those whose id nobody knows yet. `jobs` go by their
    id. `messages` are what the cloud recorded about failed exports, by volume id.
    """

    identity: Identity
    volumes: Mapping[str, Volume]
    listed: Mapping[str, Image]
    images_read: Mapping[str, Image | None] = field(default_factory=dict)
    volumes_read: Mapping[str, Volume | None] = field(default_factory=dict)
    jobs: Mapping[str, ImageJob | None] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)

    def not_uploading(self, entry: UnderWay) -> bool:
        """Whether a GET by id showed that the volume is not being written to an image.

        A job leaves no trace on its volume: there, it is the job that must have ended.
        """
        if entry.job_id:
            job = self.jobs.get(entry.job_id)
            return entry.job_id in self.jobs and (job is None or job.ended)
        volume_id = entry.group.volume_id
        if volume_id not in self.volumes_read:
            return False
        volume = self.volumes_read[volume_id]
        return volume is None or volume.status != VolumeStatus.UPLOADING


@dataclass(frozen=True, slots=True)
class Settled:
    """One export, what became of it, and why; `image` is what was seen of it."""

    entry: UnderWay
    settlement: Settlement
    why: str = ""
    image: Image | None = None

    @property
    def leaves(self) -> bool:
        """Whether nothing more is to be learned: it frees its place."""
        return self.settlement not in (Settlement.PENDING, Settlement.HELD)


def deadline(started: datetime, size_gib: int, override: timedelta | None) -> datetime:
    """Return when an export is late: an hour, and a minute for each GiB, after its start."""
    # A cloud may say of an image that it was made just before the end of all times we can write.
    return min(started + (override or DEADLINE + size_gib * DEADLINE_PER_GIB), LATEST)


def adopted(
    state: ExportState, pending: Sequence[Recognised], volumes: Mapping[str, Volume], run_id: str
) -> Sequence[UnderWay]:
    """Return pending images of ours that the state does not follow, as exports under way."""
    followed = {**state.under_way, **state.late}
    known = {entry.image_id for entry in followed.values()} | state.stuck.keys()
    entries = []
    for one in pending:
        image = one.image
        if image.id in known or image.name in followed:
            continue
        volume = volumes.get(one.group.volume_id)
        size_gib = volume.size_gib if volume else 0
        entries.append(
            UnderWay(
                group=one.group,
                slot=one.name.slot,
                image_name=image.name,
                run_id=run_id,
                intended_at=image.created_at,
                deadline=deadline(image.created_at, size_gib, None),
                image_id=image.id,
            )
        )
    return entries


def jobs_to_read(
    entries: Sequence[UnderWay], listed: Mapping[str, Image], now: datetime
) -> Sequence[str]:
    """Say which jobs must be read: those whose image the listing lacks, and late ones."""
    return [
        entry.job_id
        for entry in entries
        if entry.job_id
        and (now > entry.deadline or (entry.image_id or entry.image_name) not in listed)
    ]


def with_their_images(
    entries: Sequence[UnderWay], jobs: Mapping[str, ImageJob | None]
) -> Sequence[UnderWay]:
    """Return the exports with the ids of the images that their jobs have made."""

    def known(entry: UnderWay) -> UnderWay:
        job = jobs.get(entry.job_id)
        if job is None or entry.image_id or not job.image_id:
            return entry
        return entry.model_copy(update={"image_id": job.image_id})

    return [known(entry) for entry in entries]


def lookups(
    state: ExportState, entries: Sequence[UnderWay], listed: Mapping[str, Image], now: datetime
) -> Lookups:
    """Say what must be read by id: images that the listing lacks, and volumes of late exports.

    Absence from a listing proves nothing, a GET by id does.
    """
    image_ids = {image_id for image_id in state.stuck if image_id not in listed}
    volume_ids: set[str] = set()
    for entry in entries:
        absent = (entry.image_id or entry.image_name) not in listed
        if entry.image_id and (absent or now > entry.deadline):
            image_ids.add(entry.image_id)  # a listing that lags shows as pending what is done
        if now > entry.deadline or (absent and now > entry.intended_at + INTENT_HOLDS):
            volume_ids.add(entry.group.volume_id)
    return Lookups(frozenset(image_ids), frozenset(volume_ids))


def settle(entry: UnderWay, sight: Sight, now: datetime) -> Settled:
    """Say what became of one export, under the name and id it was POSTed with."""
    image = sight.listed.get(entry.image_id or entry.image_name)
    if image is not None and entry.image_id not in sight.images_read:
        return _from_image(entry, image, sight, now)
    job = sight.jobs.get(entry.job_id)
    if job is not None and job.status is JobStatus.FAILED:
        return Settled(entry, Settlement.FAILED, job.why)
    if not entry.image_id:
        return _without_image(entry, sight, now)
    if entry.image_id not in sight.images_read:
        return Settled(entry, Settlement.PENDING, "not read")
    read = sight.images_read[entry.image_id]
    if read is None:
        message = sight.messages.get(entry.group.volume_id, "")
        return Settled(entry, Settlement.VANISHED, message)
    settled = _from_image(entry, read, sight, now)
    agrees = image is not None and image.status == read.status
    if settled.leaves and not agrees and now <= entry.deadline + AFTER_DEADLINE:
        # Its place is kept until the listing agrees: done is what the listing shows.
        return Settled(entry, Settlement.PENDING, "not listed yet", read)
    return settled


def _from_image(entry: UnderWay, image: Image, sight: Sight, now: datetime) -> Settled:
    volume_id = entry.group.volume_id
    volume = sight.volumes_read.get(volume_id) or sight.volumes.get(volume_id)
    ours = recognise(image, sight.identity, {volume_id: volume} if volume else {})
    if ours is None:
        return Settled(entry, Settlement.UNKNOWN, "no longer ours by name or owner", image)
    match ours.state:
        case ImageState.GOOD:
            return Settled(entry, Settlement.GOOD, ours.why, image)
        case ImageState.FAILED:
            return Settled(entry, Settlement.FAILED, image.status, image)
        case ImageState.GONE:
            return Settled(entry, Settlement.GONE, image.status, image)
        case ImageState.UNKNOWN:
            return Settled(entry, Settlement.UNKNOWN, ours.why, image)
        case ImageState.PENDING:
            if now > entry.deadline and sight.not_uploading(entry):
                return Settled(entry, Settlement.STUCK, f"since {entry.deadline:%FT%TZ}", image)
            if now > entry.deadline + AFTER_DEADLINE:
                return Settled(entry, Settlement.LATE, "pending beyond its deadline", image)
            return Settled(entry, Settlement.PENDING, image.status, image)


def _without_image(entry: UnderWay, sight: Sight, now: datetime) -> Settled:
    job = sight.jobs.get(entry.job_id)
    if job is not None and now <= entry.deadline + AFTER_DEADLINE:
        return Settled(entry, Settlement.PENDING, f"its job is {job.status}")
    if now <= entry.intended_at + INTENT_HOLDS:
        return Settled(entry, Settlement.HELD, "just intended")
    idle = sight.not_uploading(entry)
    if not idle and now <= entry.deadline + AFTER_DEADLINE:
        return Settled(entry, Settlement.HELD, "its volume may be uploading")
    return Settled(entry, Settlement.NO_ANSWER, "no image of its name is listed")
