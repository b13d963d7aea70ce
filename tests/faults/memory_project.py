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


def _nobody() -> None:
    pass


@dataclass(slots=True)
class MemoryProject:
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
