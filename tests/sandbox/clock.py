"""A clock that runs on in real time and can be moved: it rules everything but token lifetimes."""

import threading
import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
"""The night that the sandbox wakes up in: five minutes after the daily slot of 02:00."""


class SandboxClock:
    """The sandbox's time; safe to move from one thread while others read it."""

    def __init__(self, start: datetime = START) -> None:
        self._lock = threading.Lock()
        self._time = start
        self._read_at = time.monotonic()

    def now(self) -> datetime:
        """Return the sandbox's time, aware and in UTC."""
        with self._lock:
            return self._time + timedelta(seconds=time.monotonic() - self._read_at)

    def advance(self, step: timedelta) -> None:
        """Move the clock by `step`; a negative one moves it back."""
        with self._lock:
            self._time += step

    def set(self, instant: datetime) -> None:
        """Set the clock to an aware instant; it runs on from there."""
        with self._lock:
            self._time = instant.astimezone(UTC)
            self._read_at = time.monotonic()
