"""The services' processes are stopped exactly: all of them, and nothing else."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.openstack.machine import NotPossible
from tests.openstack.places import Places
from tests.openstack.processes import (
    Service,
    frozen,
    is_recorded,
    kill,
    kill_workers,
    start,
    stop_all,
    wait_for,
)


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    places = Places(tmp_path)
    for folder in (places.etc, places.logs, places.records):
        folder.mkdir(parents=True)
    yield places
    stop_all(places)


def service(script: str, *, ready: bool = True) -> Service:
    return Service("sleeper", ("sh", "-c", script), lambda: ready, {"PATH": os.environ["PATH"]})


def start_with_child(places: Places) -> None:
    """Start a service, and wait until it has a child."""
    start_and_hear(places, "sleep 600 & echo started; wait; exec sleep 600")


def start_and_hear(places: Places, script: str) -> None:
    """Start a service, and wait until it says that it has started."""
    started = service(script)
    start(started, places)
    log = places.log("sleeper")
    wait_for(replace(started, ready=lambda: "started" in log.read_text()), places)


def pid_of_leader(places: Places) -> int:
    return int(json.loads((places.records / "sleeper.json").read_text())["pid"])


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_service_is_stopped_with_its_children(places: Places) -> None:
    start_with_child(places)
    assert is_recorded(places)
    assert stop_all(places) == 2
    assert not is_recorded(places)
    assert stop_all(places) == 0


def test_a_service_that_runs_is_not_started_again(places: Places) -> None:
    start(service("exec sleep 600"), places)
    start(service("exec sleep 600"), places)
    assert stop_all(places) == 1


def test_a_killed_service_is_gone_with_its_children_and_can_be_started_again(
    places: Places,
) -> None:
    start_with_child(places)
    assert kill("sleeper", places) == 2
    assert not is_recorded(places)
    assert kill("sleeper", places) == 0
    start(service("exec sleep 600"), places)
    assert is_recorded(places)


def test_killed_workers_leave_their_leader(places: Places) -> None:
    start_with_child(places)
    assert kill_workers("sleeper", places) == 1
    assert is_recorded(places)
    assert stop_all(places) == 1


def test_a_frozen_service_goes_on_afterwards(places: Places) -> None:
    start(service("exec sleep 600"), places)
    pid = pid_of_leader(places)
    with frozen("sleeper", places):
        assert state_of(pid) == "T"
    assert state_of(pid) != "T"


def test_nothing_is_frozen_that_does_not_run(places: Places) -> None:
    with pytest.raises(NotPossible, match="sleeper does not run"), frozen("sleeper", places):
        pass


def test_what_was_left_frozen_goes_on_when_it_is_started_again(places: Places) -> None:
    start(service("exec sleep 600"), places)
    pid = pid_of_leader(places)
    with frozen("sleeper", places):
        start(service("exec sleep 600"), places)
        assert state_of(pid) != "T"


def test_what_was_left_frozen_hears_the_polite_signal(places: Places) -> None:
    heard = places.folder / "heard"
    start_and_hear(places, f"trap 'touch {heard}; exit' TERM; sleep 600 & echo started; wait")
    with frozen("sleeper", places):
        assert stop_all(places) == 2
    assert heard.exists()


def test_what_was_stopped_leaves_no_zombie(places: Places) -> None:
    start(service("exec sleep 600"), places)
    pid = pid_of_leader(places)
    stop_all(places)
    assert not Path(f"/proc/{pid}").exists()


def test_what_ignores_the_polite_signal_is_stopped_all_the_same(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.openstack.processes.TIME_TO_STOP", 0.1)
    start(service("trap '' TERM; exec sleep 600"), places)
    assert stop_all(places) == 1
    assert not is_recorded(places)


def test_a_process_that_nobody_started_here_is_left_alone(places: Places) -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        record = f'{{"pid": {stranger.pid}, "started_at": 1, "mark": "of another boot"}}'
        (places.records / "sleeper.json").write_text(record)
        assert not is_recorded(places)
        assert stop_all(places) == 0
        assert stranger.poll() is None
        stranger.kill()


def test_a_service_that_ends_is_told_with_the_end_of_its_log(places: Places) -> None:
    failing = service("echo no such table; exit 3", ready=False)
    start(failing, places)
    with pytest.raises(NotPossible, match=r"sleeper has ended:\n.*no such table"):
        wait_for(failing, places)
