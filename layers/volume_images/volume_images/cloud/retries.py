"""What is sent again, and how soon; and when a service that does not answer is left alone."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from urllib.parse import urlsplit

import requests

from volume_images.cloud.pacing import Clock
from volume_images.errors import CloudError, CloudUnavailable, Throttled

TRIES = 4
"""How often a request is sent that got no answer, and may be sent twice."""

TRIES_FOR_A_TURN = 8
"""How often a request is sent that was turned away: the pauses between them soon grow long."""

MOST_FAILURES = 8
MOST_SECONDS_LOST = 120.0
LEFT_ALONE = timedelta(minutes=5)
"""More than what is left of most runs, less than the ten minutes to the next."""

_FIRST_DELAY_SECONDS = 0.5
_CHANCE = SystemRandom()


def may_pass(error: CloudError) -> bool:
    """Whether a later try of a request that changes nothing may go better."""
    return isinstance(error, CloudUnavailable | Throttled)


def turned_away(error: CloudError) -> bool:
    """Whether a request was refused for its pace alone, before anything was done about it.

    So say 429, `overLimit` and the flow control codes. Behind a 503 the work may have begun.
    """
    definite = error.status not in {None, requests.codes.service_unavailable}
    return isinstance(error, Throttled) and definite


def delay(tries: int) -> float:
    """Return how many seconds to wait after so many tries without an answer; by chance, too."""
    longest: float = _FIRST_DELAY_SECONDS * 2**tries
    return _CHANCE.uniform(longest / 2, longest)


@dataclass(slots=True)
class _Service:
    """Failures in a row of one service, and since when it is left alone."""

    failures: int = 0
    seconds_lost: float = 0.0
    left_alone_at: datetime | None = None
    last: str = ""


class Outages:
    """Ends all tries to reach a service that is down, however many requests wait for it.

    After 8 requests in a row without an answer, or when two minutes were spent waiting for them,
    every further one fails at once, for five minutes; then a single failure is enough. Services
    (host and first part of the path) are counted apart: one that answers is still asked what became
    of a request to one that does not.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._services: dict[str, _Service] = {}

    def check(self, url: str) -> None:
        """Raise CloudUnavailable while the service is left alone."""
        with self._lock:
            name, service = self._of(url)
            if service.left_alone_at is None:
                return
            # A clock that was set back must not make minutes of it hours.
            if timedelta() <= self._clock.now() - service.left_alone_at < LEFT_ALONE:
                minutes = LEFT_ALONE // timedelta(minutes=1)
                raise CloudUnavailable(
                    f"{name}: is down and left alone for {minutes} minutes; at last {service.last}"
                )

    def failed(self, url: str, error: CloudError, seconds: float) -> None:
        """Note a request without an answer, and for how long it was waited for."""
        with self._lock:
            _, service = self._of(url)
            service.failures += 1
            service.seconds_lost += seconds
            service.last = str(error)
            if service.failures >= MOST_FAILURES or service.seconds_lost >= MOST_SECONDS_LOST:
                service.left_alone_at = self._clock.now()

    def answered(self, url: str) -> None:
        """Note an answer: whatever failed before is forgotten."""
        with self._lock:
            self._services.pop(_service_of(url), None)

    def _of(self, url: str) -> tuple[str, _Service]:
        name = _service_of(url)
        return name, self._services.setdefault(name, _Service())


def _service_of(url: str) -> str:
    parts = urlsplit(url)
    first = parts.path.strip("/").partition("/")[0]
    return f"{parts.scheme}://{parts.netloc}/{first}"
