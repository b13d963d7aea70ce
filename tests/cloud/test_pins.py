"""Pins: a tag that each dialect spells in its own way, and that may be set and removed twice."""

import json
from collections.abc import Iterator

import pytest

from tests.cloud.scripted import TLS, StillClock
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.world import SandboxImage
from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.config.schema import CloudConfig
from volume_images.model import Dialect

ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module", params=list(Dialect))
def sandbox(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=request.param, volumes=1) as running:
        yield running


@pytest.fixture(scope="module")
def cloud(sandbox: CloudSandbox) -> OpenedCloud:
    config = CloudConfig(
        dialect=sandbox.dialect,
        region=sandbox.region,
        project=sandbox.project_name,
        requests_per_second=1e6,
    )
    secret = parse_secret(json.dumps(sandbox.secret("cleanup")), "x")
    return open_cloud(config, secret, clock=StillClock(), tls=TLS)


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
