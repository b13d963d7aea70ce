"""The installed command, as a process: what scripts and pipes get."""

import json
import subprocess
import sys
from pathlib import Path

from tests.sandbox.stack import SandboxStack

COMMAND = Path(sys.executable).with_name("volume-images")
CHECKOUT = Path(__file__).parents[2]


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=CHECKOUT,
        env=env or {},
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


def test_a_reader_that_leaves_is_no_traceback(stack: SandboxStack) -> None:
    done = subprocess.run(
        f"{COMMAND} config schema | true; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env=stack.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_wrong_arguments_are_one_line_and_exit_code_2() -> None:
    done = run("export", "--nonsense")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "volume-images: No such option: --nonsense: see volume-images export --help\n"
    )
