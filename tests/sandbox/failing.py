"""Lets the faults in force strike the requests that their rules choose."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial

from tests.sandbox.clock import SandboxClock
from tests.sandbox.faults import Faults, Rule, Throttle
from tests.sandbox.overload import refusal
from tests.sandbox.token_bucket import TokenBucket
from tests.sandbox.wire import Answer, Handler, Request

Note = Callable[[Request, Answer], Answer]
"""Writes down that a request was answered without having been worked on."""


@dataclass(slots=True)
class Live:
    """A rule in force: how far it has counted, its dice and its bucket."""

    rule: Rule
    dice: random.Random
    bucket: TokenBucket | None = None
    matched: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, request: Request, now: datetime) -> bool:
        """Count a request that matches, and tell whether it is struck."""
        if not _matches(self.rule, request):
            return False
        with self.lock:
            self.matched += 1
            return self._chosen(self.matched - self.rule.skip, now)

    def _chosen(self, number: int, now: datetime) -> bool:
        rule = self.rule
        if number < 1 or number % rule.every or (rule.first is not None and number > rule.first):
            return False
        if (rule.since and now < rule.since) or (rule.until and now >= rule.until):
            return False
        return rule.probability >= 1 or self.dice.random() < rule.probability


class Failing:
    """The faults of one cloud, in force from when this is made."""

    def __init__(self, faults: Faults, clock: SandboxClock, note: Note) -> None:
        self.faults = faults
        self._clock = clock
        self._note = note
        self._live = [
            Live(rule, _dice(faults.seed, position), self._bucket(rule))
            for position, rule in enumerate(faults.rules)
        ]

    def answer(self, request: Request, work: Handler, position: int = 0) -> Answer:
        """Answer by `work`, under all the rules from one on. Raises HangUp."""
        now = self._clock.now()
        for place, live in enumerate(self._live[position:], position):
            if live.strikes(request, now):
                rest = partial(self.answer, work=work, position=place + 1)
                return self._struck(live, request, rest)
        return work(request)

    def _struck(self, live: Live, request: Request, rest: Handler) -> Answer:
        match live.rule:
            case Throttle() as rule if live.bucket is not None and not live.bucket.take():
                return self._note(request, refusal(rule.says, rule.retry_after, rule.rate))
            case _:
                return rest(request)

    def _bucket(self, rule: Rule) -> TokenBucket | None:
        if not isinstance(rule, Throttle):
            return None
        return TokenBucket(rate=rule.rate, burst=rule.burst, monotonic=self._clock.monotonic)


def _dice(seed: int, position: int) -> random.Random:
    """Throw dice that know nothing of the other rules': requests may come in any order."""
    return random.Random(f"{seed}/{position}")  # noqa: S311 - the same throws for the same seed


def _matches(rule: Rule, request: Request) -> bool:
    path = request.sent_path
    if rule.service is not None and not path.startswith(f"/{rule.service}/"):
        return False
    return fnmatchcase(request.method, rule.method) and fnmatchcase(path, rule.path)
