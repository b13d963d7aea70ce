"""`volume-images probe` as people run it: the card, the transcript, the question before it."""

from io import StringIO
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.sandbox.stack import SandboxStack


@pytest.fixture
def quick(stack: SandboxStack) -> SandboxStack:
    """Let exports and new volumes take no time: the command waits in real time."""
    stack.cloud.world.export_seconds = 0.2
    stack.cloud.world.creation_seconds = 0.0
    return stack


@pytest.mark.usefixtures("quick")
def test_a_probe_ends_in_a_card_and_a_transcript(sandbox_cli: Cli, tmp_path: Path) -> None:
    written = tmp_path / "probe.txt"
    ran = sandbox_cli("probe", "sandbox", "--yes", "--transcript", str(written))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1].startswith("sandbox: PASSED; transcript: ")
    assert "compare what came back" in ran.out
    assert "WHAT DOCUMENTS LEAVE OPEN" in ran.out
    assert "result: passed" in written.read_text()


def test_a_probe_as_json(sandbox_cli: Cli, quick: SandboxStack, tmp_path: Path) -> None:
    written = tmp_path / "probe.txt"
    ran = sandbox_cli("probe", "sandbox", "--yes", "--json", "--transcript", str(written))
    assert ran.document["passed"] is True
    assert ran.document["left"] == []
    assert len(ran.document["answers"]) == 10
    assert [step["step"] for step in ran.document["steps"]][-1] == "remove what was made"
    assert len(quick.cloud.world.volumes) == 3


def test_a_probe_that_fails_says_so_by_its_exit_code(
    sandbox_cli: Cli, quick: SandboxStack, tmp_path: Path
) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    arguments = ("--volume", nobody, "--yes", "--transcript", str(tmp_path / "t.txt"))
    ran = sandbox_cli("probe", "sandbox", *arguments)
    assert ran.code == 1
    assert f"there is no volume {nobody}" in " ".join(ran.out.split())
    assert "sandbox: FAILED" in ran.out
    assert len(quick.cloud.world.images) == 0


def test_nothing_is_made_before_a_person_agrees(
    sandbox_cli: Cli, quick: SandboxStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    ran = sandbox_cli("probe", "sandbox")
    assert ran.code == 2
    assert "make a volume of 1 GiB, export it as an image" in ran.err
    assert "nothing was done" in ran.err
    assert quick.cloud.requests == []


def test_a_cloud_that_the_config_does_not_name_is_wrong_input(sandbox_cli: Cli) -> None:
    ran = sandbox_cli("probe", "moon", "--yes")
    assert ran.code == 2
    assert ran.err == "volume-images: moon: no cloud of the config: there are sandbox\n"


def test_image_jobs_need_a_volume_to_try_on(sandbox_cli: Cli, stack: SandboxStack) -> None:
    document = {**stack.document}
    document["clouds"] = {"sandbox": {**document["clouds"]["sandbox"], "strategy": "ims_job"}}
    stack.write_config(document)
    ran = sandbox_cli("probe", "sandbox", "--yes")
    assert ran.code == 2
    assert "name one with --volume" in ran.err


def test_without_the_secret_for_restoring_nothing_can_be_tried(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    stack.aws.secrets.delete_secret(
        SecretId="volume-images/restore/sandbox", ForceDeleteWithoutRecovery=True
    )
    ran = sandbox_cli("probe", "sandbox", "--yes")
    assert ran.code == 1
    assert "secret volume-images/restore/sandbox: cannot be read" in ran.err
