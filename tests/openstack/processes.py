"""Services as processes: started apart from us, written down, and stopped exactly."""

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.openstack.machine import NotPossible, last_lines
from tests.openstack.places import Places

MARK = "TESTS_OPENSTACK_SERVICE"
"""An environment variable that a service's own children inherit: by it they are known as ours."""

ENDED = 0
TICK = 0.1
PATIENCE = 90.0
TIME_TO_STOP = 8.0


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
        return
    mark = secrets.token_hex(16)
    log, anew = str(_log(service.name, places)), os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    # Not by `subprocess`, which minds its children: these outlive us.
    pid = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", 'cd "$0" && exec "$@"', str(places.etc), *map(str, service.command)],
        {**service.environment, MARK: mark},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, anew, 0o644),
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
        log = _log(service.name, places)
        if known is None or not known.process.alive:
            raise NotPossible(f"{service.name} has ended:\n{last_lines(log)}")
        if time.monotonic() > until:
            raise NotPossible(
                f"{service.name} does not answer after {PATIENCE:.0f} s:\n{last_lines(log)}"
            )
        time.sleep(TICK)


def is_recorded(places: Places) -> bool:
    """Whether anything that was started still runs."""
    records = [_read(path) for path in places.records.glob("*.json")]
    return any(record is not None and record.process.alive for record in records)


def stop_all(places: Places) -> int:
    """Stop what was started, with all children, and nothing else; return how many processes."""
    records = [(path, _read(path)) for path in places.records.glob("*.json")]
    marks = {record.mark for _, record in records if record is not None}
    found = _marked(marks)
    for process in found:
        _signal(process, signal.SIGTERM)
    until = time.monotonic() + TIME_TO_STOP
    while any(process.alive for process in found) and time.monotonic() < until:
        time.sleep(TICK)
    for process in _marked(marks):  # also what a service still started while it ended
        _signal(process, signal.SIGKILL)
    for path, _ in records:
        path.unlink()
    return len(found)


@dataclass(frozen=True, slots=True)
class _Record:
    process: Process
    mark: str


def _record(name: str, places: Places) -> Path:
    return places.records / f"{name}.json"


def _log(name: str, places: Places) -> Path:
    return places.logs / f"{name}.out"


def _read(path: Path) -> _Record | None:
    try:
        written = json.loads(path.read_text())
        return _Record(Process(written["pid"], written["started_at"]), written["mark"])
    except (OSError, ValueError, KeyError):
        return None


def _marked(marks: set[str]) -> list[Process]:
    """Find every process that carries one of the marks."""
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        started_at = _started_at(pid)
        try:
            carried = set((folder / "environ").read_bytes().split(b"\0"))
        except OSError:
            continue  # it has just ended
        if started_at != ENDED and carried & wanted:
            found.append(Process(pid, started_at))
    return found


def _signal(process: Process, number: signal.Signals) -> None:
    if process.alive:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return  # it ended by itself


def _started_at(pid: int) -> int:
    """Return when a process started, in clock ticks since boot."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ENDED
    state, *fields = stat.rpartition(")")[2].split()  # a command's name may hold anything
    return ENDED if state in {"Z", "X"} else int(fields[18])
