"""Ctrl-C, as it reaches a thread that waits: surely, and once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGINT, pthread_kill, signal
from threading import Event, get_ident

MOMENT = 0.01


@contextmanager
def interruption() -> Iterator[Callable[[], None]]:
    """Give what interrupts this thread from another one.

    A signal that comes in the moment before a thread blocks is noticed only when the thread wakes
    (signal(7)): it is sent until it is noticed.
    """
    interrupted, noticed = get_ident(), Event()

    def notice(*_: object) -> None:
        if not noticed.is_set():
            noticed.set()
            raise KeyboardInterrupt

    def interrupt() -> None:
        while not noticed.is_set():
            pthread_kill(interrupted, SIGINT)
            noticed.wait(MOMENT)

    before = signal(SIGINT, notice)
    try:
        yield interrupt
    finally:
        signal(SIGINT, before)
