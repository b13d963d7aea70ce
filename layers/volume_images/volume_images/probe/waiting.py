"""Waiting for a cloud: often at first, seldom later, and not for ever."""

from collections.abc import Iterator
from dataclasses import dataclass

from volume_images.protocols import Clock

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds by a clock that only runs forward."""

    clock: Clock
    seconds: float

    def tries(self) -> Iterator[float]:
        """Yield the seconds gone by, again and again, until the patience is over."""
        begun = self.clock.monotonic()
        pause = FIRST_PAUSE
        while (gone := self.clock.monotonic() - begun) <= self.seconds:
            yield gone
            self.clock.sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE)
