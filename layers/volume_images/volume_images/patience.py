"""Waiting for a cloud: often at first, seldom later, and not for ever."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from volume_images.protocols import Clock

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait in all, in seconds by a clock that only runs forward."""

    clock: Clock
    seconds: float
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "begun", self.clock.monotonic())

    def tries(self) -> Iterator[float]:
        """Yield the seconds gone by until the patience is over, and once when it is already."""
        pause = FIRST_PAUSE
        yield self._gone()
        while self._gone() + pause <= self.seconds:
            self.clock.sleep(pause)
            yield self._gone()
            pause = min(pause * GROWTH, LONGEST_PAUSE)

    def _gone(self) -> float:
        return self.clock.monotonic() - self.begun
