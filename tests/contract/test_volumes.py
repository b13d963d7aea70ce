"""Volumes as every cloud lists and shows them."""

import pytest

from tests.contract.sites import ABSENT, Site
from volume_images.cloud import huawei, openstack
from volume_images.cloud.open import OpenedCloud
from volume_images.model import VolumeStatus


@pytest.mark.parametrize("page", [1, 2, 1000])
def test_every_volume_is_listed_once_however_long_the_pages(
    site: Site, cloud: OpenedCloud, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(huawei, "VOLUMES_PAGE", page)
    monkeypatch.setattr(openstack, "PAGE", page)
    listed = cloud.volumes.all()
    assert sorted(volume.id for volume in listed) == sorted([*site.volumes, site.attached])


def test_a_volume_shows_the_same_alone_and_in_the_listing(cloud: OpenedCloud) -> None:
    for volume in cloud.volumes.all():
        assert cloud.volumes.get(volume.id) == volume


def test_a_volume_at_rest_tells_what_an_export_needs_to_know(
    site: Site, cloud: OpenedCloud
) -> None:
    volume = cloud.volumes.get(site.volumes[0])
    assert volume is not None
    assert (volume.name, volume.status) == ("db01-data", VolumeStatus.AVAILABLE)
    assert volume.tags == {"backup": "daily"}
    assert volume.size_gib >= 1
    assert volume.zone
    assert volume.volume_type
    assert (volume.server_id, volume.device, volume.encrypted) == ("", "", False)


def test_an_attached_volume_tells_where(site: Site, cloud: OpenedCloud) -> None:
    volume = cloud.volumes.get(site.attached)
    assert volume is not None
    assert volume.status == VolumeStatus.IN_USE
    assert volume.server_id == "643d58ca-b7ed-4bd3-ab8c-cef40d52dfed"
    assert volume.device == "/dev/vda"


@pytest.mark.parametrize("volume_id", [ABSENT, "not-a-uuid"])
def test_an_unknown_volume_is_none(cloud: OpenedCloud, volume_id: str) -> None:
    assert cloud.volumes.get(volume_id) is None
