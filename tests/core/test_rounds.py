"""Many clouds, a few at once: a slow one holds nobody up, a full one is looked at again."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event, Lock

import pytest

from tests.fleet import FleetClock
from volume_images.clock import SystemClock
from volume_images.export.rounds import CLOUDS_AT_ONCE, STAY, in_rounds
from volume_images.protocols import Clock, RunLimits
from volume_images.stopwatch import Stopwatch


@dataclass(frozen=True)
class Look:
    """What a look came to."""

    item: int
    waits: bool = False
    late: bool = False


def late(item: int, before: Look | None) -> Look:
    return replace(before or Look(item), waits=False, late=True)


NO_LIMITS = RunLimits()


def stopwatch(limits: RunLimits = NO_LIMITS, clock: Clock | None = None) -> Stopwatch:
    clock = clock or FleetClock()
    return Stopwatch(clock, limits, clock.monotonic())


def test_every_item_is_looked_at_once_where_none_waits() -> None:
    looks = in_rounds(range(50), lambda item, _: Look(item), late, stopwatch())
    assert sorted(one.item for one in looks) == list(range(50))


def test_no_more_than_so_many_at_once() -> None:
    now, most, lock = [0], [0], Lock()

    def look(item: int, _: Look | None) -> Look:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        with lock:
            now[0] -= 1
        return Look(item)

    in_rounds(range(200), look, late, stopwatch())
    assert 0 < most[0] <= CLOUDS_AT_ONCE


def test_those_that_wait_are_looked_at_again_after_all_had_their_turn() -> None:
    """Forty clouds without room: none keeps a place to itself while it waits."""
    order: list[int] = []
    times: Counter[int] = Counter()
    lock = Lock()

    def look(item: int, before: Look | None) -> Look:
        with lock:
            order.append(item)
            times[item] += 1
            assert (before is None) is (times[item] == 1)
        return Look(item, waits=times[item] < 3)

    clock = FleetClock()
    begun = clock.now()
    looks = in_rounds(range(40), look, late, stopwatch(clock=clock))
    assert len(looks) == 40
    assert [sorted(order[turn : turn + 40]) for turn in (0, 40, 80)] == [list(range(40))] * 3
    assert (clock.now() - begun).total_seconds() == 2 * STAY


def test_a_run_leaves_before_its_time_is_over_whoever_still_waits() -> None:
    clock = FleetClock()
    begun = clock.now()
    watch = stopwatch(RunLimits(act=100, end=120), clock)
    (look,) = in_rounds([1], lambda item, _: Look(item, waits=True), late, watch)
    assert (look.waits, look.late) == (True, False)
    assert (clock.now() - begun).total_seconds() == 3 * STAY


def test_slow_ones_hold_up_nobody() -> None:
    """All places are taken by clouds that end only after the last of the others has ended."""
    others_done = Event()
    done: list[int] = []

    def look(item: int, _: Look | None) -> Look:
        if item < CLOUDS_AT_ONCE:
            others_done.wait()
        else:
            done.append(item)
            if len(done) == CLOUDS_AT_ONCE:
                others_done.set()
        return Look(item)

    looks = in_rounds(
        range(2 * CLOUDS_AT_ONCE), look, late, stopwatch(clock=SystemClock()), patience=0.01
    )
    assert sorted(one.item for one in looks) == list(range(2 * CLOUDS_AT_ONCE))
    assert not any(one.late for one in looks)


@pytest.mark.parametrize("slow_look", [1, 2])
def test_a_run_waits_for_the_only_one_it_has_however_long_it_takes(slow_look: int) -> None:
    """The look ends when the run asks how long it may wait for those that take long."""
    released = Event()

    class Releasing(Stopwatch):
        def left(self) -> float | None:
            released.set()
            return None

    looks = 0

    def look(item: int, _: Look | None) -> Look:
        nonlocal looks
        looks += 1
        if looks == slow_look:
            released.wait()
        return Look(item, waits=looks < slow_look)

    clock = SwiftSystemClock()
    watch = Releasing(clock, NO_LIMITS, clock.monotonic())
    try:
        (one,) = in_rounds([7], look, late, watch, patience=0.01)
    finally:
        released.set()
    assert one == Look(7)


def test_one_that_does_not_end_in_time_is_told_so_and_left() -> None:
    over = Event()

    def look(item: int, _: Look | None) -> Look:
        if item == 0:
            over.wait()
        return Look(item)

    watch = stopwatch(RunLimits(act=0.01, end=0.02), SystemClock())
    looks = in_rounds(range(3), look, late, watch, patience=0.01)
    over.set()
    assert sorted((one.item, one.late) for one in looks) == [(0, True), (1, False), (2, False)]


def test_what_is_late_in_a_later_look_keeps_what_it_said_before() -> None:
    over = Event()

    def look(item: int, before: Look | None) -> Look:
        if before is not None:
            over.wait()
        return Look(item, waits=before is None)

    clock = SwiftSystemClock()
    watch = stopwatch(RunLimits(act=STAY + 0.5, end=STAY + 0.6), clock)
    (one,) = in_rounds([7], look, late, watch, patience=0.01)
    over.set()
    assert one == Look(7, late=True)


@dataclass
class SwiftSystemClock:
    """The system's clock, which waiting moves instead of passing the time."""

    ahead: float = 0.0

    def now(self) -> datetime:
        """Return the system's time."""
        return SystemClock().now()

    def monotonic(self) -> float:
        """Return the system's seconds, and those that were waited."""
        return SystemClock().monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Let them pass at once."""
        self.ahead += seconds
