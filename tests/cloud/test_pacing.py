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
    for _ in range(21):
        with paced:
            pass
    assert clock.monotonic() == pytest.approx(2.0)


def test_a_pause_holds_back_the_next_request() -> None:
    clock = StillClock()
    paced = gate(clock, rate=1000)
    paced.pause(7)
    with paced:
        assert clock.monotonic() == pytest.approx(7)


def test_a_cloud_that_does_not_say_how_long_gets_two_seconds() -> None:
    clock = StillClock()
    paced = gate(clock)
    paced.pause(None)
    with paced:
        assert clock.monotonic() == pytest.approx(2)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = StillClock()
    paced = gate(clock)
    paced.pause(9)
    paced.pause(1)
    with paced:
        assert clock.monotonic() == pytest.approx(9)


def test_a_long_pause_is_an_error_at_once_and_frees_the_place() -> None:
    clock = StillClock()
    paced = gate(clock, at_once=1)
    paced.pause(3600)
    for _ in range(2):
        with pytest.raises(Throttled) as caught, paced:
            pass
        assert caught.value.retry_after == pytest.approx(3600)
    assert clock.slept == []
    clock.sleep(3600)
    with paced:
        pass


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
