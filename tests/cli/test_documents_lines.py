"""Every command line that a page, the help or a runbook names runs, as it is written.

What a reader has to put in (`IMAGE`, `s3://STORE-BUCKET`) is put in; nothing else is changed.
"""

import json
import os
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tests.cli.conftest import Cli, entry_of
from tests.cli.test_documents import PAGES, named_commands
from tests.documents.pages import CHECKOUT, blocks
from tests.sandbox.cloud_server import PROJECT_NAME, REGION
from tests.sandbox.stack import SandboxStack
from volume_images.cli.command import app

pytestmark = pytest.mark.slow

DB = "16369c5d-384d-4e64-b37a-56d898769362"
SHOWN_IN_THE_WALK = "explain acme-demo_"
WORDS_OF_AN_OUTPUT = "list VOLUME its images"
COMMANDS: Any = typer.main.get_command(app)
TELLS_HOW_FAR_IT_IS = ("drill", "probe", "restore")


def needs_more(command: str) -> bool:
    """Whether this is the name of a command rather than a line: its arguments are missing."""
    part: Any = COMMANDS
    words = shlex.split(command)
    while words and words[0] in getattr(part, "commands", {}):
        part = part.commands[words.pop(0)]
    return not words and any(parameter.required for parameter in part.params)


def lines() -> list[str]:
    """Return every line of every page once."""
    named = {command for page in PAGES for command in named_commands(page.read_text())}
    return sorted(
        command
        for command in named
        if not command.startswith((SHOWN_IN_THE_WALK, WORDS_OF_AN_OUTPUT, "COMMAND"))
        and not needs_more(command)
    )


def without_daily(document: dict[str, Any]) -> dict[str, Any]:
    """Return the config after `daily`, and with it every volume, has left."""
    gone = {**document["policies"]["daily"], "select": {"backup": "none"}}
    return {**document, "policies": {"other": gone}}


@pytest.fixture
def reader(
    stack: SandboxStack, sandbox_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Give what a reader has after a first night: files, credentials, and words to put in."""
    stack.cloud.world.export_seconds = stack.cloud.world.creation_seconds = 0.0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events").symlink_to(CHECKOUT / "events")
    for name in ("config.yaml", "new.yaml", "new-config.yaml"):
        (tmp_path / name).write_text(yaml.safe_dump(stack.document))
    clouds = {name: entry_of(stack.cloud) for name in ("otc", "lab")}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": clouds}))
    openrc = {f"OS_{key.upper()}": text for key, text in entry_of(stack.cloud)["auth"].items()}
    os.environ.update({**openrc, "OS_REGION_NAME": REGION})
    (images,) = blocks((CHECKOUT / "docs" / "retention.md").read_text(), "json")
    (tmp_path / "images.json").write_text(images)
    rules = stack.document["policies"]["daily"]["retention"]
    (tmp_path / "retention.yaml").write_text(yaml.safe_dump(rules))
    assert sandbox_cli("export").code == 0
    assert sandbox_cli("cleanup").code == 0
    (run, *_) = sandbox_cli("runs", "--json").document
    image = next(one.id for one in stack.cloud.world.images.values() if DB in one.name)
    return {
        "IMAGE": image,
        "c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10": image,
        "VOLUME": DB,
        "RUN": run["run_id"],
        "20260302T020500Z-5f0c1a9e": run["run_id"],
        "POLICY": "daily",
        "weekly": "daily",
        "TIME": "2026-03-02T02:30:00Z",
        "2026-03-01T12:00:00Z": "2026-03-02T12:00:00Z",
        "N": "40",
        "CLOUD": "lab",
        "$VOLUME_IMAGES_CONFIG": stack.config_location,
        "s3://my-config-bucket/config.yaml": stack.config_location,
        "s3://my-state-bucket": f"s3://{stack.state_bucket}",
        "s3://STORE-BUCKET": f"s3://{stack.state_bucket}",
        ".volume-images": f"s3://{stack.state_bucket}",
        "/var/www/html/volumes.html": "volumes.html",
        "eu-de": REGION,
        "eu-de-01": stack.cloud.world.volumes[DB].zone,
        "eu-de-02": stack.cloud.world.volumes[DB].zone,
        "eu-de_backup": PROJECT_NAME,
        "backup": PROJECT_NAME,
    }


@pytest.mark.parametrize("line", lines())
def test_a_line_runs(
    sandbox_cli: Cli,
    stack: SandboxStack,
    reader: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    if line.startswith("forget"):
        stack.write_config(without_daily(stack.document))
    if line.startswith("probe"):
        reader["otc"] = "sandbox"
        monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    if "--dialect" in line:
        Path("clouds.yaml").unlink()
        secret = json.dumps(stack.cloud.secret("export"))
        stack.aws.secrets.create_secret(Name="volume-images/export/otc", SecretString=secret)
        reader["huawei"] = str(stack.cloud.dialect)
    ran = sandbox_cli(*(reader.get(word, word) for word in shlex.split(line)))
    assert ran.code == 0, ran
    assert line.startswith(TELLS_HOW_FAR_IT_IS) or ran.err == ""
