"""One gate holds the pace of a cloud, over all threads."""

import threading

import pytest

from tests.cloud.scripted import StillClock
from volume_images.cloud.pacing import Gate
from volume_images.errors import Throttled


def gate(clock: StillClock, rate: float = 10, at_once: int = 4) -> Gate:
    return Gate(clock, requests_per_second=rate, at_once=at_once)


def test_requests_begin_no_faster_than_the_rate() -> None:
    clock = StillClock()
    paced = gate(clock, rate=10)
    for _ in range(20):
        with paced:
            pass
    assert clock.monotonic() == pytest.approx(19 / 9.5)


def test_a_refusal_holds_back_the_next_request() -> None:
    clock = StillClock()
    paced = gate(clock, rate=1000)
    assert paced.refused(7) == pytest.approx(7)
    with paced:
        assert clock.monotonic() == pytest.approx(7)


def test_a_cloud_that_does_not_say_how_long_gets_longer_pauses_each_time() -> None:
    paced = gate(StillClock())
    first = paced.refused(None)
    with paced:
        pass
    assert paced.refused(None) > first
    with paced:
        paced.accepted()
    assert paced.refused(None) <= 1.5 * 0.25


def test_a_long_pause_is_an_error_at_once_and_frees_the_place() -> None:
    clock = StillClock()
    paced = gate(clock, at_once=1)
    paced.refused(3600)
    for _ in range(2):
        with pytest.raises(Throttled) as caught, paced:
            pass
        assert caught.value.retry_after == pytest.approx(3600)
    assert clock.slept == []
    clock.sleep(3600)
    with paced:
        pass


def test_a_pause_reaches_who_waits_already() -> None:
    """The first to wait sleeps; it hears of the pause when it wakes up, and the others with it."""

    class Interrupted(StillClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.slept) == 1:
                paced.refused(5)

    clock = Interrupted()
    paced = gate(clock)
    for _ in range(2):
        with paced:
            pass
    assert clock.monotonic() == pytest.approx(1 / 9.5 + 5)


def test_no_more_than_so_many_are_inside_at_once() -> None:
    paced = gate(StillClock(), rate=1e6, at_once=2)
    inside = 0
    most = 0
    lock = threading.Lock()
    full = threading.Barrier(2)

    def visit() -> None:
        nonlocal inside, most
        with paced:
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(timeout=5)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
