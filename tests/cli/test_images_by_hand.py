"""`pin`, `unpin`, `adopt`, `forget`, and a new config tried on what is there: the live images."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import DB, Site
from volume_images.dialect import Dialect

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def started() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=2) as stack:
        yield stack


@pytest.fixture
def stack(started: SandboxStack) -> SandboxStack:
    """Return a sandbox in whose cloud four images lie, one of which no rule keeps."""
    site = Site.at_rest(started)
    for day in (26, 27, 28, 29):
        site.plant(day)
    return started


def written(stack: SandboxStack, folder: Path, **retention: Any) -> str:  # noqa: ANN401
    """Write the config of today with other rules into a file."""
    document = Site(stack, 3).document(**retention)
    path = folder / "new.yaml"
    path.write_text(json.dumps(document))
    return str(path)


def test_a_pinned_image_stays_and_an_unpinned_one_is_announced(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    pinned = sandbox_cli("pin", "day-26", "--json")
    kept = sandbox_cli("cleanup", "--json")
    unpinned = sandbox_cli("unpin", stack.cloud.world.images["day-26"].name)
    announced = sandbox_cli("cleanup", "--json")

    assert (pinned.code, pinned.said, pinned.err) == (0, [("kept", "pinned")], "")
    assert ("kept", "pinned") in kept.said
    assert unpinned.code == 0
    assert "not pinned" in unpinned.out
    assert ("announced", "expired") in announced.said


@pytest.mark.parametrize("command", ["pin", "unpin", "adopt"])
def test_an_image_that_is_not_there_is_wrong_input(sandbox_cli: Cli, command: str) -> None:
    ran = sandbox_cli(command, "nowhere", "--json")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "volume-images: nowhere: no image of this name or id carries a name and an owner of ours\n"
    )


def test_an_unknown_image_is_shown_with_the_way_to_adopt_it(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    stack.cloud.world.images["day-29"].min_disk_gib = 999
    shown = sandbox_cli("cleanup")
    adopted = sandbox_cli("adopt", "day-29", "--json")
    after = sandbox_cli("cleanup", "--json")

    assert shown.code == 0
    assert "volume-images adopt IMAGE takes one in" in shown.out
    assert (adopted.code, adopted.said) == (0, [("kept", "keep_last 1/3")])
    assert after.document["counts"]["unknown"] == 0


def test_a_policy_that_left_the_config_is_forgotten(sandbox_cli: Cli, stack: SandboxStack) -> None:
    document = Site(stack, 3).document()
    document["policies"] = {"weekly": document["policies"]["daily"]}
    covered = sandbox_cli("forget", "daily")
    stack.write_config(document)
    dry = sandbox_cli("forget", "daily", "--dry-run")
    forgotten = sandbox_cli("forget", "daily", "--json")

    assert covered.code == 2
    assert covered.err == (
        "volume-images: daily: the config still covers it: take it out there first\n"
    )
    assert dry.code == 0
    assert "goes at" in dry.out
    assert "dry run, nothing was changed: 4 announced" in dry.out
    assert forgotten.code == 0
    assert forgotten.document["counts"]["announced"] == 4
    assert forgotten.said == [("announced", "orphan: no policy daily in the config, forgotten")] * 4


def test_a_new_config_is_tried_on_the_live_images_and_state(
    sandbox_cli: Cli, stack: SandboxStack, tmp_path: Path
) -> None:
    """What would go, and when, if that config were used from now on; nothing changes."""
    sandbox_cli("cleanup")
    for _ in range(3):
        stack.cloud.clock.advance(DAY + timedelta(seconds=1))
        sandbox_cli("cleanup", "--dry-run")
    new = written(stack, tmp_path, retention={"keep_last": 1})

    ran = sandbox_cli("cleanup", "--config", new, "--dry-run", "--json")

    goes_at = {
        entry["image_id"]: datetime.fromisoformat(entry["details"]["deletes_at"])
        for entry in ran.document["outcomes"]
        if entry["result"] == "announced"
    }
    grace_over = stack.cloud.clock.now().astimezone(UTC) + 3 * DAY
    assert ran.code == 0
    assert sorted(goes_at) == ["day-26", "day-27", "day-28"]
    assert all(abs(at - grace_over) < timedelta(minutes=1) for at in goes_at.values())
    assert not (tmp_path / ".volume-images").exists()
    assert len(stack.cloud.world.images) == 4


def test_what_is_due_by_the_same_rules_is_shown_as_going_now(
    sandbox_cli: Cli, stack: SandboxStack, tmp_path: Path
) -> None:
    for _ in range(3):
        sandbox_cli("cleanup")
        stack.cloud.clock.advance(DAY + timedelta(seconds=1))
    same = written(stack, tmp_path)

    table = sandbox_cli("cleanup", "--config", same, "--dry-run")
    data = sandbox_cli("cleanup", "--config", same, "--dry-run", "--json")

    assert "dry run, nothing was changed: 3 kept, 1 announced; 1 of the announced would go now" in (
        " ".join(table.out.split())
    )
    (due,) = [entry for entry in data.document["outcomes"] if entry["details"].get("due")]
    assert due["image_id"] == "day-26"
    assert len(stack.cloud.world.images) == 4


def test_config_check_counts_volumes_that_change_their_policy(
    sandbox_cli: Cli, stack: SandboxStack, tmp_path: Path
) -> None:
    sandbox_cli("cleanup")
    document = Site(stack, 3).document()
    document["policies"]["weekly"] = document["policies"]["daily"] | {
        "select": {"backup": "weekly"},
        "schedule": "30 3 * * 0",
        "max_age": "200h",
    }
    document["volumes"][0]["tags"] = {"backup": "weekly"}
    path = tmp_path / "new.yaml"
    path.write_text(json.dumps(document))

    ran = sandbox_cli("config", "check", str(path), "--json")

    assert document["volumes"][0]["id"] == DB
    assert "1 volume of cloud sandbox move from daily to weekly: their images under daily" in (
        " ".join(entry["message"] for entry in ran.document["warnings"])
    )


def test_config_check_says_so_where_a_store_cannot_be_read(
    cli: Cli, stack: SandboxStack, tmp_path: Path
) -> None:
    del stack
    folder = tmp_path / "store"
    (folder / "state" / "cleanup").mkdir(parents=True)
    (folder / "state" / "cleanup" / "otc.json").write_text("{}")
    example = Path(__file__).parents[1] / "core" / "data" / "example.yaml"

    ran = cli("config", "check", str(example), "--store", str(folder))

    assert "warning: volumes that change their policy are not counted: " in ran.out
    assert "state/cleanup/otc.json: is not a state of this release" in ran.out
