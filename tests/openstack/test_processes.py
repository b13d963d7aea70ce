"""The services' processes are stopped exactly: all of them, and nothing else."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openstack.machine import NotPossible
from tests.openstack.places import Places
from tests.openstack.processes import Service, is_recorded, start, stop_all, wait_for


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    places = Places(tmp_path)
    for folder in (places.etc, places.logs, places.records):
        folder.mkdir(parents=True)
    yield places
    stop_all(places)


def service(script: str, *, ready: bool = True) -> Service:
    return Service("sleeper", ("sh", "-c", script), lambda: ready, {"PATH": os.environ["PATH"]})


def test_a_service_is_stopped_with_its_children(places: Places) -> None:
    with_child = service("sleep 600 & echo started; wait")
    start(with_child, places)
    log = places.logs / "sleeper.out"
    wait_for(
        Service("sleeper", (), lambda: "started" in log.read_text(), with_child.environment), places
    )
    assert is_recorded(places)
    assert stop_all(places) == 2
    assert not is_recorded(places)
    assert stop_all(places) == 0


def test_a_service_that_runs_is_not_started_again(places: Places) -> None:
    start(service("exec sleep 600"), places)
    start(service("exec sleep 600"), places)
    assert stop_all(places) == 1


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
