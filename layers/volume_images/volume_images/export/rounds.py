"""Serving many clouds at once, round by round: none waits for another that is slow or full."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from volume_images.stopwatch import Stopwatch

CLOUDS_AT_ONCE = 16

THREADS = 64
"""Clouds that take long do not count among those at once, up to so many in all."""

PATIENCE = 30.0
"""Seconds that one look at a cloud may take until another cloud begins beside it."""

STAY = 30.0
"""Seconds between two looks of a run that waits for room."""


class Waits(Protocol):
    """Whatever became of one look: perhaps slots still wait for room."""

    @property
    def waits(self) -> bool:
        """Whether another look, a little later, may start more."""
        ...


Item = TypeVar("Item")
Look = TypeVar("Look", bound=Waits)


@dataclass(frozen=True, slots=True)
class _Turn(Generic[Item, Look]):
    """An item whose turn it is, and what the look before came to."""

    item: Item
    before: Look | None = None


def in_rounds(
    items: Iterable[Item],
    look: Callable[[Item, Look | None], Look],
    late: Callable[[Item, Look | None], Look],
    stopwatch: Stopwatch,
    patience: float = PATIENCE,
) -> list[Look]:
    """Look at each item once, then again at those that wait, until none does or time is up.

    Both calls are given what the look before came to; an item whose look has not ended when the
    run must comes to what `late` says.
    """
    crew: _Crew[Item, Look] = _Crew(look, stopwatch, patience)
    try:
        turns = crew.looked([_Turn(item) for item in items]) or crew.ended_late(stopwatch.left())
        done: list[Look] = []
        while turns:
            stays = stopwatch.has(STAY)
            waiting = []
            for turn in turns:
                assert turn.before is not None
                if turn.before.waits and stays:
                    waiting.append(turn)
                else:
                    done.append(turn.before)
            if waiting:
                stopwatch.clock.sleep(STAY)
                turns = [*crew.looked(waiting), *crew.ended_late(0)]
            else:
                turns = []
            turns = turns or crew.ended_late(stopwatch.left())
        return [*done, *(late(turn.item, turn.before) for turn in crew.late.values())]
    finally:
        crew.leave()


class _Crew(Generic[Item, Look]):
    """The threads of a run; `late` are the looks that take long, and whose turn each is."""

    def __init__(
        self, look: Callable[[Item, Look | None], Look], stopwatch: Stopwatch, patience: float
    ) -> None:
        self._look = look
        self._clock = stopwatch.clock
        self._patience = patience
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="cloud")
        self.late: dict[Future[Look], _Turn[Item, Look]] = {}

    def looked(self, turns: Iterable[_Turn[Item, Look]]) -> list[_Turn[Item, Look]]:
        """Give each its turn, so many at once; return those that end before patience does."""
        todo = deque(turns)
        begun: dict[Future[Look], tuple[_Turn[Item, Look], float]] = {}
        over: list[_Turn[Item, Look]] = []
        while todo or begun:
            while todo and len(begun) < CLOUDS_AT_ONCE:
                turn = todo.popleft()
                future = self._pool.submit(self._look, turn.item, turn.before)
                begun[future] = (turn, self._clock.monotonic())
            ended, _ = wait(begun, timeout=self._patience, return_when=FIRST_COMPLETED)
            over += [_Turn(begun.pop(future)[0].item, future.result()) for future in ended]
            self._set_aside(begun)
        return over

    def ended_late(self, seconds: float | None) -> list[_Turn[Item, Look]]:
        """Return the late ones that have ended, or of which one does within so many seconds."""
        if not self.late:
            return []
        ended, _ = wait(self.late, timeout=seconds, return_when=FIRST_COMPLETED)
        return [_Turn(self.late.pop(future).item, future.result()) for future in ended]

    def leave(self) -> None:
        """Let go of the threads; only those that are late are not waited for."""
        self._pool.shutdown(wait=not self.late, cancel_futures=True)

    def _set_aside(self, begun: dict[Future[Look], tuple[_Turn[Item, Look], float]]) -> None:
        now = self._clock.monotonic()
        for future, (turn, since) in list(begun.items()):
            if now - since >= self._patience and len(self.late) < THREADS - CLOUDS_AT_ONCE:
                self.late[future] = turn
                del begun[future]
