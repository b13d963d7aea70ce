"""What README and docs/operations.md show a reader is what happens: demo, status, and the walk."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.documents.pages import CHECKOUT, blocks, fits, steps
from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect

pytestmark = pytest.mark.slow

README = (CHECKOUT / "README.md").read_text()
OPERATIONS = (CHECKOUT / "docs" / "operations.md").read_text()
PATIENCE = 300
END_OF_STEP = "--- end of step, exit code "

Bare = Callable[..., str]


@pytest.fixture
def bash(tmp_path: Path) -> Bare:
    """Run a script beside the checkout's files, in an environment that knows nothing of ours."""
    for path in CHECKOUT.iterdir():
        (tmp_path / path.name).symlink_to(path)
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "NO_PROXY") if key in os.environ}

    def run(script: str, columns: str = "80") -> str:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**kept, "COLUMNS": columns, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, _ = shell.communicate(timeout=PATIENCE)
        finally:
            with suppress(ProcessLookupError):  # else a sandbox would outlive a step that hangs
                os.killpg(shell.pid, signal.SIGTERM)
        assert shell.returncode == 0, out
        return out

    return run


def test_the_demo_shows_what_the_readme_says(bash: Bare) -> None:
    written = next(block for block in blocks(README, "") if "in the sandbox, and" in block)
    printed = bash(f"{sys.executable} -m tests.demo", columns="120").splitlines()
    assert fits(tuple(written.splitlines()), printed), printed


def test_the_first_night_looks_as_the_readme_says(cli: Cli) -> None:
    (step,) = steps(README)
    assert step.command == "volume-images status"
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=4, foreign=True) as stack:
        env = {**stack.env, "COLUMNS": "80"}
        assert cli("export", env=env).code == 0
        ran = cli("status", env=env)
    assert ran.code == 1
    assert fits(step.output, ran.out.splitlines()), ran.out


def test_the_walk_goes_as_operations_says(bash: Bare) -> None:
    """Every command of it in one shell, as somebody would who only reads that page."""
    walk = steps(OPERATIONS)
    assert len(walk) > 8
    script = "\n".join(f'{step.command}\necho "{END_OF_STEP}$?"' for step in walk)
    printed = re.split(f"{END_OF_STEP}(\\d+)\n", bash(script))
    for step, out, code in zip(walk, printed[::2], printed[1::2], strict=False):
        assert code == "0", (step.command, out)
        assert fits(step.output, out.splitlines()), f"$ {step.command}\n{out}"
    assert len(printed) == 2 * len(walk) + 1
