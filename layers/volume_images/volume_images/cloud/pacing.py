"""One gate for each cloud: how many requests at once, how many a second, and when to pause."""

import threading
from datetime import datetime
from types import TracebackType
from typing import Protocol

from volume_images.errors import Throttled

# A cloud that asks for a longer pause than this is left alone for now: the run has other clouds,
# and a time limit of its own.
LONGEST_WAIT_SECONDS = 30.0
# The vendor advises to wait 2-5 s after APIGW.0308, which carries no Retry-After.
PAUSE_SECONDS = 2.0


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
    """Every request to a cloud is made inside `with gate:`, whichever thread makes it."""

    def __init__(self, clock: Clock, *, requests_per_second: float, at_once: int) -> None:
        self._clock = clock
        self._interval = 1.0 / requests_per_second
        self._places = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._next_at = clock.monotonic()
        self._paused_until = self._next_at

    def __enter__(self) -> None:
        """Wait for a place and a time; raises Throttled when the cloud wants a long pause."""
        self._places.acquire()
        try:
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

    def pause(self, seconds: float | None) -> None:
        """Let no further request begin for so long: the cloud answered that it is too much."""
        with self._lock:
            until = self._clock.monotonic() + (PAUSE_SECONDS if seconds is None else seconds)
            self._paused_until = max(self._paused_until, until)

    def _time_to_wait(self) -> float:
        """Take this moment for a request and return 0, or return how long to wait for one."""
        with self._lock:
            now = self._clock.monotonic()
            pause = self._paused_until - now
            if pause > LONGEST_WAIT_SECONDS:
                raise Throttled(
                    f"the cloud asked for a pause, {pause:.0f} s of it are left",
                    retry_after=pause,
                )
            wait = max(self._next_at - now, pause)
            if wait <= 0:
                # A thread that wakes up late must not slow the others down: keep the beat.
                self._next_at = max(self._next_at + self._interval, now)
            return wait
