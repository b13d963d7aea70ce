"""A clock that runs on in real time and can be moved: it rules everything but token lifetimes."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
"""The night that the sandbox wakes up in: five minutes after the daily slot of 02:00."""


class SandboxClock:
    """The sandbox's time; safe to move from one thread while others read it.

    `running` tells the seconds in which it runs on: real ones, unless a simulation has its own.
    """

    def __init__(
        self, start: datetime = START, running: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._running = running
        self._time = start
        self._read_at = running()

    def now(self) -> datetime:
        """Return the sandbox's time, aware and in UTC."""
        with self._lock:
            return self._time + timedelta(seconds=self._running() - self._read_at)

    def monotonic(self) -> float:
        """Return its seconds since the epoch: they run back when the clock is set back."""
        return self.now().timestamp()

    def advance(self, step: timedelta) -> None:
        """Move the clock by `step`; a negative one moves it back."""
        with self._lock:
            self._time += step

    def set(self, instant: datetime) -> None:
        """Set the clock to an aware instant; it runs on from there."""
        with self._lock:
            self._time = instant.astimezone(UTC)
            self._read_at = self._running()
