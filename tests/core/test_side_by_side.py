"""Many clouds, a few at once: a slow one holds nobody up, a full one gets another turn."""

from collections import Counter
from collections.abc import Callable, Iterator
from threading import Event, Lock

import pytest

from tests.support.fleet import START, EndingClock, FleetClock
from tests.support.interruption import interruption
from volume_images.clock import SystemClock
from volume_images.protocols import Clock
from volume_images.side_by_side import AT_ONCE, PAUSE, THREADS, each, side_by_side
from volume_images.stopwatch import RunLimits, Stopwatch

NO_LIMITS = RunLimits()
QUICK = RunLimits(patience=0.001)
MOMENT = 0.01
"""Seconds that a run has left, again and again: its clock stands still until the run is over."""


def stopwatch(limits: RunLimits = NO_LIMITS, clock: Clock | None = None) -> Stopwatch:
    return Stopwatch.begin(clock or FleetClock(), limits)


def late(item: int) -> str:
    return f"{item} late"


def tens(item: int) -> str:
    return str(item * 10)


class Crowd:
    """Counts how many are at work at the same moment."""

    def __init__(self, size: int) -> None:
        self.now = self.most = 0
        self.full = Event()
        self._size = size
        self._lock = Lock()

    def work(self, item: int) -> int:
        """Work until as many are at it as there may be."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == self._size:
                self.full.set()
        self.full.wait()
        with self._lock:
            self.now -= 1
        return item


def test_each_item_has_a_turn_and_results_come_in_their_order() -> None:
    results = side_by_side(range(50), tens, late, stopwatch())
    assert results == [str(item * 10) for item in range(50)]


def test_no_more_than_so_many_at_once() -> None:
    crowd = Crowd(AT_ONCE)
    side_by_side(range(200), crowd.work, lambda _: -1, stopwatch())
    assert crowd.most == AT_ONCE


def test_those_that_wait_have_another_turn_after_all_had_theirs() -> None:
    """Forty clouds without room: none keeps a place to itself while it waits."""
    order: list[int] = []
    turns: Counter[int] = Counter()
    lock = Lock()

    def work(item: int) -> int:
        with lock:
            order.append(item)
            turns[item] += 1
            return turns[item]

    clock = FleetClock()
    results = side_by_side(
        range(40),
        work,
        lambda _: -1,
        stopwatch(clock=clock),
        again=lambda item, turn: item if turn < 3 else None,
    )
    assert results == [3] * 40
    assert [sorted(order[turn : turn + 40]) for turn in (0, 40, 80)] == [list(range(40))] * 3
    assert (clock.now() - START).total_seconds() == 2 * PAUSE


def test_a_run_gives_no_turn_that_could_start_nothing_and_keeps_what_was_said() -> None:
    clock = FleetClock()
    watch = stopwatch(RunLimits(act=100, end=120), clock)
    results = side_by_side([7], tens, late, watch, again=lambda item, _: item)
    assert results == ["70"]
    assert (clock.now() - START).total_seconds() == 3 * PAUSE


def test_slow_ones_hold_up_nobody() -> None:
    """All places are taken by clouds that end only after the last of the others has ended."""
    others = 2 * AT_ONCE
    others_done = Event()
    done: list[int] = []

    def work(item: int) -> int:
        if item < AT_ONCE:
            others_done.wait()
        else:
            done.append(item)
            if len(done) == others:
                others_done.set()
        return item

    items = range(AT_ONCE + others)
    results = side_by_side(items, work, lambda _: -1, stopwatch(QUICK, SystemClock()))
    assert results == list(items)


@pytest.fixture
def hanging() -> Iterator[Callable[[], bool]]:
    """Return what does not come back before the test is over."""
    test_over = Event()
    yield test_over.wait
    test_over.set()


def test_however_many_hang_a_run_ends_in_time_and_says_who_had_no_turn(
    hanging: Callable[[], bool],
) -> None:
    clock = EndingClock()
    begun: list[int] = []

    def work(item: int) -> str:
        begun.append(item)
        if len(begun) == THREADS:
            clock.over.set()
        hanging()
        return "never"

    limits = RunLimits(end=MOMENT, patience=0)
    results = side_by_side(range(THREADS + 10), work, late, stopwatch(limits, clock))
    assert results == [late(item) for item in range(THREADS + 10)]
    assert sorted(begun) == list(range(THREADS))


def test_one_that_does_not_end_in_time_is_told_so_and_left(hanging: Callable[[], bool]) -> None:
    clock = EndingClock()

    def work(item: int) -> str:
        if item == 0:
            hanging()
        if item == 2:
            clock.over.set()
        return tens(item)

    watch = stopwatch(RunLimits(end=MOMENT, patience=0), clock)
    assert side_by_side(range(3), work, late, watch)[0] == late(0)


def test_what_hangs_in_a_later_turn_is_told_by_the_item_of_that_turn(
    hanging: Callable[[], bool],
) -> None:
    clock = EndingClock()

    def work(item: int) -> str:
        if item == 8:
            clock.over.set()
            hanging()
        return tens(item)

    watch = stopwatch(RunLimits(end=PAUSE + MOMENT), clock)
    results = side_by_side([7], work, late, watch, again=lambda item, _: item + 1)
    assert results == [late(8)]


class Waited(Stopwatch):
    """The stopwatch of a run without limits; it tells when the run waits for what it began."""

    waits = Event()

    def left(self) -> float | None:
        """Return no limit."""
        self.waits.set()
        return None


@pytest.fixture
def waited() -> Waited:
    Waited.waits.clear()
    return Waited(SystemClock(), QUICK, 0.0)


def test_a_run_without_limits_waits_for_the_only_one_however_long_it_takes(waited: Waited) -> None:
    """It ends only when the run has asked, in vain, how long it may wait for it."""

    def work(item: int) -> str:
        waited.waits.wait()
        return tens(item)

    assert side_by_side([7], work, late, waited) == ["70"]


def test_an_interrupted_run_starts_nothing_more_and_waits_for_what_it_began(
    waited: Waited,
) -> None:
    ended: list[str] = []

    def work(_: int) -> str:
        waited.waits.wait()
        interrupt()
        waited.stopped.wait()
        ended.append("whole" if not waited.may_act() else "in the midst")
        return ""

    with interruption() as interrupt, pytest.raises(KeyboardInterrupt):
        side_by_side([1], work, late, waited)
    assert ended == ["whole"]


def test_an_error_that_nobody_expects_is_raised_after_the_others_were_stopped() -> None:
    watch = stopwatch(clock=SystemClock())
    ended: list[int] = []

    def work(item: int) -> str:
        if item == 0:
            raise ZeroDivisionError
        watch.stopped.wait()
        ended.append(item)
        return tens(item)

    with pytest.raises(ZeroDivisionError):
        side_by_side(range(3), work, late, watch)
    assert sorted(ended) == [1, 2]


def test_a_part_of_a_run_ends_before_the_run_does_and_never_after_it() -> None:
    clock = FleetClock()
    watch = stopwatch(RunLimits(act=80, end=100), clock)
    assert watch.part(30).left() == 30
    clock.sleep(90)
    assert watch.part(30).left() == 10
    assert stopwatch(clock=clock).part(30).left() == 30


def test_a_part_that_is_stopped_stops_the_run() -> None:
    watch = stopwatch()
    watch.part(30).stop()
    assert (watch.may_act(), watch.has(1)) == (False, False)


def test_calls_come_back_in_order_and_never_more_than_so_many_are_made_at_once() -> None:
    crowd = Crowd(3)
    assert each(range(30), crowd.work, 3) == list(range(30))
    assert crowd.most == 3


def test_an_item_is_taken_only_when_there_is_room_for_it() -> None:
    """What makes the items may be long: nothing of it is held ahead."""
    taken: list[int] = []
    ahead: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            taken.append(item)
            yield item

    def work(item: int) -> int:
        ahead.append(len(taken) - item)
        return item

    each(items(), work, 1)
    assert max(ahead) <= 2


def test_after_an_error_no_further_item_is_taken() -> None:
    taken: list[int] = []

    def work(item: int) -> None:
        taken.append(item)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each(range(20), work, 1)
    assert len(taken) <= 2


def test_no_items_are_no_calls() -> None:
    assert each([], tens, 16) == []
