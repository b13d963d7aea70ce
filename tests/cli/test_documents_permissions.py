"""What docs/operations.md says a person needs in AWS is what the commands use."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.cli.conftest import Cli
from tests.documents.pages import CHECKOUT
from tests.sandbox.stack import SandboxStack
from tests.sandbox.wire import Request

pytestmark = pytest.mark.slow

DB = "16369c5d-384d-4e64-b37a-56d898769362"
TABLE = (CHECKOUT / "docs" / "operations.md").read_text().split("| For | Secrets")[1]
ROWS = {
    command.strip(" `"): cells
    for row in TABLE.split("\n\n")[0].splitlines()[2:]
    for cells in [[cell.strip() for cell in row.strip("|").split("|")]]
    for command in cells[0].split(",")
}


@dataclass
class Used:
    """Secrets by role, and objects by their keys, that were asked for."""

    config_bucket: str
    secrets: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    def before(self, request: Request) -> None:
        bucket, _, key = request.path.lstrip("/").partition("/")
        if "secretsmanager" in request.headers.get("X-Amz-Target", ""):
            self.secrets.add(json.loads(request.body)["SecretId"].split("/")[1])
        elif request.method in {"PUT", "POST", "DELETE"}:
            self.written.add(f"{bucket}/{key}" if bucket == self.config_bucket else key)
        elif key and bucket != self.config_bucket:
            self.read.add(key)

    def after(self, request: Request) -> None:
        """Nothing: what counts is what was asked for."""


@pytest.fixture
def used(stack: SandboxStack, sandbox_cli: Cli) -> Iterator[Used]:
    """Note what a command asks of AWS, after a night and a cleanup."""
    stack.cloud.world.export_seconds = stack.cloud.world.creation_seconds = 0.0
    assert sandbox_cli("export").code == 0
    assert sandbox_cli("export").code == 0
    assert sandbox_cli("cleanup").code == 0
    stack.aws.hook = Used(stack.config_bucket)
    yield stack.aws.hook
    stack.aws.hook = None


def may(command: str) -> tuple[str, str]:
    """Return which secret a row names, and what it says of S3."""
    _, secrets, s3 = ROWS[command]
    return secrets, s3.replace("as `status`", ROWS["status"][2])


def is_below(key: str, text: str) -> bool:
    """Whether the text names a folder of this key."""
    return any(f"`{key[: end + 1]}`" in text for end, letter in enumerate(key) if letter == "/")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("status", ()),
        ("list", (DB,)),
        ("report", ("--html", "{folder}/page.html")),
        ("explain", ("{image}",)),
        ("cleanup", ()),
        ("pin", ("{image}",)),
        ("unpin", ("{image}",)),
        ("export", ()),
        ("request", (DB,)),
        ("restore", (DB,)),
        ("drill", ()),
        ("probe", ("sandbox", "--yes", "--transcript", "{folder}/transcript.txt")),
        ("runs", ()),
    ],
)
def test_a_command_asks_for_nothing_that_the_table_does_not_name(
    sandbox_cli: Cli,
    stack: SandboxStack,
    used: Used,
    command: str,
    arguments: tuple[str, ...],
    tmp_path: object,
) -> None:
    image = next(iter(stack.cloud.world.images))
    ran = sandbox_cli(command, *(one.format(image=image, folder=tmp_path) for one in arguments))
    assert ran.code in (0, 1), ran
    secrets, s3 = may(command)
    assert {role for role in used.secrets if f"`{role}`" not in secrets} == set()
    assert {key for key in used.read if not is_below(key, s3)} == set()
    writes = " ".join(re.split("PutObject|writes", s3)[1:])
    assert {key for key in used.written if not is_below(key, writes)} == set()
    assert used.read or command in ("pin", "unpin", "probe")  # these read the config alone
    assert used.secrets or command == "runs"


def test_every_command_that_speaks_to_a_cloud_is_in_the_table() -> None:
    assert set(ROWS) >= {"status", "export", "restore", "runs", "adopt", "forget", "drill"}
