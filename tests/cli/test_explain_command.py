"""`volume-images explain`: why one image stays or goes, and what would change that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Cli
from tests.demo.history import plant_history
from tests.sandbox.seeds import FIRST_VOLUMES
from tests.sandbox.stack import POLICY_NAME, SandboxStack
from tests.sandbox.things import SandboxImage
from volume_images.dialect import Dialect
from volume_images.image_name import ImageName

DB = FIRST_VOLUMES[0][0]
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def stack() -> Iterator[SandboxStack]:
    """Give a cloud with 70 nights of images up to 1 March; none of these tests changes it."""
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=1) as stack:
        plant_history(stack.cloud.world, SLOT)
        yield stack


def image_of(stack: SandboxStack, nights: int) -> SandboxImage:
    (found,) = [
        image
        for image in stack.cloud.world.images.values()
        if (name := ImageName.parse(image.name)) and name.slot == SLOT - nights * DAY
    ]
    return found


def test_an_expired_image_is_told_what_would_keep_it(sandbox_cli: Cli, stack: SandboxStack) -> None:
    """The slot of 20 February: ten days back, a Friday; last 3, 7 days, 5 weeks, 12 months."""
    image = image_of(stack, 10)

    said = sandbox_cli("explain", image.id, "--json")

    assert (said.code, said.err) == (0, "")
    document = said.document
    assert (document["result"], document["reasons"]) == ("announced", "expired")
    assert document["group"] == f"{POLICY_NAME}/{DB}"
    assert not document["pinned"]
    assert not document["floor"]
    since = datetime.fromisoformat(document["announced_since"])
    assert datetime.fromisoformat(document["deletes_at"]) - since == timedelta(hours=72)
    assert document["to_go"] == []
    assert document["to_stay"] == [
        "keep_last 10 or more",
        "keep_hourly 10 or more",
        "keep_daily 10 or more",
        "keep_within 10d or longer",
        "min_keep 10 or more",
        f"volume-images pin {image.id}",
    ]


def test_a_kept_image_is_told_what_lets_it_go(sandbox_cli: Cli, stack: SandboxStack) -> None:
    image = image_of(stack, 3)

    said = sandbox_cli("explain", image.name)

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"{image.id}: kept: keep_last 3/3, keep_daily 3/7",
        f"  name   {image.name}",
        f"  group  {POLICY_NAME}/{DB} in sandbox, slot 2026-02-27 02:00Z",
        "It goes with any of:",
        "  keep_last below 3 and keep_daily below 3",
        "  5 newer images by the schedule: about 2026-03-07 02:00Z, then after the grace",
    ]


def test_an_expired_image_is_shown_with_its_hour(sandbox_cli: Cli, stack: SandboxStack) -> None:
    said = sandbox_cli("explain", image_of(stack, 10).id).out

    assert "  goes   at 2026-03-05 02:0" in said
    assert "It stays with any of:\n  keep_last 10 or more\n" in said


def test_only_newer_images_let_the_newest_go(sandbox_cli: Cli, stack: SandboxStack) -> None:
    document = sandbox_cli("explain", image_of(stack, 1).id, "--json").document

    assert (document["result"], document["floor"]) == ("kept", True)
    assert document["to_go"] == [
        "28 newer images by the schedule: about 2026-03-30 02:00Z, then after the grace"
    ]


def test_another_deployments_image_is_one_line(sandbox_cli: Cli, stack: SandboxStack) -> None:
    name = image_of(stack, 1).name.replace("20260301T", "20250301T")
    other = stack.cloud.world.plant_image(
        name=name, created_at=SLOT, volume_id=DB, tags=["vi-ffffffffffff"]
    )

    said = sandbox_cli("explain", other.id)

    assert said.out == (
        f"{other.id}: unknown: deployment ffffffffffff;"
        " goes with ffffffffffff in former_deployments of the config\n"
    )


def test_a_name_of_several_images_is_not_enough(sandbox_cli: Cli, stack: SandboxStack) -> None:
    image = image_of(stack, 30)
    again = stack.cloud.world.plant_image(name=image.name, created_at=SLOT, volume_id=DB)

    said = sandbox_cli("explain", image.name)
    duplicate = sandbox_cli("explain", again.id, "--json").document

    assert said.code == 2
    assert (
        f"several images have this name: name one by its id: {min(image.id, again.id)}" in said.err
    )
    assert duplicate["reasons"] == f"duplicate of {image.id}"


def test_nothing_is_written(sandbox_cli: Cli, stack: SandboxStack) -> None:
    before = dict(stack.cloud.world.images)
    image = image_of(stack, 10)

    first = sandbox_cli("explain", image.id, "--json").document["announced_since"]
    stack.cloud.clock.advance(timedelta(minutes=1))
    second = sandbox_cli("explain", image.id, "--json").document["announced_since"]

    assert first < second
    assert before == stack.cloud.world.images
    assert not [
        method for method, *_ in stack.cloud.requests if method in ("DELETE", "PUT", "PATCH")
    ]


def test_no_such_image_and_a_strangers_are_one_line_each(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    stranger = stack.cloud.world.plant_image(name="golden", created_at=SLOT, volume_id=DB)

    nothing = sandbox_cli("explain", "c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10")
    theirs = sandbox_cli("explain", stranger.id)

    assert (nothing.code, nothing.out) == (2, "")
    assert nothing.err.endswith(": no cloud of the config has an image of this id or name\n")
    assert (theirs.code, theirs.out) == (2, "")
    assert "a stranger's image" in theirs.err
    assert theirs.err.count("\n") == 1
