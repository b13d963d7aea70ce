"""A rule in force: how far it has counted, its dice, its bucket and its memory."""

import random
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.sandbox.fault_targets import targets
from tests.sandbox.faults import Striking, Throttle
from tests.sandbox.token_bucket import TokenBucket
from tests.sandbox.wire import Request


class LiveRule:
    """Counts the requests that its rule is about, and tells which it strikes.

    `dice` know nothing of other rules': so these strike the same, whatever the others do.
    `last_items` are by the path of a listing.
    """

    def __init__(self, rule: Striking, seed: str, monotonic: Callable[[], float]) -> None:
        self.rule = rule
        self.dice = random.Random(seed)  # noqa: S311 - the same throws for the same seed
        self.last_items: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._counted = 0
        self._bucket: TokenBucket | None = None
        if isinstance(rule, Throttle):
            self._bucket = TokenBucket(rate=rule.rate, burst=rule.burst, monotonic=monotonic)

    def strikes(self, request: Request, now: datetime) -> bool:
        """Count a request, and tell whether it is struck."""
        if not targets(self.rule, request):
            return False
        with self._lock:
            self._counted += 1
            return self._chosen(self._counted - self.rule.skip, now)

    def lets_through(self) -> bool:
        """Take a token from the bucket of a throttle."""
        return self._bucket is None or self._bucket.take()

    def _chosen(self, number: int, now: datetime) -> bool:
        rule = self.rule
        if number < 1 or number % rule.every or (rule.first is not None and number > rule.first):
            return False
        if (rule.since and now < rule.since) or (rule.until and now >= rule.until):
            return False
        return rule.probability >= 1 or self.dice.random() < rule.probability
