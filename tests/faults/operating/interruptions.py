"""Something happens in the midst of a run: at its nth call it is killed, or another run comes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from volume_images.protocols import Cloud, World


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@dataclass
class Interruption:
    """Kills a run at its nth call to the cloud or the store, or does `instead` at that call.

    Who is dead makes no further call, on whatever thread: what was written by then stands.
    """

    nth: int
    instead: Callable[[], object] | None = None
    _dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def called(self) -> None:
        """Count a call."""
        if self._dead:
            raise Killed
        with self._lock:
            self.nth -= 1
            if self.nth != 0:
                return
            self._dead = self.instead is None
        if self.instead is None:
            raise Killed
        self.instead()


@dataclass(frozen=True)
class Interrupted:
    """A cloud or a store whose calls are counted; all that it does is the real one's."""

    real: Any
    by: Interruption

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        held = getattr(self.real, name)
        if name in {"volumes", "images"}:
            return Interrupted(held, self.by)
        if not callable(held):
            return held

        def call(*args: Any, **fields: Any) -> Any:  # noqa: ANN401
            self.by.called()
            return held(*args, **fields)

        return call


def interrupted(world: World, by: Interruption) -> World:
    """Return the world of a run that is interrupted."""

    def opened(name: str, refused_secret: str = "") -> Cloud:
        by.called()
        return Interrupted(world.open_cloud(name, refused_secret), by)

    store: Any = Interrupted(world.store, by)
    return replace(world, store=store, open_cloud=opened)
