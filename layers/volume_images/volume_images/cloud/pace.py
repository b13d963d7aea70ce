"""The pace of requests to one cloud: never above the configured one, below it while it must."""

from collections import deque
from random import Random

START_SHARE = 0.95
LEAST_SHARE = 0.05
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 60.0
LOOK_BACK_SECONDS = 2.0
FALLS_ONCE_IN_SECONDS = 1.0
COMES_BACK_PER_SECOND = 0.01


class Pace:
    """When the next request may begin; the rule alone, for one thread at a time.

    `requests_per_second` is a ceiling. Requests begin one by one, evenly, 5 % slower than that:
    they bunch up on their way, and the cloud counts them where they arrive. Time that nobody used
    is not made up for.

    When the cloud refuses a request for its pace alone:

    1. All pause, as long as the cloud says. Where it does not say: a quarter of a second, twice as
       long after each further refusal until a request is accepted, a minute at the most; and up
       to half as long again by chance, so that several clients do not come back together.
    2. The pace falls, once a second at most, to nine tenths of what was accepted in the last two
       seconds, but to half of what it was at the least.
    3. The pace comes back by itself: each second, by 1 % of `requests_per_second`.

    Refusals that arrive during a pause answer what was sent before it: they change nothing more.
    Times are seconds of any clock that runs only forward.
    """

    def __init__(self, requests_per_second: float, now: float, chance: Random) -> None:
        self._ceiling = requests_per_second
        self._chance = chance
        self._rate = START_SHARE * requests_per_second
        self._rate_since = now
        self._may_fall_at = now
        self._next_at = now
        self._paused_until = now
        self._pause = FIRST_PAUSE_SECONDS
        self._accepted: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Take this moment for a request and return 0, or return how long to wait for one."""
        seconds = max(self._next_at, self._paused_until) - now
        if seconds > 0:
            return seconds
        # Who wakes up late shall not slow the others down: the beat goes on, but no two requests
        # come closer than the ceiling allows.
        self._next_at = max(self._next_at + 1 / self.rate(now), now + 1 / self._ceiling)
        return 0.0

    def rate(self, now: float) -> float:
        """Return how many requests a second may begin at present."""
        back = COMES_BACK_PER_SECOND * self._ceiling * max(now - self._rate_since, 0.0)
        return min(self._rate + back, START_SHARE * self._ceiling)

    def pause_left(self, now: float) -> float:
        """Return for how many seconds from now no request may begin."""
        return max(self._paused_until - now, 0.0)

    def accepted(self, now: float) -> None:
        """Note that the cloud took a request in, whatever it answered."""
        self._pause = FIRST_PAUSE_SECONDS
        self._accepted.append(now)
        self._forget(now)

    def refused(self, now: float, retry_after: float | None) -> None:
        """Note that the cloud refused a request for its pace; `retry_after` is its own word."""
        if now >= self._paused_until:
            self._rate = self._lower_rate(now)
            self._paused_until = now + self._pause * self._chance.uniform(1, 1.5)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        self._paused_until = max(self._paused_until, now + (retry_after or 0.0))
        self._rate_since = self._paused_until

    def _lower_rate(self, now: float) -> float:
        rate = self.rate(now)
        if now < self._may_fall_at:
            return rate
        self._may_fall_at = now + FALLS_ONCE_IN_SECONDS
        self._forget(now)
        let_through = len(self._accepted) / LOOK_BACK_SECONDS
        lower = max(0.9 * min(let_through, rate), 0.5 * rate)
        return max(lower, LEAST_SHARE * self._ceiling)

    def _forget(self, now: float) -> None:
        while self._accepted and self._accepted[0] <= now - LOOK_BACK_SECONDS:
            self._accepted.popleft()
