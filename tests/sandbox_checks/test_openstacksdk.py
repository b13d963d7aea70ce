"""openstacksdk works against the openstack dialect: a client that nobody here wrote."""

from collections.abc import Iterator
from datetime import timedelta

import openstack
import pytest
from openstack.connection import Connection

from tests.sandbox.cloud_server import CloudSandbox

# openstacksdk warns of calls that it makes itself, on every connection.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

DB01 = "16369c5d-384d-4e64-b37a-56d898769362"


@pytest.fixture
def connection(openstack_cloud: CloudSandbox) -> Iterator[Connection]:
    secret = openstack_cloud.secret("export")
    connection = openstack.connection.Connection(
        auth={
            "auth_url": secret["auth_url"],
            "username": secret["username"],
            "password": secret["password"],
            "user_domain_name": secret["domain"],
            "project_name": openstack_cloud.project_name,
            "project_domain_name": secret["domain"],
        },
        region_name=openstack_cloud.region,
    )
    yield connection
    connection.close()


def test_it_walks_and_shows_volumes(connection: Connection) -> None:
    volumes = list(connection.block_storage.volumes(limit=2))
    assert len({volume.id for volume in volumes}) == 5
    shown = connection.block_storage.get_volume(DB01)
    assert (shown.name, shown.size, shown.status) == ("db01-data", 40, "available")
    assert shown.metadata == {"backup": "daily"}


def test_it_exports_a_volume_and_sees_the_image_become_active(
    connection: Connection, openstack_cloud: CloudSandbox
) -> None:
    volume = connection.block_storage.get_volume(DB01)
    answer = connection.block_storage.upload_volume_to_image(
        volume, "nightly", disk_format="qcow2", container_format="bare"
    )
    assert answer["status"] == "uploading"
    assert connection.image.get_image(answer["image_id"]).status == "queued"
    openstack_cloud.clock.advance(timedelta(seconds=60))
    image = connection.image.get_image(answer["image_id"])
    assert (image.status, image.name, image.virtual_size) == ("active", "nightly", 40 * 1024**3)
    assert connection.block_storage.get_volume(DB01).status == "available"


def test_it_walks_filters_and_deletes_images(
    connection: Connection, openstack_cloud: CloudSandbox
) -> None:
    world = openstack_cloud.world
    for day in range(5):
        world.plant_image(
            name=f"image-{day}", created_at=world.clock.now() - timedelta(days=day), tags=["mine"]
        )
    world.plant_image(name="other", created_at=world.clock.now())
    images = list(connection.image.images(tag="mine", limit=2))
    assert [image.name for image in images] == [f"image-{day}" for day in range(5)]
    connection.image.delete_image(images[0].id)
    assert len(list(connection.image.images())) == 5


def test_a_protected_image_stays_until_it_is_unprotected(
    connection: Connection, openstack_cloud: CloudSandbox
) -> None:
    world = openstack_cloud.world
    image = world.plant_image(name="kept", created_at=world.clock.now(), protected=True)
    with pytest.raises(openstack.exceptions.ForbiddenException, match="protected"):
        connection.image.delete_image(image.id)
    connection.image.update_image(image.id, is_protected=False)
    connection.image.delete_image(image.id, ignore_missing=False)
    assert connection.image.find_image(image.id) is None


def test_it_tags_an_image(connection: Connection, openstack_cloud: CloudSandbox) -> None:
    image = openstack_cloud.world.plant_image(name="x", created_at=openstack_cloud.clock.now())
    connection.image.add_tag(image.id, "vi-pin")
    assert image.tags == ["vi-pin"]
    connection.image.remove_tag(image.id, "vi-pin")
    assert image.tags == []


def test_an_application_credential_opens_the_same_project(openstack_cloud: CloudSandbox) -> None:
    connection = openstack.connection.Connection(
        auth_type="v3applicationcredential",
        auth=openstack_cloud.secret("cleanup", kind="application_credential"),
        region_name=openstack_cloud.region,
    )
    assert connection.current_project_id == openstack_cloud.project_id
    assert len(list(connection.block_storage.volumes())) == 5
    connection.close()
