"""Runs in processes of their own, to be killed at one of their calls."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum

from tests.sandbox.stack import SandboxStack
from tests.sandbox.wire import HangUp, Request
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.connections import Connections
from volume_images.export.run import export_run
from volume_images.model import RequestedExport, Requests, Tick, Trigger
from volume_images.protocols import World
from volume_images.report import Function
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

Victim = Callable[[Mapping[str, str]], None]


class Side(StrEnum):
    """When a process dies: before a call is worked on, or before it is answered."""

    BEFORE = "before"
    AFTER = "after"


# A process forked from one that has all libraries loaded begins at once, as a warm function does.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


class Killer:
    """Kills a process before or after its Nth call, whichever server that goes to.

    What the process sent meanwhile from other threads is worked on no more.
    """

    def __init__(self, nth: int, side: Side) -> None:
        self.calls = 0
        self._nth = nth
        self._side = side
        self._process_id: int | None = None
        self._dead = False
        self._known = threading.Event()
        self._lock = threading.Lock()
        self._fatal: Request | None = None

    def aim_at(self, process_id: int) -> None:
        """Say whom to kill."""
        self._process_id = process_id
        self._known.set()

    def before(self, request: Request) -> None:
        with self._lock:
            if self._dead:
                raise HangUp
            self.calls += 1
            if self.calls != self._nth:
                return
            self._fatal = request
            if self._side is Side.BEFORE:
                self._kill()

    def after(self, request: Request) -> None:
        with self._lock:
            if request is self._fatal and self._side is Side.AFTER:
                self._kill()

    def _kill(self) -> None:
        self._known.wait()
        assert self._process_id is not None
        os.kill(self._process_id, signal.SIGKILL)
        self._dead = True
        raise HangUp


def killed_at(stack: SandboxStack, victim: Victim, nth: int, side: Side) -> bool:
    """Run in another process and kill it at a call; False when it ended before that call."""
    killer = Killer(nth, side)
    stack.cloud.hook = stack.aws.hook = killer
    process = _PROCESSES.Process(target=victim, args=(stack.env,))
    process.start()
    assert process.pid is not None
    killer.aim_at(process.pid)
    process.join()
    stack.cloud.hook = stack.aws.hook = None
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def tick(env: Mapping[str, str]) -> None:
    """Run the export at the present moment."""
    _export(env, Tick())


def request_of(volume_id: str) -> Victim:
    """Make a victim that exports one volume on request."""
    return _RequestOf(volume_id)


class _RequestOf:
    """A closure that another process can be given."""

    def __init__(self, volume_id: str) -> None:
        self._volume_id = volume_id

    def __call__(self, env: Mapping[str, str]) -> None:
        _export(env, Requests(requests=(RequestedExport(volume_ids=(self._volume_id,)),)))


def cleanup(env: Mapping[str, str]) -> None:
    """Run cleanup."""
    cleanup_run(_world(env, Function.CLEANUP), Tick(), limits=RunLimits())


def _export(env: Mapping[str, str], trigger: Trigger) -> None:
    export_run(_world(env, Function.EXPORT), trigger, limits=RunLimits(act=480, end=520))


def _world(env: Mapping[str, str], function: Function) -> World:
    os.environ.update(env)
    return connect(Settings.parse(os.environ), function, Connections())
