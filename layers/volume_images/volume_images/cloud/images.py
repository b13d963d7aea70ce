"""The image side of a cloud project, in either dialect."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from volume_images.cloud.fields import Entry
from volume_images.cloud.listings import Page, whole_listing
from volume_images.cloud.session import CloudSession, Params
from volume_images.errors import CloudUnavailable, NotFound, Refused
from volume_images.model import Image, ImageMark, RestorePin

PIN_TAG = "vi-pin"
RESTORE_PIN_TAG = "vi-restore-"

# The visibilities that have no members (Image API v2, "Image visibility").
UNSHARED = frozenset({"private", "public", "community"})


class ImageDialect(Protocol):
    """Where the dialects differ: addresses, paging, fields, and how one image is read."""

    def listing(self, created_since: datetime | None) -> tuple[str, Params]:
        """Address and first page of the listing."""
        ...

    def page(self, answer: Entry, asked: Params) -> Page[Image]:
        """Read one page of it."""
        ...

    def read(self, session: CloudSession, image_id: str) -> Image:
        """Read one image; raises NotFound only when the cloud says so."""
        ...

    def image_url(self, image_id: str) -> str:
        """Address of one image."""
        ...

    def mark(self, session: CloudSession, image_id: str, mark: ImageMark) -> None:
        """Tag an image as ours."""
        ...

    def pin(self, session: CloudSession, image_id: str) -> None:
        """Set the tag that keeps an image from deletion."""
        ...

    def unpin(self, session: CloudSession, image_id: str) -> None:
        """Remove that tag; raises NotFound when there is none."""
        ...

    def set_restore_pin(self, session: CloudSession, image_id: str, pin: RestorePin) -> None:
        """Set the tag of a run that restores an image."""
        ...

    def drop_restore_pin(self, session: CloudSession, image_id: str, pin: RestorePin) -> None:
        """Remove that tag; raises NotFound when there is none."""
        ...

    def room(self, session: CloudSession) -> int | None:
        """Read how many more images the project may hold, where the service tells."""
        ...


class CloudImages:
    """Lists, reads, marks and deletes images."""

    def __init__(self, session: CloudSession, dialect: ImageDialect) -> None:
        self._session = session
        self._dialect = dialect

    def all(self, created_since: datetime | None = None) -> tuple[Image, ...]:
        """Walk the listing to its end: every image that the project owns, each once."""
        start = self._dialect.listing(created_since)
        return whole_listing(self._session, start, self._dialect.page)

    def get(self, image_id: str) -> Image | None:
        """Read one image; None when the cloud answers that it does not exist."""
        try:
            return self._dialect.read(self._session, image_id)
        except NotFound:
            return None

    def members(self, image_id: str) -> tuple[str, ...]:
        """List the projects that this image is shared with."""
        return read_members(self._session, self._dialect.image_url(image_id))

    def delete(self, image_id: str) -> bool:
        """DELETE; False when it was not there any more.

        Raises Refused for an image that is protected, in use or still being created.
        """
        return _was_there(lambda: self._session.delete(self._dialect.image_url(image_id)))

    def mark(self, image_id: str, mark: ImageMark) -> bool:
        """Tag an image as ours; False when it was not there any more."""
        return _was_there(lambda: self._dialect.mark(self._session, image_id, mark))

    def pin(self, image_id: str) -> bool:
        """Tag an image as not to be deleted; False when it was not there any more."""
        return _was_there(lambda: self._dialect.pin(self._session, image_id))

    def unpin(self, image_id: str) -> bool:
        """Remove that tag, if it is there; False when the image was not there any more."""
        try:
            self._dialect.unpin(self._session, image_id)
        except NotFound:  # of the tag or of the image: the services do not say
            return self.get(image_id) is not None
        return True

    def set_restore_pin(self, image_id: str, pin: RestorePin) -> bool:
        """Tag an image as being restored; False when it was not there any more."""
        return _was_there(lambda: self._dialect.set_restore_pin(self._session, image_id, pin))

    def drop_restore_pin(self, image_id: str, pin: RestorePin) -> None:
        """Remove that tag, if it and the image are there."""
        with suppress(NotFound):
            self._dialect.drop_restore_pin(self._session, image_id, pin)

    def room(self) -> int | None:
        """Return how many more images the project may hold; None where the cloud does not say.

        Nobody needs the answer to export: a service that denies it, or cannot give it, says none.
        """
        try:
            return self._dialect.room(self._session)
        except (NotFound, Refused, CloudUnavailable):
            return None


def _was_there(act: Callable[[], object]) -> bool:
    """Act on an image; False when the cloud answers that it does not exist."""
    try:
        act()
    except NotFound:
        return False
    return True


def created_filter(created_since: datetime | None) -> dict[str, str]:
    """Narrow a listing on the server: both services know whole seconds with a Z only."""
    if created_since is None:
        return {}
    return {"created_at": f"gte:{created_since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def read_members(session: CloudSession, image_url: str) -> tuple[str, ...]:
    """Read the members of an image; Glance answers 403 for one that is not `shared`."""
    try:
        answer = session.read(f"{image_url}/members")
    except Refused:
        # The right to ask may be missing as well, so the image itself has to confirm it.
        if session.read(image_url).text("visibility") in UNSHARED:
            return ()
        raise
    return tuple(entry.text("member_id") for entry in answer.entries("members"))


def image_from(
    entry: Entry,
    *,
    size_bytes: int | None,
    pinned: bool,
    restore_pins: Iterable[RestorePin | None],
    deployment: str | None,
) -> Image:
    """Read what both services spell the same; a pin that could not be read is nobody's."""
    return Image(
        id=entry.identifier("id"),
        name=entry.text("name"),
        status=entry.text("status"),
        owner=entry.text("owner"),
        created_at=entry.instant("created_at"),
        disk_format=entry.text("disk_format"),
        virtual_bytes=entry.optional_whole("virtual_size"),
        size_bytes=size_bytes,
        # Zero is how a service says that nobody set it.
        min_disk_gib=entry.optional_whole("min_disk") or None,
        protected=entry.flag("protected"),
        pinned=pinned,
        restore_pins=tuple(sorted(pin for pin in restore_pins if pin is not None)),
        deployment=deployment,
        checksum=entry.text("os_hash_value") or entry.text("checksum"),
    )
