"""Services as processes: started apart from us, written down, and stopped exactly."""

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.openstack.machine import NotPossible, last_lines
from tests.openstack.places import Places

MARK = "TESTS_OPENSTACK_SERVICE"
"""An environment variable that a service's own children inherit: by it they are known as ours."""

ENDED = 0
GONE = {"X", "Z"}
STOPPED = {"T", *GONE}
"""States of processes as /proc spells them."""

TICK = 0.1
PATIENCE = 90.0
TIME_TO_STOP = 8.0
TIME_TO_OBEY = 60.0
"""For signals that no process can ignore: a busy machine takes its time all the same."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this machine. A PID is used again: the start time tells it apart."""

    pid: int
    started_at: int

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return self.started_at == _started_at(self.pid) != ENDED


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is started with; it answers when `ready` says so."""

    name: str
    command: Sequence[str | Path]
    ready: Callable[[], bool]
    environment: Mapping[str, str]


def start(service: Service, places: Places) -> None:
    """Start a service that does not run yet, as the leader of a session of its own."""
    record = _record(service.name, places)
    known = _read(record)
    if known and known.process.alive:
        _let_go_on(_marked([known]))  # whoever froze it may have been cut off
        return
    mark = secrets.token_hex(16)
    log, after_the_last = str(places.log(service.name)), os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # Not by `subprocess`, which minds its children: these outlive us.
    pid = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", 'cd "$0" && exec "$@"', str(places.etc), *map(str, service.command)],
        {**service.environment, MARK: mark},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, after_the_last, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    written = {"pid": pid, "started_at": _started_at(pid), "mark": mark}
    record.write_text(json.dumps(written))


def wait_for(service: Service, places: Places) -> None:
    """Wait until a service answers. Raises NotPossible when it ends, or takes too long."""
    known = _read(_record(service.name, places))
    until = time.monotonic() + PATIENCE
    while not service.ready():
        log = places.log(service.name)
        if known is None or not known.process.alive:
            raise NotPossible(f"{service.name} has ended:\n{last_lines(log)}")
        if time.monotonic() > until:
            raise NotPossible(
                f"{service.name} does not answer after {PATIENCE:.0f} s:\n{last_lines(log)}"
            )
        time.sleep(TICK)


def running(places: Places) -> dict[str, bool]:
    """Return what was started by name, and whether it still runs."""
    records = {path.stem: _read(path) for path in sorted(places.records.glob("*.json"))}
    return {name: bool(record and record.process.alive) for name, record in records.items()}


def is_recorded(places: Places) -> bool:
    """Whether anything that was started still runs."""
    return any(running(places).values())


def stop_all(places: Places) -> int:
    """Stop what was started, with all children, and nothing else; return how many processes."""
    records = [(path, _read(path)) for path in places.records.glob("*.json")]
    known = [record for _, record in records if record is not None]
    found = _marked(known)
    for process in found:
        _signal(process, signal.SIGTERM)
    _let_go_on(found)  # what is frozen does not hear
    _await_end(found, TIME_TO_STOP)
    killed = _marked(known)  # also what a service still started while it ended
    _kill(killed)
    for process in {*found, *killed}:
        _reap(process)
    for path, _ in records:
        path.unlink()
    return len(found)


def kill(name: str, places: Places) -> int:
    """Kill a service and its children as a power cut would; return how many processes."""
    record = _read(_record(name, places))
    if record is None:
        return 0
    killed: set[Process] = set()
    while found := _marked([record]):
        _kill(found)
        killed |= {*found}
    for process in killed:
        _reap(process)
    return len(killed)


def kill_workers(name: str, places: Places) -> int:
    """Kill a service's children, which it replaces; return how many processes."""
    record = _read(_record(name, places))
    if record is None:
        return 0
    workers = [process for process in _marked([record]) if process != record.process]
    _kill(workers)
    return len(workers)


@contextmanager
def frozen(name: str, places: Places) -> Iterator[None]:
    """Stop a service and its children in their tracks, and let them go on in the end."""
    record = _read(_record(name, places))
    held = _marked([record]) if record else []
    if not held:
        raise NotPossible(f"{name} does not run")
    try:
        for process in held:
            _signal(process, signal.SIGSTOP)
        if not _await(lambda: all(_stands(process) for process in held), TIME_TO_OBEY):
            raise NotPossible(f"{name} does not stand still after {TIME_TO_OBEY:.0f} s")
        yield
    finally:
        _let_go_on(held)


@dataclass(frozen=True, slots=True)
class _Record:
    process: Process
    mark: str


def _record(name: str, places: Places) -> Path:
    return places.records / f"{name}.json"


def _read(path: Path) -> _Record | None:
    try:
        written = json.loads(path.read_text())
        return _Record(Process(written["pid"], written["started_at"]), written["mark"])
    except (OSError, ValueError, KeyError):
        return None


def _marked(records: Sequence[_Record]) -> list[Process]:
    """Find every process that carries the mark of one of these.

    Between two programs, for a moment, a process carries nothing: leaders are known all the same.
    """
    wanted = {f"{MARK}={record.mark}".encode() for record in records}
    leaders = {record.process for record in records}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        process = Process(pid, _started_at(pid))
        try:
            carried = set((folder / "environ").read_bytes().split(b"\0"))
        except OSError:
            continue  # it has just ended
        if process.started_at != ENDED and (carried & wanted or process in leaders):
            found.append(process)
    return found


def _kill(processes: Sequence[Process]) -> None:
    for process in processes:
        _signal(process, signal.SIGKILL)
    if not _await_end(processes, TIME_TO_OBEY):
        raise NotPossible(f"{processes} live on, {TIME_TO_OBEY:.0f} s after they were killed")


def _let_go_on(processes: Sequence[Process]) -> None:
    for process in processes:
        _signal(process, signal.SIGCONT)


def _stands(process: Process) -> bool:
    return _stat(process.pid)[0] in STOPPED


def _await_end(processes: Sequence[Process], seconds: float) -> bool:
    return _await(lambda: not any(process.alive for process in processes), seconds)


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; return whether it does."""
    until = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < until:
        time.sleep(TICK)
    return holds


def _reap(process: Process) -> None:
    """Take leave of a child of ours that has ended; without it, a zombie stays until we end."""
    with suppress(ChildProcessError):  # whoever started it, it was not this process
        os.waitpid(process.pid, os.WNOHANG)


def _signal(process: Process, number: signal.Signals) -> None:
    if process.alive:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return  # it ended by itself


def _started_at(pid: int) -> int:
    """Return when a process started, in clock ticks since boot."""
    state, *fields = _stat(pid)
    return ENDED if state in GONE else int(fields[18])


def _stat(pid: int) -> list[str]:
    """Return what /proc tells of a process, from its state on."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ["X"]
    return stat.rpartition(")")[2].split()  # a command's name may hold anything
