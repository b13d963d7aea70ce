"""The installed command, as a process: what scripts, pipes and terminals get."""

import io
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

import pytest

from tests.cli.conftest import Cli
from tests.demo.history import expired, plant_history
from tests.sandbox.seeds import FIRST_VOLUMES
from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("volume-images")
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)

MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COV")}
"""What a process needs for its coverage to be measured."""


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        env={**MEASURED, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_sandboxes_environment_is_enough_and_the_log_goes_to_standard_error(
    stack: SandboxStack,
) -> None:
    done = run("export", "--json", "--verbose", env=stack.env)
    assert done.returncode == 0
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


NO_SPACE = (
    "volume-images: unexpected OSError: [Errno 28] No space left on device:"
    " set LOG_LEVEL=DEBUG to see where\n"
)


def test_an_unexpected_error_is_one_line_that_says_how_to_see_more(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with suppress(OSError), Path("/dev/full").open("w") as full:  # closing it fails, too
        monkeypatch.setattr(sys, "stdout", full)
        ran = cli("--version")
    assert (ran.code, ran.err) == (1, NO_SPACE)


def test_at_debug_level_an_unexpected_error_shows_where_it_came_from() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, "--version"],
            env={**MEASURED, "LOG_LEVEL": "DEBUG"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.endswith(NO_SPACE)


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


def test_a_person_at_a_terminal_sees_how_far_it_is_and_no_log(stack: SandboxStack) -> None:
    shown = at_a_terminal("export", env=stack.env)
    assert "3 exports started" in shown
    assert "export.started" not in shown


def test_deletions_are_counted_before_a_persons_eyes(
    sandbox_cli: Cli, stack: SandboxStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed = expired(plant_history(stack.cloud.world, SLOT - timedelta(days=1)))
    now = [text for volume_id, _, _ in FIRST_VOLUMES for text in ("--now", volume_id)]
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    assert sandbox_cli("cleanup", *now, env={"TERM": "xterm"}).code == 0
    assert f" {len(doomed)} images deleted" in screen.getvalue()


class Screen(io.StringIO):
    """Text that a person would see."""

    def isatty(self) -> bool:
        return True


def test_an_interrupted_run_says_what_becomes_of_its_work() -> None:
    with SandboxStack(dialect=Dialect.HUAWEI, latency_ms=200) as stack:
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
