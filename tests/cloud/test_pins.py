"""Pins: a tag that each dialect spells in its own way, and that may be set and removed twice."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.cloud.sandbox_opened import open_sandbox
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.things import SandboxImage
from volume_images.cloud.open import OpenedCloud
from volume_images.dialect import Dialect
from volume_images.model import RestorePin

PINS = tuple(
    RestorePin(datetime(2026, 3, day, 2, 5, tzinfo=UTC), f"2026030{day}T020500Z-5f0c1a9{day}")
    for day in (2, 3)
)
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module", params=list(Dialect))
def sandbox(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=request.param, volumes=1) as running:
        yield running


@pytest.fixture(scope="module")
def cloud(sandbox: CloudSandbox) -> OpenedCloud:
    return open_sandbox(sandbox, sandbox.secret("cleanup"))


@pytest.fixture
def image(sandbox: CloudSandbox) -> SandboxImage:
    tag = "app=db" if sandbox.dialect is Dialect.HUAWEI else "app"
    return sandbox.world.plant_image(name="a", created_at=sandbox.clock.now(), tags=[tag])


def is_pinned(cloud: OpenedCloud, image: SandboxImage) -> bool:
    seen = cloud.images.get(image.id)
    assert seen is not None
    return seen.pinned


def test_a_pin_is_set_and_removed_as_often_as_one_likes_and_other_tags_stay(
    cloud: OpenedCloud, image: SandboxImage
) -> None:
    before = list(image.tags)

    assert cloud.images.pin(image.id)
    assert cloud.images.pin(image.id)
    pinned = is_pinned(cloud, image)
    assert cloud.images.unpin(image.id)
    assert cloud.images.unpin(image.id)

    assert (pinned, is_pinned(cloud, image)) == (True, False)
    assert image.tags == before


def test_a_pin_of_whatever_value_is_removed(
    sandbox: CloudSandbox, cloud: OpenedCloud, image: SandboxImage
) -> None:
    image.tags.append("vi-pin=audit-2026" if sandbox.dialect is Dialect.HUAWEI else "vi-pin")

    assert cloud.images.unpin(image.id)

    assert not is_pinned(cloud, image)


def test_an_image_that_is_gone_is_neither_pinned_nor_unpinned(cloud: OpenedCloud) -> None:
    assert not cloud.images.pin(ABSENT)
    assert not cloud.images.unpin(ABSENT)


def restore_pins(cloud: OpenedCloud, image: SandboxImage) -> tuple[RestorePin, ...]:
    seen = cloud.images.get(image.id)
    assert seen is not None
    return seen.restore_pins


def test_restores_side_by_side_pin_an_image_each_for_itself(
    cloud: OpenedCloud, image: SandboxImage
) -> None:
    before = list(image.tags)

    for pin in PINS:
        assert cloud.images.set_restore_pin(image.id, pin)
    both = restore_pins(cloud, image)
    cloud.images.drop_restore_pin(image.id, PINS[0])
    cloud.images.drop_restore_pin(image.id, PINS[0])
    one = restore_pins(cloud, image)
    cloud.images.drop_restore_pin(image.id, PINS[1])

    assert (both, one, is_pinned(cloud, image)) == (PINS, PINS[1:], False)
    assert image.tags == before


def test_tags_that_only_look_like_pins_of_restores_are_none(
    sandbox: CloudSandbox, cloud: OpenedCloud, image: SandboxImage
) -> None:
    huawei = sandbox.dialect is Dialect.HUAWEI
    image.tags.append("vi-restore-later=yes" if huawei else "vi-restore-later")
    assert restore_pins(cloud, image) == ()


def test_an_image_that_is_gone_is_not_pinned_for_a_restore(cloud: OpenedCloud) -> None:
    assert not cloud.images.set_restore_pin(ABSENT, PINS[0])
    cloud.images.drop_restore_pin(ABSENT, PINS[0])
