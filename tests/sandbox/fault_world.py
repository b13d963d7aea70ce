"""What is wrong with the cloud itself while it works on a request."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TypeVar, assert_never

from tests.sandbox.fates import Fate
from tests.sandbox.faults import (
    Ending,
    ImageQuota,
    InFlight,
    LostMarker,
    OfTheWorld,
    ShownLate,
    Skew,
)
from tests.sandbox.identity import Identity
from tests.sandbox.overload import refusal
from tests.sandbox.things import Export, SandboxImage, SandboxVolume
from tests.sandbox.wire import Answer, Handler, Request
from tests.sandbox.world import World

Thing = TypeVar("Thing", SandboxImage, SandboxVolume)


@dataclass(frozen=True, slots=True)
class WrongWorld:
    """The cloud of which something is wrong; its world is locked while a request is worked on."""

    world: World
    identity: Identity
    note: Callable[[Request, Answer], Answer]

    def worked_on(self, rule: OfTheWorld, request: Request, work: Handler) -> Answer:
        """Work on a request under a fault."""
        with self.world.lock:
            self.world.settle()
            match rule:
                case InFlight() if len(self.world.exports) >= rule.limit:
                    return self.note(request, refusal(rule.says, rule.retry_after))
                case InFlight():
                    return work(request)
                case LostMarker():
                    self._delete(request.argument("marker") or "")
                    return work(request)
                case Skew():
                    with self._changed(rule):
                        return _dated_ahead(work(request), rule.seconds)
                case ShownLate() | Ending() | ImageQuota():
                    with self._changed(rule):
                        return work(request)
                case _:
                    assert_never(rule)

    def _changed(
        self, rule: ShownLate | Ending | ImageQuota | Skew
    ) -> AbstractContextManager[None]:
        match rule:
            case ShownLate():
                return as_it_was(self.world, timedelta(seconds=rule.seconds))
            case Ending():
                fate = Fate(image=rule.image, volume=rule.volume, seconds=rule.seconds)
                return _swapped(self.world, "fate", fate)
            case ImageQuota():
                return _swapped(self.world, "image_quota", rule.limit)
            case Skew():
                ahead = timedelta(seconds=rule.seconds)
                return _swapped(self.identity.gatekeeper, "skew", ahead)
            case _:
                assert_never(rule)

    def _delete(self, marker: str) -> None:
        self.world.forget_image(marker)
        self.world.forget_volume(marker)


@contextmanager
def _swapped(thing: object, name: str, value: object) -> Iterator[None]:
    before = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        setattr(thing, name, before)


@contextmanager
def as_it_was(world: World, ago: timedelta) -> Iterator[None]:
    """Show the images and volumes of some time ago; the status of a volume is that of now."""
    now = world.clock.now()
    then = now - ago
    gone = [each.thing for each in world.departed if then < each.at <= now]
    images, volumes = dict(world.images), dict(world.volumes)
    _show(world.images, [each for each in gone if isinstance(each, SandboxImage)], then)
    _show(world.volumes, [each for each in gone if isinstance(each, SandboxVolume)], then)
    for export in world.ended:
        if export.image.id in world.images and export.holds_image and then < export.ends_at <= now:
            world.images[export.image.id] = _unfinished(export, then)
    world.still = True
    try:
        yield
    finally:
        world.still = False
        _restore(world.images, images)
        _restore(world.volumes, volumes)


def _show(things: dict[str, Thing], gone: Iterable[Thing], then: datetime) -> None:
    shown = {each.id: each for each in things.values() if each.created_at <= then}
    shown |= {each.id: each for each in gone if each.created_at <= then}
    _restore(things, shown)


def _unfinished(export: Export, then: datetime) -> SandboxImage:
    return replace(
        export.image,
        status=export.image_status(then),
        updated_at=export.image.created_at,
        size_bytes=None,
        virtual_bytes=None,
        min_disk_gib=0,
    )


def _restore(things: dict[str, Thing], kept: dict[str, Thing]) -> None:
    things.clear()
    things.update(kept)


def _dated_ahead(answer: Answer, seconds: float) -> Answer:
    date = parsedate_to_datetime(answer.headers["Date"]) + timedelta(seconds=seconds)
    return replace(answer, headers={**answer.headers, "Date": format_datetime(date, usegmt=True)})
