"""The installed command, as a process: what scripts and pipes get."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.demo.history import expired, plant_history
from tests.sandbox.seeds import FIRST_VOLUMES
from tests.sandbox.stack import SandboxStack
from volume_images.model import Dialect

COMMAND = Path(sys.executable).with_name("volume-images")
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
CHECKOUT = Path(__file__).parents[2]

MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COV")}
"""What a process needs for its coverage to be measured."""


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=CHECKOUT,
        env={**MEASURED, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_version_is_printed() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, "volume-images 0.1.0\n")


def test_the_sandboxes_environment_and_nothing_else_is_enough(stack: SandboxStack) -> None:
    done = run("invoke", "export_volumes", "--event", "events/scheduled-tick.json", env=stack.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 started" in done.stdout


def test_the_log_goes_to_standard_error_and_only_when_asked_for(stack: SandboxStack) -> None:
    done = run("export", "--json", "--verbose", env=stack.env)
    assert json.loads(done.stdout)["counts"]["started"] == 3
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["message"] for line in lines] == ["export.started"] * 3 + ["run.finished"]


def test_a_reader_that_leaves_is_no_traceback() -> None:
    command = subprocess.Popen(
        [COMMAND, "config", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    command.stdout.close()
    _, err = command.communicate(timeout=30)
    assert (command.returncode, err) == (1, "")


def into_a_full_disk(**env: str) -> str:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, "--version"],
            env={**MEASURED, **env},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    return done.stderr


def test_an_unexpected_error_is_one_line_that_says_how_to_see_more() -> None:
    line = (
        "volume-images: unexpected OSError: [Errno 28] No space left on device:"
        " set LOG_LEVEL=DEBUG to see where\n"
    )
    assert into_a_full_disk() == line
    debugged = into_a_full_disk(LOG_LEVEL="DEBUG")
    assert "Traceback" in debugged
    assert debugged.endswith(line)


def at_a_terminal(*arguments: str, env: dict[str, str]) -> str:
    """Run a command whose standard error is a terminal; return what that shows."""
    terminal, end = pty.openpty()
    command = subprocess.Popen(
        [COMMAND, *arguments],
        env={**MEASURED, **env, "TERM": "xterm", "COLUMNS": "80"},
        stdout=subprocess.DEVNULL,
        stderr=end,
    )
    os.close(end)
    shown = b""
    with suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as screen:
        while part := screen.read(4096):
            shown += part
    assert command.wait(timeout=30) == 0
    return shown.decode()


def test_a_person_at_a_terminal_sees_how_far_it_is(stack: SandboxStack) -> None:
    assert "3 exports started" in at_a_terminal("export", env=stack.env)
    doomed = expired(plant_history(stack.cloud.world, SLOT - timedelta(days=1)))
    now = [text for volume_id, _, _ in FIRST_VOLUMES for text in ("--now", volume_id)]
    assert f" {len(doomed)} images deleted" in at_a_terminal("cleanup", *now, env=stack.env)


def test_an_interrupted_run_says_what_becomes_of_its_work() -> None:
    with SandboxStack(dialect=Dialect.HUAWEI, latency_ms=500) as stack:
        command = subprocess.Popen(
            [COMMAND, "export"],
            env={**MEASURED, **stack.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not stack.cloud.requests:
            assert command.poll() is None
            time.sleep(0.01)
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=30)
    assert (command.returncode, out) == (130, "")
    assert err == (
        "volume-images: stopped: what was started goes on in the cloud, and the next run finds it\n"
    )
