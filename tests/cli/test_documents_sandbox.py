"""What tests/sandbox/README.md shows is what happens: the command, its controls, the snippets."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents.pages import CHECKOUT, blocks, fits, steps
from tests.sandbox import __main__ as command
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.faults import Throttle
from tests.sandbox.stack import SandboxStack
from tests.sandbox.wire import HangUp
from volume_images.dialect import Dialect

PAGE = (CHECKOUT / "tests" / "sandbox" / "README.md").read_text()
OBJECT, SWITCHES, HOOK = blocks(PAGE, "python")
START, *CONTROLS = steps(PAGE)


@pytest.fixture(scope="module")
def greeting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start it as the page shows, under faults of the page; give what it prints."""
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "faults.yaml").write_text(blocks(PAGE, "yaml")[1])
    arguments = START.command.removeprefix("python ").split()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert fits(START.output, [line.rstrip()]), line
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        process.stdout.close()


@pytest.mark.slow
def test_the_line_that_it_prints_has_all_that_the_page_names(greeting: dict[str, Any]) -> None:
    table = PAGE.split("| In the line | What it is |")[1].split("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if "|" in row[1:]]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(greeting)


@pytest.mark.slow
def test_its_controls_are_told_and_changed_as_the_page_says(
    greeting: dict[str, Any], tmp_path: Path
) -> None:
    assert len(CONTROLS) == 6
    (tmp_path / "faults.yaml").write_text(blocks(PAGE, "yaml")[2])
    for step in CONTROLS:
        ran = subprocess.run(
            ["bash", "-c", step.command.replace("curl -s", "curl -s --fail")],
            cwd=tmp_path,
            env={**os.environ, "CLOCK": greeting["clock"], "FAULTS": greeting["faults"]},
            capture_output=True,
            text=True,
            check=True,
        )
        shown = json.loads(step.output[0]) if step.output else {}
        assert set(shown) <= set(json.loads(ran.stdout)), step.command


def test_the_options_are_those_of_the_command() -> None:
    table = PAGE.split("| Option | |")[1].split("\n\n")[0]
    parser = command._parser()  # noqa: SLF001 - argparse has no other way to ask
    known = {option for action in parser._actions for option in action.option_strings}  # noqa: SLF001
    assert set(re.findall(r"^\| `(--[\w-]+)", table, re.MULTILINE)) == known - {"-h", "--help"}


def test_in_a_test_it_is_an_object_with_switches() -> None:
    names: dict[str, Any] = {}
    exec(OBJECT, names)  # noqa: S102 - what the page shows
    with CloudSandbox(dialect=Dialect.OPENSTACK, volumes=1) as cloud:
        exec(SWITCHES, {"cloud": cloud})  # noqa: S102
        assert [type(rule) for rule in cloud.faults.rules] == [Throttle]
    assert names["cloud"].requests == []


@pytest.mark.slow
def test_a_process_dies_at_exactly_one_call() -> None:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=1) as stack:
        exec(HOOK, {"stack": stack})  # noqa: S102 - what the page shows
        hook: Any = stack.cloud.hook
        assert hook is stack.aws.hook
        for _ in range(16):
            hook.before(None)
        with pytest.raises(HangUp):
            hook.before(None)
        stack.cloud.hook = stack.aws.hook = None
