"""The vendor's own SDKs, signing with an access key, work against the huawei dialect."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkevs import v2 as evs
from huaweicloudsdkims import v2 as ims

from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.things import SandboxImage
from volume_images.dialect import Dialect

# Glance's form of the call, which is also what this product sends.
pytestmark = pytest.mark.filterwarnings("ignore:Method .glance_show_image.:DeprecationWarning")

DB01 = "16369c5d-384d-4e64-b37a-56d898769362"

Client = TypeVar("Client")


@pytest.fixture(scope="module")
def cloud() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.HUAWEI, volumes=5) as running:
        yield running


@pytest.fixture(scope="module")
def hosts(cloud: CloudSandbox) -> Iterator[dict[str, str]]:
    with (
        cloud.alone("identity") as identity,
        cloud.alone("volume") as volume,
        cloud.alone("image") as image,
    ):
        yield {"identity": identity, "volume": volume, "image": image}


def credentials(cloud: CloudSandbox, kind: str = "access_key") -> BasicCredentials:
    secret = cloud.secret("export", kind)
    made = BasicCredentials(secret["access_key"], secret["secret_key"], cloud.project_id)
    return made.with_security_token(secret["security_token"]) if kind != "access_key" else made


@pytest.fixture
def images(cloud: CloudSandbox, hosts: dict[str, str]) -> ims.ImsClient:
    cloud.world.images.clear()
    builder = ims.ImsClient.new_builder().with_credentials(credentials(cloud))
    return builder.with_endpoint(hosts["image"]).build()


@pytest.fixture
def volumes(cloud: CloudSandbox, hosts: dict[str, str]) -> evs.EvsClient:
    builder = evs.EvsClient.new_builder().with_credentials(credentials(cloud))
    return builder.with_endpoint(hosts["volume"]).build()


def planted(cloud: CloudSandbox, name: str, **changes: Any) -> SandboxImage:  # noqa: ANN401
    return cloud.world.plant_image(name=name, created_at=cloud.clock.now(), **changes)


def test_it_lists_and_shows_volumes_with_their_tags(volumes: evs.EvsClient) -> None:
    listed = volumes.list_volumes(evs.ListVolumesRequest(limit=2, offset=1))
    assert (listed.count, len(listed.volumes)) == (5, 2)
    shown = volumes.show_volume(evs.ShowVolumeRequest(volume_id=DB01)).volume
    assert (shown.name, shown.size, shown.status) == ("db01-data", 40, "available")
    assert shown.tags == {"backup": "daily"}
    tags = volumes.show_volume_tags(evs.ShowVolumeTagsRequest(volume_id=DB01)).tags
    assert [(tag.key, tag.value) for tag in tags] == [("backup", "daily")]


def test_it_lists_images_by_filters_and_pages(cloud: CloudSandbox, images: ims.ImsClient) -> None:
    for day in range(3):
        made = cloud.clock.now() - timedelta(days=day)
        cloud.world.plant_image(name=f"image {day}+", created_at=made, tags=["owner=us & them"])
    planted(cloud, "other")
    request = ims.ListImagesRequest(
        imagetype="private", tag="owner=us & them", sort_key="created_at", sort_dir="asc", limit=2
    )
    first = images.list_images(request).images
    request.marker = first[-1].id
    names = [image.name for image in (*first, *images.list_images(request).images)]
    assert names == ["image 2+", "image 1+", "image 0+"]


def test_it_shows_an_image(cloud: CloudSandbox, images: ims.ImsClient) -> None:
    image = planted(cloud, "one")
    shown = images.glance_show_image(ims.GlanceShowImageRequest(image_id=image.id))
    assert (shown.id, shown.name, shown.status) == (image.id, "one", "active")
    found = images.list_images(ims.ListImagesRequest(id=image.id)).images
    assert [each.owner for each in found] == [cloud.project_id]


def test_it_tags_an_image_and_takes_tags_away(cloud: CloudSandbox, images: ims.ImsClient) -> None:
    image = planted(cloud, "one")
    mark = ims.ResourceTag(key="vi-deployment", value="0123456789ab")
    for tag in (mark, ims.ResourceTag(key="team", value="db")):
        body = ims.AddImageTagRequestBody(tag=tag)
        images.add_image_tag(ims.AddImageTagRequest(image_id=image.id, body=body))
    body = ims.BatchAddOrDeleteTagsRequestBody(action="delete", tags=[mark])
    images.batch_add_or_delete_tags(ims.BatchAddOrDeleteTagsRequest(image_id=image.id, body=body))
    left = images.list_image_tags(ims.ListImageTagsRequest(image_id=image.id)).tags
    assert [(tag.key, tag.value) for tag in left] == [("team", "db")]
    assert image.tags == ["team=db"]


def test_it_deletes_an_image_once(cloud: CloudSandbox, images: ims.ImsClient) -> None:
    image = planted(cloud, "one")
    request = ims.GlanceDeleteImageRequest(image_id=image.id)
    assert images.glance_delete_image(request).status_code == 204
    assert cloud.world.images == {}
    with pytest.raises(ClientRequestException) as caught:
        images.glance_delete_image(request)
    assert (caught.value.status_code, caught.value.error_code) == (400, "IMG.0027")


def test_it_does_not_delete_a_protected_image(cloud: CloudSandbox, images: ims.ImsClient) -> None:
    image = planted(cloud, "kept", protected=True)
    with pytest.raises(ClientRequestException) as caught:
        images.glance_delete_image(ims.GlanceDeleteImageRequest(image_id=image.id))
    assert caught.value.error_code == "IMG.0028"
    assert image.id in cloud.world.images


def test_it_reads_the_image_quota(cloud: CloudSandbox, images: ims.ImsClient) -> None:
    planted(cloud, "one")
    [resource] = images.show_image_quota(ims.ShowImageQuotaRequest()).quotas.resources
    assert (resource.type, resource.used, resource.quota) == ("image", 1, cloud.world.image_quota)


def test_a_temporary_key_with_its_token_does_as_well(
    cloud: CloudSandbox, hosts: dict[str, str]
) -> None:
    temporary = credentials(cloud, "temporary_access_key")
    builder = evs.EvsClient.new_builder().with_credentials(temporary)
    client = builder.with_endpoint(hosts["volume"]).build()
    assert client.list_volumes(evs.ListVolumesRequest()).count == 5


def test_it_finds_the_project_of_its_region_by_name(
    cloud: CloudSandbox, hosts: dict[str, str]
) -> None:
    """The SDK looks a project up by the region's name; of several or none it makes an error."""
    secret = cloud.secret("export", "access_key")

    def client(region: str) -> evs.EvsClient:
        keys = BasicCredentials(secret["access_key"], secret["secret_key"])
        builder = evs.EvsClient.new_builder()
        builder.with_credentials(keys.with_iam_endpoint(hosts["identity"]))
        return builder.with_region(Region(region, hosts["volume"])).build()

    found = client(cloud.project_name).list_volumes(evs.ListVolumesRequest())
    assert found.count == 5
    with pytest.raises(SdkException, match="Failed to get project id"):
        client("elsewhere")


def test_a_wrong_key_is_a_401_of_the_gateway(cloud: CloudSandbox, hosts: dict[str, str]) -> None:
    access_key = cloud.secret("cleanup", "access_key")["access_key"]
    wrong = BasicCredentials(access_key, "wrong", cloud.project_id)
    client = ims.ImsClient.new_builder().with_credentials(wrong).with_endpoint(hosts["image"])
    with pytest.raises(ClientRequestException) as caught:
        client.build().list_images(ims.ListImagesRequest())
    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
