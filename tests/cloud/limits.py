"""Rate limits as clouds have them, and clients that meet one on a virtual clock."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Protocol

from volume_images.cloud.pace import Pace

LATENCY = 0.15
SPREAD = 0.005
AT_ONCE = 32


class Limit(Protocol):
    """Decides over each request as it arrives."""

    def admits(self, now: float) -> bool: ...


class Window:
    """So many requests in each second of the cloud's own clock, as API gateways count them."""

    def __init__(self, rate: float, chance: Random) -> None:
        self._rate = rate
        self._offset = chance.random()
        self._second = -1
        self._admitted = 0

    def admits(self, now: float) -> bool:
        if self._second != int(now + self._offset):
            self._second = int(now + self._offset)
            self._admitted = 0
        self._admitted += 1
        return self._admitted <= self._rate


class Sliding:
    """So many requests in any second, wherever it begins."""

    def __init__(self, rate: float, chance: Random) -> None:
        del chance  # it has no clock of its own
        self._rate = rate
        self._admitted: deque[float] = deque()

    def admits(self, now: float) -> bool:
        while self._admitted and self._admitted[0] <= now - 1:
            self._admitted.popleft()
        if len(self._admitted) >= self._rate:
            return False
        self._admitted.append(now)
        return True


class Bucket:
    """So many requests a second; a second's worth of them may have been saved up."""

    def __init__(self, rate: float, chance: Random) -> None:
        del chance  # it has no clock of its own
        self._rate = rate
        self._tokens = rate
        self._filled_at = 0.0

    def admits(self, now: float) -> bool:
        filled = self._tokens + (now - self._filled_at) * self._rate
        self._tokens, self._filled_at = min(self._rate, filled), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass(frozen=True, slots=True)
class Met:
    """What came of it: `begun` are the moments at which requests began, refused ones included."""

    seconds: float
    begun: Sequence[float]
    refused: int
    most_tries: int

    @property
    def refused_share(self) -> float:
        return self.refused / len(self.begun)


def meet(
    limit: Callable[[float, Random], Limit],
    rate: float,
    *,
    ceiling: float,
    requests: int,
    seed: int,
) -> Met:
    """Send so many requests through one Pace, as the Gate does: one waits, the others queue.

    A request that is refused joins the queue again; no answer says for how long to wait.
    """
    chance = Random(seed)  # noqa: S311 - a simulation that can be replayed
    cloud = limit(rate, chance)
    pace = Pace(ceiling, 0.0, chance)
    waiting = deque(range(requests))
    inside = 0
    begun: list[float] = []
    tries: Counter[int] = Counter()
    refused = 0
    order = count()
    events: list[tuple[float, int, str, int]] = [(0.0, next(order), "wait", 0)]
    now, somebody_waits = 0.0, True

    def later(seconds: float, event: str, who: int = 0) -> None:
        heapq.heappush(events, (now + seconds, next(order), event, who))

    def half_way() -> float:
        return LATENCY / 2 + chance.expovariate(1 / SPREAD)

    while events:
        now, _, event, who = heapq.heappop(events)
        match event:
            case "wait":
                seconds = pace.wait(now)
                if seconds > 0:
                    later(seconds, "wait")
                    continue
                who = waiting.popleft()
                begun.append(now)
                tries[who] += 1
                inside += 1
                later(half_way(), "arrive", who)
                somebody_waits = False
            case "arrive":
                later(half_way(), "accepted" if cloud.admits(now) else "refused", who)
            case "accepted":
                inside -= 1
                pace.accepted(now)
            case "refused":
                inside -= 1
                refused += 1
                pace.refused(now, None)
                waiting.append(who)
        if waiting and not somebody_waits and inside < AT_ONCE:
            somebody_waits = True
            later(0.0, "wait")
    return Met(now, begun, refused, max(tries.values()))
