"""What goes wrong with a simulated cloud or store, and when: a row of episodes, and dice."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """One way to go wrong; what `amount` means differs."""

    DOWN = "down"
    ERRORS = "errors"
    """`amount` is the share of calls answered by 503."""

    THROTTLED = "throttled"
    """`amount` is the share of calls answered by 429."""

    NO_CREDENTIAL = "no credential"
    ANSWERS_LOST = "answers lost"
    """`amount` is the share of changes whose answer is lost, after or before the work."""

    LISTINGS_LATE = "listings late"
    """`amount` is by how many seconds."""

    LISTINGS_BROKEN = "listings broken"
    EXPORTS_FAIL = "exports fail"
    EXPORTS_ARE_KILLED = "exports are killed"
    EXPORTS_VANISH = "exports vanish"
    EXPORTS_ARE_STUCK = "exports are stuck"
    VOLUMES_STAY_UPLOADING = "volumes stay uploading"
    EXPORTS_ARE_SLOW = "exports are slow"
    """`amount` is how many seconds they take."""

    EXPORTS_ARE_REFUSED = "exports are refused"
    QUOTA_IS_FULL = "quota is full"
    FULL = "no more exports at once"
    CLOCK_IS_WRONG = "clock is wrong"
    """`amount` is how many seconds it is ahead."""

    STORE_READS_FAIL = "store reads fail"
    STORE_WRITES_FAIL = "store writes fail"
    STORE_ANSWERS_LOST = "store answers lost"
    STORE_ANSWERS_NEVER_COME = "store answers never come"
    TICKS_DO_NOT_COME = "ticks do not come"
    TICKS_ARE_LATE = "ticks are late"
    """`amount` is by how many seconds."""

    TICKS_ARE_DOUBLED = "ticks are doubled"
    CLEANUPS_DO_NOT_COME = "cleanups do not come"


@dataclass(frozen=True, slots=True)
class Episode:
    """Something goes wrong for a while."""

    kind: Kind
    since: datetime
    until: datetime
    amount: float = 1.0


@dataclass(slots=True)
class Trouble:
    """The episodes of one place; `struck` counts what really went wrong, by kind.

    The dice are cast by one thread at a time, and begin anew at each moment: the seed and the time
    tell them, whatever was cast before.
    """

    now: Callable[[], datetime]
    seed: str
    episodes: Sequence[Episode] = ()
    struck: Counter[Kind] = field(default_factory=Counter)
    _dice: random.Random = field(default_factory=random.Random)
    _cast_at: datetime | None = None
    _sorted: Sequence[Episode] = ()
    _by_kind: dict[Kind, list[Episode]] = field(default_factory=dict)

    def lasting(self, kind: Kind) -> Episode | None:
        """Return the episode of this kind that lasts now."""
        if self._sorted is not self.episodes:
            self._sort()
        of_kind = self._by_kind.get(kind)
        if of_kind is None:
            return None
        now = self.now()
        for episode in of_kind:
            if episode.since <= now < episode.until:
                return episode
        return None

    def amount(self, kind: Kind) -> float | None:
        """Return how much goes wrong now, and count it; None when nothing does."""
        episode = self.lasting(kind)
        if episode is None:
            return None
        self.struck[kind] += 1
        return episode.amount

    def strikes(self, kind: Kind) -> bool:
        """Cast the dice: whether this call is struck, with `amount` as probability."""
        episode = self.lasting(kind)
        if episode is None or not self.cast(episode.amount):
            return False
        self.struck[kind] += 1
        return True

    def cast(self, probability: float) -> bool:
        """Cast the dice."""
        now = self.now()
        if now != self._cast_at:
            self._cast_at = now
            self._dice.seed(f"{self.seed} {now.timestamp()}")
        return self._dice.random() < probability

    def _sort(self) -> None:
        """Sort the episodes by kind: each call of a simulated year asks for several of them."""
        self._sorted = self.episodes
        self._by_kind = {}
        for episode in self.episodes:
            self._by_kind.setdefault(episode.kind, []).append(episode)
