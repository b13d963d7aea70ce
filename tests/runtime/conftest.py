"""Both builds side by side, a sandbox as new in each test, and what was measured, at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runtime.builds import BORROWED_HERE, FOR_LAMBDA, Places, lay_out
from tests.runtime.environment import ExecutionEnvironment, Function
from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect

SAID = pytest.StashKey[list[str]]()

Start = Callable[[Function], ExecutionEnvironment]
Say = Callable[[str], None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SAID] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.stash[SAID]:
        terminalreporter.section("the functions under Lambda's runtime client")
        for line in config.stash[SAID]:
            terminalreporter.write_line(line)


@pytest.fixture
def say(pytestconfig: pytest.Config) -> Say:
    """Print a line at the end, whether tests pass or not."""
    return pytestconfig.stash[SAID].append


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    for folder in (FOR_LAMBDA, BORROWED_HERE):
        assert folder.is_dir(), f"{folder} is missing: run `make test-runtime`, which builds it"
    return lay_out(tmp_path_factory.mktemp("lambda"))


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=3) as stack:
        yield stack


@pytest.fixture
def stack(shared_stack: SandboxStack) -> SandboxStack:
    """Give a sandbox that nobody has used yet."""
    shared_stack.cloud.latency_ms = 0
    shared_stack.reset()
    return shared_stack


@pytest.fixture(scope="session")
def large_stack() -> Iterator[SandboxStack]:
    """Give a sandbox whose fleet the export function exports first, and cleanup then looks at."""
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=500) as stack:
        yield stack


@pytest.fixture
def start(places: Places, stack: SandboxStack, tmp_path: Path) -> Start:
    """Make a process of a function that works against the sandbox; `with` starts it."""
    return lambda function: ExecutionEnvironment(
        function, places, stack.env, tmp_path / "printed.log"
    )
