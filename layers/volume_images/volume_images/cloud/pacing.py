"""One gate for each cloud: how many requests at once, how many a second, and when to pause."""

import threading
from datetime import datetime
from random import SystemRandom
from types import TracebackType
from typing import Protocol

from volume_images.cloud.pace import Pace
from volume_images.errors import Throttled

# A cloud that wants a longer pause than this is left alone for now: the run has other clouds,
# and a time limit of its own.
LONGEST_WAIT_SECONDS = 30.0


class Clock(Protocol):
    """What this package needs of the product's clock."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only run forward."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Gate:
    """Every request to a cloud is made inside `with gate:`, whichever thread makes it.

    At most `at_once` are inside; they begin at the times that `Pace` gives.
    """

    def __init__(self, clock: Clock, *, requests_per_second: float, at_once: int) -> None:
        self._clock = clock
        self._places = threading.BoundedSemaphore(at_once)
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._pace = Pace(requests_per_second, clock.monotonic(), SystemRandom())

    def __enter__(self) -> None:
        """Wait for a place and a time; raises Throttled when the cloud wants a long pause."""
        self._places.acquire()
        try:
            # One waits for the next moment, the others for their turn: nobody holds a moment that
            # was given out before the pace fell.
            with self._turn:
                while (seconds := self._time_to_wait()) > 0:
                    self._clock.sleep(seconds)
        except BaseException:
            self._places.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the place to the next."""
        self._places.release()

    def accepted(self) -> None:
        """Note that the cloud took a request in."""
        with self._lock:
            self._pace.accepted(self._clock.monotonic())

    def refused(self, retry_after: float | None) -> float:
        """Note that it was too much for the cloud; return how long all requests now pause."""
        with self._lock:
            now = self._clock.monotonic()
            self._pace.refused(now, retry_after)
            return self._pace.pause_left(now)

    def _time_to_wait(self) -> float:
        with self._lock:
            now = self._clock.monotonic()
            pause = self._pace.pause_left(now)
            if pause > LONGEST_WAIT_SECONDS:
                raise Throttled(
                    f"the cloud asked for a pause, {pause:.0f} s of it are left",
                    retry_after=pause,
                )
            return self._pace.wait(now)
