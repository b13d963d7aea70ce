"""A token bucket: so many requests at once, and so many a second after that."""

import threading
from collections.abc import Callable

WHOLE = 0.999
"""What counts as a whole token: clocks round, and nobody shall be refused for that."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate` a second; full at first.

    `monotonic` tells its seconds: a virtual clock can drive it. Time that runs back fills nothing.
    """

    def __init__(self, *, rate: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._filled_at = monotonic()

    def take(self) -> bool:
        """Take a token, if there is a whole one."""
        with self._lock:
            now = self._monotonic()
            gained = max(now - self._filled_at, 0.0) * self._rate
            self._tokens = min(self._tokens + gained, float(self._burst))
            self._filled_at = now
            if self._tokens < WHOLE:
                return False
            self._tokens -= 1
            return True
