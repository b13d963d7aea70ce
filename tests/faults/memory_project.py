"""One project of a cloud in memory: its world, and what goes wrong with each call of it."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.faults.trouble import Kind, Trouble
from tests.sandbox.fault_world import as_it_was
from tests.sandbox.things import SandboxImage
from tests.sandbox.world import World
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, IncompleteListing, LostAnswer, Throttled
from volume_images.model import Image

PIN = "vi-pin"

LAGS_TOO_LONG = 3300
"""Seconds: a listing that lags nearly an hour may hide an export until it is made again."""

DOUBT = timedelta(hours=3)
A_RUN = timedelta(minutes=10)
"""What a run may take from its listing to its POST."""


def _nobody() -> None:
    pass


@dataclass(slots=True)
class MemoryProject:
    """One project; `called` is told of every call, before any work.

    `posted` is when each image was POSTed last, by name; `doubtful` are those of which listings
    tell so late that another may be made. `forgotten_at` is when the exporter's memory was lost.
    """

    world: World
    trouble: Trouble
    called: Callable[[], None] = _nobody
    posts: int = 0
    posted: dict[str, datetime] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    forgotten_at: datetime | None = None
    _seen: dict[str, tuple[object, Image]] = field(default_factory=dict)

    @property
    def project_id(self) -> str:
        """Return the project's id."""
        return self.world.project_id

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

    def note_post(self, image: SandboxImage) -> None:
        """Take note of a POST, and whether listings may lead to another, or have led to this one.

        They may lag for longer than an intent holds. Or this is the second of its slot, and when
        the memory of the first was lost they did not show it yet.
        """
        if self._may_lag_for_too_long(image.created_at) or self._first_was_hidden(image):
            self.doubtful.add(image.name)
        self.posted[image.name] = image.created_at

    def _may_lag_for_too_long(self, posted_at: datetime) -> bool:
        return any(
            one.kind is Kind.LISTINGS_LATE
            and one.amount >= LAGS_TOO_LONG
            and one.since - DOUBT <= posted_at < one.until
            for one in self.trouble.episodes
        )

    def _first_was_hidden(self, second: SandboxImage) -> bool:
        first, late = self.posted.get(second.name), self.trouble.lasting(Kind.LISTINGS_LATE)
        if first is None or late is None or self.forgotten_at is None:
            return False
        seen_until = second.created_at - timedelta(seconds=late.amount) - A_RUN
        return seen_until <= first <= self.forgotten_at

    def memory_lost(self) -> None:
        """Take note that the exporter's memory was lost."""
        self.forgotten_at = self.world.clock.now()

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
