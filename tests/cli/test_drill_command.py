"""`volume-images drill` as people run it, and its function's handler as Lambda does."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.sandbox.seeds import PREFIX
from tests.sandbox.stack import SandboxStack

EVENTS = Path(__file__).parents[2] / "events"
DB = "16369c5d-384d-4e64-b37a-56d898769362"
CAPTURED = datetime(2026, 3, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def exported(stack: SandboxStack) -> SandboxStack:
    """Have an image of each volume; new volumes take no time: the command waits in real time."""
    stack.cloud.world.creation_seconds = 0.0
    for volume in list(stack.cloud.world.volumes.values()):
        stack.cloud.world.plant_image(
            name=f"{PREFIX}_daily_{volume.name}_{volume.id}_20260301T020000Z",
            created_at=CAPTURED,
            volume_id=volume.id,
        )
    return stack


def test_a_drill_says_what_came_back_and_leaves_nothing(
    sandbox_cli: Cli, exported: SandboxStack
) -> None:
    ran = sandbox_cli("drill")
    assert ran.code == 0
    assert "1 passed (run " in ran.out
    assert "checksum=unchanged" in " ".join(ran.out.split())
    assert "/reports/drill/2026/03/02/" in ran.out
    assert ran.err.startswith("daily: volume ")
    assert len(exported.cloud.world.volumes) == 3


def test_a_volume_a_policy_and_a_cloud_may_be_named(
    sandbox_cli: Cli, exported: SandboxStack
) -> None:
    ran = sandbox_cli("drill", "--policy", "daily", "--cloud", "sandbox", "--volume", DB, "--json")
    (outcome,) = ran.document["outcomes"]
    assert (outcome["result"], outcome["volume_id"]) == ("passed", DB)
    assert ran.document["counts"] == {"passed": 1, "failed": 0, "skipped": 0}
    assert len(exported.cloud.world.volumes) == 3


def test_a_dry_run_makes_nothing_and_files_nothing(
    sandbox_cli: Cli, exported: SandboxStack
) -> None:
    ran = sandbox_cli("drill", "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert "dry run, nothing was changed: 1 skipped" in ran.out
    posts = [one for one in exported.cloud.requests if one.path.endswith("/volumes")]
    assert [one.method for one in posts if one.method == "POST"] == []
    assert "Contents" not in exported.aws.s3.list_objects_v2(Bucket=exported.state_bucket)


def test_a_drill_that_fails_says_why_and_by_its_exit_code(
    sandbox_cli: Cli, exported: SandboxStack
) -> None:
    """Neither cloud nor state tells how large the volumes were, and in a drill nobody is asked."""
    exported.cloud.world.volumes.clear()
    for image in exported.cloud.world.images.values():
        image.virtual_bytes = None
    ran = sandbox_cli("drill", "--json")
    (outcome,) = ran.document["outcomes"]
    assert (ran.code, outcome["result"], outcome["reason"]) == (1, "failed", "volume_unknown")
    assert "give --size" in outcome["details"]["why"]


def test_without_the_secret_for_restoring_nothing_can_be_drilled(
    sandbox_cli: Cli, exported: SandboxStack
) -> None:
    exported.aws.secrets.delete_secret(
        SecretId="volume-images/restore/sandbox", ForceDeleteWithoutRecovery=True
    )
    ran = sandbox_cli("drill")
    assert ran.code == 1
    assert "secret volume-images/restore/sandbox: cannot be read" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--policy", "weekly"), "policies: not in the config: weekly"),
        (("--cloud", "moon"), "moon: no cloud of the config: there are sandbox"),
    ],
)
def test_what_the_config_does_not_name_is_wrong_input(
    sandbox_cli: Cli, arguments: tuple[str, ...], said: str
) -> None:
    ran = sandbox_cli("drill", *arguments)
    assert (ran.code, ran.out, ran.err) == (2, "", f"volume-images: {said}\n")


@pytest.mark.parametrize("event", ["drill-scheduled.json", "drill-policy.json"])
def test_the_handler_drills_by_its_events(
    sandbox_cli: Cli, exported: SandboxStack, event: str
) -> None:
    ran = sandbox_cli("invoke", "drill_images", "--event", str(EVENTS / event), "--json")
    assert (ran.code, ran.document["counts"]["passed"]) == (0, 1)
    assert len(exported.cloud.world.volumes) == 3


def test_the_handler_s_dry_run_restores_nothing(sandbox_cli: Cli, exported: SandboxStack) -> None:
    event = str(EVENTS / "drill-dry-run.json")
    ran = sandbox_cli("invoke", "drill_images", "--event", event, "--json")
    assert (ran.code, ran.document["counts"]) == (0, {"passed": 0, "failed": 0, "skipped": 1})
    assert len(exported.cloud.world.volumes) == 3
