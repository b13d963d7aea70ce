"""The whole product with a config file, a folder as store and clouds.yaml: no AWS anywhere.

Every command is run, in the order in which a fleet needs them, and nothing but loopback is reached.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Cli, Ran
from tests.sandbox.stack import SandboxStack

pytestmark = pytest.mark.slow

DB = "16369c5d-384d-4e64-b37a-56d898769362"
HOUR = timedelta(hours=1)
DAY = 24 * HOUR
EVENTS = Path(__file__).parents[2] / "events"
CONFIG = ("--config", "config.yaml")

reached: list[str] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Note every host that this process looks up or connects to."""
    if event == "socket.getaddrinfo":
        reached.append(str(arguments[0]))
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        reached.append(str(arguments[1][0]))


@pytest.fixture(scope="module")
def listening() -> None:
    sys.addaudithook(_note)


@pytest.fixture
def hosts(listening: None) -> Iterator[list[str]]:  # noqa: ARG001
    reached.clear()
    yield reached
    reached.clear()


def fine(ran: Ran) -> Ran:
    assert (ran.code, ran.err) == (0, ""), ran
    return ran


@pytest.fixture
def configured(local: Cli, tmp_path: Path) -> Cli:
    """Run with the config that `init` proposes, but for rules that soon let images go."""
    document = yaml.safe_load(fine(local("init", "lab")).out)
    document["policies"]["daily"]["retention"] = {"keep_last": 1}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document))
    return local


def test_a_fleet_is_looked_after_from_a_crontab(
    configured: Cli, stack: SandboxStack, hosts: list[str]
) -> None:
    world, clock = stack.cloud.world, stack.cloud.clock
    assert fine(configured("config", "check", "config.yaml")).out.startswith("config.yaml: fine")
    assert fine(configured("simulate", *CONFIG, "--days", "30", "--size-gib", "40")).out

    for _ in range(3):
        assert fine(configured("export", *CONFIG, "--json")).document["counts"]["started"] == 3
        clock.advance(DAY)
    fine(configured("request", DB, *CONFIG))
    assert len(world.images) == 10

    announced = fine(configured("cleanup", *CONFIG, "--json")).document
    assert (announced["counts"]["announced"], announced["counts"]["deleted"]) == (6, 0)
    doomed = next(one for one in announced["outcomes"] if one["result"] == "announced")
    pinned = doomed["image_id"]
    fine(configured("pin", pinned, *CONFIG))
    assert "pin" in fine(configured("explain", pinned, *CONFIG)).out
    for _ in range(3):  # every day, or the announcements lapse
        clock.advance(DAY + HOUR)
        last = fine(configured("cleanup", *CONFIG, "--json")).document
    assert (last["counts"]["deleted"], len(world.images)) == (5, 5)
    fine(configured("unpin", pinned, *CONFIG))
    assert (Path(".volume-images") / "state" / "cleanup" / "lab.json").is_file()
    assert set(hosts) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("adopt", "{image}", "--dry-run", *CONFIG),
        ("status", *CONFIG),
        ("list", "db01-data", *CONFIG),
        ("runs", *CONFIG),
        ("probe", "lab", "--yes", "--transcript", "t.txt", *CONFIG),
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_other_command_does_without_aws_too(
    configured: Cli, stack: SandboxStack, hosts: list[str], arguments: tuple[str, ...]
) -> None:
    stack.cloud.world.export_seconds = 0.2
    stack.cloud.world.creation_seconds = 0.0
    fine(configured("export", *CONFIG))
    image = next(iter(stack.cloud.world.images))
    ran = configured(*(text.format(image=image) for text in arguments))
    assert ran.code in (0, 1), ran
    assert ran.out
    assert set(hosts) <= {"127.0.0.1"}


def test_what_left_the_config_is_forgotten_without_aws_too(
    configured: Cli, tmp_path: Path, hosts: list[str]
) -> None:
    fine(configured("export", *CONFIG))
    document = yaml.safe_load((tmp_path / "config.yaml").read_text())
    document["policies"] = {"nightly": document["policies"]["daily"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document))
    ran = configured("forget", "daily", "--dry-run", *CONFIG)
    assert ran.code == 0, ran
    assert set(hosts) == {"127.0.0.1"}


def test_the_functions_handlers_do_without_aws_too(configured: Cli, hosts: list[str]) -> None:
    env = {
        "VOLUME_IMAGES_CONFIG": "config.yaml",
        "VOLUME_IMAGES_STORE": "store",
        "VOLUME_IMAGES_DEPLOYMENT": "local",
    }
    event = str(EVENTS / "manual-tick.json")
    ran = fine(configured("invoke", "export_volumes", "--event", event, "--json", env=env))
    assert ran.document["counts"]["started"] == 3
    assert set(hosts) == {"127.0.0.1"}
