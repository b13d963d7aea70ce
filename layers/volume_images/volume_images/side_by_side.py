"""Working side by side on many clouds: none waits for another that is slow, and all end in time."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

from volume_images.stopwatch import Stopwatch

AT_ONCE = 16

THREADS = 64
"""Those that outlast the patience do not count among the ones at once, up to so many in all."""

PAUSE = 30.0
"""Seconds between an item's turn and its next one."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    late: Callable[[Item], Result],
    stopwatch: Stopwatch,
    again: Callable[[Item, Result], Item | None] = lambda _item, _result: None,
) -> Sequence[Result]:
    """Give each item its turn, and return in their order what the last turn of each came to.

    What takes longer than the patience goes on, and another one begins beside it. What has not
    ended when the run must comes to what `late` says; a thread may be at it still. `again` may name
    an item that has the next turn, after a pause; none is given that could start nothing any more.
    A run that is interrupted starts nothing more, and waits for what it began.
    """
    turns = [_Turn(place, item, 0.0) for place, item in enumerate(items)]
    results: dict[int, Result] = {}
    crew = _Crew(work, stopwatch, deque(turns))
    try:
        while crew.todo or crew.under_way:
            for turn, result in crew.ended():
                results[turn.place] = result
                following = again(turn.item, result) if stopwatch.has(PAUSE) else None
                if following is not None:
                    ready_at = stopwatch.clock.monotonic() + PAUSE
                    crew.todo.append(_Turn(turn.place, following, ready_at))
            if stopwatch.left() == 0:
                break
        results |= {turn.place: late(turn.item) for turn in crew.under_way.values()}
    except BaseException:
        stopwatch.stop()
        wait(crew.under_way, timeout=stopwatch.left())
        raise
    finally:
        crew.pool.shutdown(wait=False, cancel_futures=True)
    return [results[turn.place] if turn.place in results else late(turn.item) for turn in turns]


def each(items: Iterable[Item], work: Callable[[Item], Result], at_once: int) -> Sequence[Result]:
    """Return in their order what comes of the items, of which so many are worked on at once.

    An item is taken when there is room for it; after an error none is.
    """
    results: dict[int, Result] = {}
    under_way: dict[Future[Result], int] = {}
    with ThreadPoolExecutor(at_once) as pool:
        for place, item in enumerate(items):
            if len(under_way) == at_once:
                ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
                results |= {under_way.pop(future): future.result() for future in ended}
            under_way[pool.submit(work, item)] = place
        results |= {place: future.result() for future, place in under_way.items()}
    return [results[place] for place in sorted(results)]


@dataclass(slots=True)
class _Turn(Generic[Item]):
    """Whose turn it is, not before `ready_at`; its patience is over at `slow_at`."""

    place: int
    item: Item
    ready_at: float
    slow_at: float = 0.0


class _Crew(Generic[Item, Result]):
    """The threads of a run: what they are at, and what comes next."""

    def __init__(
        self, work: Callable[[Item], Result], stopwatch: Stopwatch, todo: deque[_Turn[Item]]
    ) -> None:
        self._work = work
        self._stopwatch = stopwatch
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="cloud")
        self.todo = todo
        self.under_way: dict[Future[Result], _Turn[Item]] = {}

    def ended(self) -> list[tuple[_Turn[Item], Result]]:
        """Begin what there is room for, and return what ends before there is room for more."""
        now = self._stopwatch.clock.monotonic()
        while (ahead := self._next_begins_at(now) - now) <= 0:
            turn = self.todo.popleft()
            turn.slow_at = now + self._stopwatch.limits.patience
            self.under_way[self.pool.submit(self._work, turn.item)] = turn
        if not self.under_way:
            self._stopwatch.clock.sleep(ahead)
            return []
        left = self._stopwatch.left()
        seconds = ahead if left is None else min(ahead, left)
        done, _ = wait(
            self.under_way,
            timeout=None if seconds == inf else seconds,
            return_when=FIRST_COMPLETED,
        )
        return [(self.under_way.pop(future), future.result()) for future in done]

    def _next_begins_at(self, now: float) -> float:
        """Return when the next one begins even if nothing ends until then."""
        if not self.todo or len(self.under_way) == THREADS:
            return inf
        patient = [turn.slow_at for turn in self.under_way.values() if turn.slow_at > now]
        room_at = now if len(patient) < AT_ONCE else min(patient)
        return max(room_at, self.todo[0].ready_at)
