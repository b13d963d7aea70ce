"""`volume-images cleanup`: announce, wait, delete, and what skips the wait."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Cli
from tests.demo.history import NIGHTS, expired, plant_history
from tests.sandbox.seeds import FIRST_VOLUMES
from tests.sandbox.stack import SandboxStack
from volume_images.pages.after_cleanup import PAGE_KEY

DB = FIRST_VOLUMES[0][0]
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.slow
def test_expired_images_are_announced_and_after_the_grace_time_deleted(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    world = stack.cloud.world
    doomed = expired(plant_history(world, SLOT))
    first = sandbox_cli("cleanup", "--json")
    assert (first.code, first.err) == (0, "")
    announced = {
        entry["image_id"] for entry in first.document["outcomes"] if entry["result"] == "announced"
    }
    assert announced == doomed
    assert len(first.document["outcomes"]) == 3 * NIGHTS
    for _ in range(2):
        stack.cloud.clock.advance(DAY)
        assert sandbox_cli("cleanup").code == 0
    assert doomed < world.images.keys()
    stack.cloud.clock.advance(DAY)
    last = sandbox_cli("cleanup", "--json")
    assert last.document["counts"]["deleted"] == len(doomed)
    assert not doomed & world.images.keys()


def test_the_table_names_the_hour_at_which_an_image_goes(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    plant_history(stack.cloud.world, SLOT)
    ran = sandbox_cli("cleanup")
    assert "goes at" in ran.out
    assert "2026-03-05 02:05Z" in ran.out
    assert "more: --json has all of them" in ran.out  # 210 images, more than a person reads


def test_now_skips_the_wait_for_one_volume_alone(sandbox_cli: Cli, stack: SandboxStack) -> None:
    images = plant_history(stack.cloud.world, SLOT)
    doomed = expired([image for image in images if image.volume_id == DB])
    ran = sandbox_cli("cleanup", "--now", DB, "--json")
    assert ran.code == 0
    assert {image.id for image in images} - stack.cloud.world.images.keys() == doomed


def test_now_for_a_volume_that_nobody_knows_deletes_nothing(sandbox_cli: Cli) -> None:
    ran = sandbox_cli("cleanup", "--now", "db01", "--json")
    assert ran.code == 1
    assert [entry["result"] for entry in ran.document["outcomes"]] == ["not_deleted"]


def test_the_fleet_is_left_as_a_page_as_on_schedule(sandbox_cli: Cli, stack: SandboxStack) -> None:
    plant_history(stack.cloud.world, SLOT)
    sandbox_cli("cleanup")
    page = stack.aws.s3.get_object(Bucket=stack.state_bucket, Key=PAGE_KEY)["Body"].read().decode()
    assert DB in page


def test_a_dry_run_announces_and_deletes_nothing(sandbox_cli: Cli, stack: SandboxStack) -> None:
    images = plant_history(stack.cloud.world, SLOT)
    ran = sandbox_cli("cleanup", "--now", DB, "--dry-run", "--json")
    assert ran.code == 0
    assert ran.document["counts"]["announced"] == len(expired(images))
    assert len(stack.cloud.world.images) == len(images)
    assert "Contents" not in stack.aws.s3.list_objects_v2(Bucket=stack.state_bucket)


def test_a_clock_that_disagrees_with_the_clouds_is_a_safety_stop(sandbox_cli: Cli) -> None:
    del os.environ["VOLUME_IMAGES_CLOCK_URL"]
    ran = sandbox_cli("cleanup", "--json")
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert [cloud["result"] for cloud in ran.document["clouds"]] == ["clock_skew"]


def test_images_of_unknown_standing_are_kept_and_no_fault(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    (image, *_) = plant_history(stack.cloud.world, SLOT)
    image.virtual_bytes = 0
    ran = sandbox_cli("cleanup", "--json")
    assert ran.document["counts"]["unknown"] == 1
    assert ran.code == 0
