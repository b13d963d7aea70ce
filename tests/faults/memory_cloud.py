"""A cloud in memory, over the sandbox's world, without HTTP: thousands of runs in a second.

What the sandbox does to requests on their way is done here to calls.
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.faults.trouble import Kind, Trouble
from tests.sandbox.fates import GOOD, Fate, ImageFate, VolumeFate
from tests.sandbox.fault_world import as_it_was
from tests.sandbox.things import SandboxImage, SandboxVolume, Visibility
from tests.sandbox.world import World
from volume_images.dialect import Dialect
from volume_images.errors import (
    CloudUnavailable,
    CredentialError,
    IncompleteListing,
    LostAnswer,
    Refused,
    Throttled,
)
from volume_images.model import (
    ExportAnswer,
    ExportRequest,
    Image,
    ImageJob,
    ImageMark,
    RestorePin,
    Volume,
    VolumeStatus,
)

FATES = {
    Kind.EXPORTS_FAIL: Fate(image=ImageFate.FAILED),
    Kind.EXPORTS_ARE_KILLED: Fate(image=ImageFate.KILLED),
    Kind.EXPORTS_VANISH: Fate(image=ImageFate.VANISHED),
    Kind.EXPORTS_ARE_STUCK: Fate(image=ImageFate.STUCK),
    Kind.VOLUMES_STAY_UPLOADING: Fate(image=ImageFate.STUCK, volume=VolumeFate.UPLOADING),
}
PIN = "vi-pin"
LAGS_TOO_LONG = 3300
"""Seconds: a listing that lags nearly an hour may hide an export until it is made again."""

DOUBT = timedelta(hours=3)


def _nobody() -> None:
    pass


@dataclass(slots=True)
class MemoryCloud:
    """One project; `called` is told of every call, before any work.

    `posted` is when each image was POSTed, by name; `doubtful` are those of which listings tell so
    late that another may be made.
    """

    world: World
    trouble: Trouble
    called: Callable[[], None] = _nobody
    posts: int = 0
    posted: dict[str, datetime] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    _seen: dict[str, tuple[object, Image]] = field(default_factory=dict)

    @property
    def project_id(self) -> str:
        """Return the project's id."""
        return self.world.project_id

    @property
    def volumes(self) -> "MemoryVolumes":
        """Return its volumes."""
        return MemoryVolumes(self)

    @property
    def images(self) -> "MemoryImages":
        """Return its images."""
        return MemoryImages(self)

    def clock_skew(self) -> timedelta:
        """Keep time, or not."""
        return timedelta(seconds=self.trouble.amount(Kind.CLOCK_IS_WRONG) or 0)

    def opened(self, refused_secret: str) -> "MemoryCloud":
        """Give a token."""
        self.asked()
        if refused_secret:
            raise CredentialError("was refused less than an hour ago")
        if self.trouble.amount(Kind.NO_CREDENTIAL):
            refused = CredentialError("the cloud refuses it", status=401)
            refused.refused, refused.fingerprint = True, "fingerprint"
            raise refused
        return self

    def asked(self) -> None:
        """Answer a call, or not."""
        self.called()
        if self.trouble.amount(Kind.DOWN):
            raise CloudUnavailable("no route to host")
        if self.trouble.strikes(Kind.ERRORS):
            raise CloudUnavailable("bad gateway", status=502)
        if self.trouble.strikes(Kind.THROTTLED):
            raise Throttled("too many requests", status=429)
        self.world.settle()

    def listed(self) -> None:
        """Answer a listing, or not."""
        self.asked()
        if self.trouble.amount(Kind.LISTINGS_BROKEN):
            raise IncompleteListing("a page repeats")

    def may_change(self) -> bool:
        """Lose the answer of a change: after the work (True), or raise before it."""
        if not self.trouble.strikes(Kind.ANSWERS_LOST):
            return False
        if self.trouble.cast(0.5):
            raise LostAnswer("connection reset")
        return True

    def doubt_all(self) -> None:
        """Take note that the exporter's memory was lost: what is not listed now, is not known."""
        episode = self.trouble.lasting(Kind.LISTINGS_LATE)
        if episode is not None:
            since = self.world.clock.now() - timedelta(seconds=episode.amount)
            self.doubtful |= {name for name, at in self.posted.items() if at >= since}

    def late(self) -> "Late":
        """Say how late listings are."""
        return Late(self.world, self.trouble.amount(Kind.LISTINGS_LATE))

    def image(self, image: SandboxImage) -> Image:
        """Describe an image; the same description for as long as it is the same."""
        facts = (image.status, image.virtual_bytes, image.protected, tuple(image.tags))
        known = self._seen.get(image.id)
        if known is None or known[0] != facts:
            known = (facts, _described(image, self.world.dialect))
            self._seen[image.id] = known
        return known[1]


class Late:
    """Shows a world as it was; as it is, if nothing is late."""

    def __init__(self, world: World, seconds: float | None) -> None:
        self._shown = (
            nullcontext() if seconds is None else as_it_was(world, timedelta(seconds=seconds))
        )

    def __enter__(self) -> None:
        self._shown.__enter__()

    def __exit__(self, *error: object) -> None:
        self._shown.__exit__(None, None, None)


@dataclass(frozen=True, slots=True)
class MemoryVolumes:
    """The volumes of a cloud."""

    cloud: MemoryCloud

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
        self._note(image)
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

    def _note(self, image: SandboxImage) -> None:
        """Take note of a POST; its answer may be lost on any of several ways."""
        self.cloud.posted[image.name] = image.created_at
        if any(
            one.kind is Kind.LISTINGS_LATE
            and one.amount >= LAGS_TOO_LONG
            and one.since - DOUBT <= image.created_at < one.until
            for one in self.cloud.trouble.episodes
        ):
            self.cloud.doubtful.add(image.name)

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


@dataclass(frozen=True, slots=True)
class MemoryImages:
    """The images of a cloud."""

    cloud: MemoryCloud

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        """List what the project owns."""
        self.cloud.listed()
        with self.cloud.late():
            return [
                self.cloud.image(image)
                for image in self.cloud.world.images.values()
                if image.owner == self.cloud.project_id
                and (created_since is None or image.created_at >= created_since)
            ]

    def get(self, image_id: str) -> Image | None:
        """Read one."""
        self.cloud.asked()
        image = self.cloud.world.images.get(image_id)
        return self.cloud.image(image) if image else None

    def members(self, image_id: str) -> Sequence[str]:
        """List those it is shared with."""
        self.cloud.asked()
        image = self.cloud.world.images.get(image_id)
        return tuple(image.members) if image else ()

    def delete(self, image_id: str) -> bool:
        """Remove one."""
        self.cloud.asked()
        is_lost = self.cloud.may_change()
        image = self.cloud.world.images.get(image_id)
        if image is not None and image.protected:
            raise Refused("it is protected", status=403)
        self.cloud.world.forget_image(image_id)
        if is_lost:
            raise LostAnswer("connection reset")
        return image is not None

    def mark(self, image_id: str, mark: ImageMark) -> bool:
        """Tag one."""
        self.cloud.asked()
        is_lost = self.cloud.may_change()
        image = self.cloud.world.images.get(image_id)
        if image is not None:
            tag = f"vi-{mark.deployment_id}"
            image.tags = [*(one for one in image.tags if one != tag), tag]
        if is_lost:
            raise LostAnswer("connection reset")
        return image is not None

    def pin(self, image_id: str) -> bool:
        """Pin nothing: people do, by hand."""
        raise NotImplementedError(image_id)

    def unpin(self, image_id: str) -> bool:
        """Unpin nothing."""
        raise NotImplementedError(image_id)

    def set_restore_pin(self, image_id: str, pin: RestorePin) -> bool:
        """Restore nothing."""
        raise NotImplementedError(image_id, pin)

    def drop_restore_pin(self, image_id: str, pin: RestorePin) -> None:
        """Restore nothing."""
        raise NotImplementedError(image_id, pin)

    def room(self) -> int | None:
        """Tell what a Huawei Cloud tells: whether the quota is full."""
        self.cloud.asked()
        if self.cloud.world.dialect is Dialect.OPENSTACK:
            return None
        return 0 if self.cloud.trouble.lasting(Kind.QUOTA_IS_FULL) else 1000


def _volume(volume: SandboxVolume) -> Volume:
    return Volume(
        id=volume.id,
        name=volume.name,
        status=volume.status,
        size_gib=volume.size_gib,
        tags=dict(volume.tags),
    )


def _described(image: SandboxImage, dialect: Dialect) -> Image:
    deployments = [tag[3:] for tag in image.tags if tag.startswith("vi-") and len(tag) == 15]
    return Image(
        id=image.id,
        name=image.name,
        status=image.status,
        owner=image.owner,
        created_at=image.created_at,
        disk_format=image.disk_format,
        virtual_bytes=image.virtual_bytes if dialect is Dialect.OPENSTACK else None,
        size_bytes=image.size_bytes,
        min_disk_gib=image.min_disk_gib,
        protected=image.protected,
        pinned=PIN in image.tags,
        deployment=deployments[0] if deployments else None,
    )
