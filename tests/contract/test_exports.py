"""Exports from the POST to their end, and what every cloud refuses to export."""

from datetime import timedelta

import pytest

from tests.contract.conftest import SITES
from tests.contract.expected import Expected
from tests.contract.refusing import refused
from tests.contract.sites import (
    ABSENT,
    Site,
    Spoilt,
    follow,
    opened,
    started,
    wanted,
)
from tests.contract.swapping import spoilt_first
from volume_images.cloud.open import OpenedCloud
from volume_images.model import ImageStatus, VolumeStatus

GIB = 1024**3
PLAIN_OPENSTACK = SITES[1:]
STAGES: list[str] = [ImageStatus.QUEUED, ImageStatus.SAVING, ImageStatus.ACTIVE]


def test_the_answer_names_the_image_before_its_bytes_are_there(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    volume = cloud.volumes.get(site.volumes[0])
    assert volume is not None
    answer = started(cloud, wanted(volume.id, expected.disk_format))
    assert (answer.volume_id, answer.image_name) == (volume.id, "contract")
    assert (answer.status, answer.size_gib) == (VolumeStatus.UPLOADING, volume.size_gib)
    assert (answer.disk_format, answer.container_format) == (expected.disk_format, "bare")
    assert answer.updated_at is not None
    assert answer.volume_type is not None
    assert answer.volume_type.name == volume.volume_type
    image = cloud.images.get(answer.image_id)
    assert image is not None
    assert (image.name, image.owner) == ("contract", site.project_id)


def test_an_export_runs_through_its_statuses_and_frees_the_volume(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    volume = cloud.volumes.get(site.volumes[0])
    assert volume is not None
    export = started(cloud, wanted(volume.id, expected.disk_format))
    followed = follow(site, cloud, export)
    assert list(followed.volume_statuses) == [VolumeStatus.UPLOADING, VolumeStatus.AVAILABLE]
    assert sorted(followed.image_statuses, key=STAGES.index) == list(followed.image_statuses)
    image = followed.image
    assert image is not None
    assert image.status == ImageStatus.ACTIVE
    assert image.disk_format == expected.disk_format
    assert image.size_bytes
    assert image.virtual_bytes == (volume.size_gib * GIB if expected.tells_virtual_size else None)
    assert image.min_disk_gib == (volume.size_gib if expected.tells_least_disk else None)
    assert (image.protected, image.pinned, image.deployment) == (False, False, None)
    assert image in cloud.images.all()
    assert abs(image.created_at - site.clock.now()) < timedelta(minutes=5)


def test_two_volumes_are_exported_side_by_side_under_one_name(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    exports = [started(cloud, wanted(one, expected.disk_format)) for one in site.volumes[:2]]
    for export in exports:
        follow(site, cloud, export)
    images = {image.id: image for image in cloud.images.all()}
    assert set(images) == {export.image_id for export in exports}
    assert {image.status for image in images.values()} == {ImageStatus.ACTIVE}


def test_the_longest_name_is_kept_whole(site: Site, cloud: OpenedCloud, expected: Expected) -> None:
    name = "n" * expected.longest_name
    export = started(cloud, wanted(site.volumes[0], expected.disk_format, image_name=name))
    image = follow(site, cloud, export).image
    assert image is not None
    assert image.name == name


def test_an_attached_volume_is_exported_with_force_and_stays_attached(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    asked = wanted(site.attached, expected.disk_format, force=True)
    followed = follow(site, cloud, started(cloud, asked))
    assert followed.image is not None
    assert followed.image.status == ImageStatus.ACTIVE
    assert followed.volume_statuses[-1] == VolumeStatus.IN_USE


def test_an_attached_volume_is_refused_without_force(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    asked = wanted(site.attached, expected.disk_format)
    refused(expected.attached, site.attached, lambda: cloud.volumes.export(asked))
    _nothing_began(site.attached, cloud, VolumeStatus.IN_USE)


@pytest.mark.parametrize("force", [False, True])
def test_a_volume_that_is_uploading_is_refused(
    site: Site, cloud: OpenedCloud, expected: Expected, *, force: bool
) -> None:
    volume_id = site.volumes[0]
    first = started(cloud, wanted(volume_id, expected.disk_format))
    again = wanted(volume_id, expected.disk_format, force=force)
    refusal = expected.uploading_with_force if force else expected.uploading
    refused(refusal, volume_id, lambda: cloud.volumes.export(again))
    followed = follow(site, cloud, first)
    assert followed.image_statuses[-1] == ImageStatus.ACTIVE


def test_an_unknown_volume_is_refused(cloud: OpenedCloud, expected: Expected) -> None:
    asked = wanted(ABSENT, expected.disk_format)
    refused(expected.unknown_volume, ABSENT, lambda: cloud.volumes.export(asked))


def test_a_disk_format_of_another_cloud_is_refused(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    asked = wanted(site.volumes[0], expected.foreign_disk_format)
    refused(expected.bad_disk_format, "", lambda: cloud.volumes.export(asked))
    _nothing_began(site.volumes[0], cloud)


def test_an_unknown_container_format_is_refused(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    asked = wanted(site.volumes[0], expected.disk_format, container_format="box")
    refused(expected.bad_container_format, "", lambda: cloud.volumes.export(asked))
    _nothing_began(site.volumes[0], cloud)


def test_a_name_that_is_too_long_is_refused(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    name = "n" * (expected.longest_name + 1)
    asked = wanted(site.volumes[0], expected.disk_format, image_name=name)
    refused(expected.name_too_long, name, lambda: cloud.volumes.export(asked))
    _nothing_began(site.volumes[0], cloud)


@pytest.mark.parametrize("spoilt", list(Spoilt))
def test_a_token_that_is_not_taken_is_replaced_for_a_read(site: Site, spoilt: Spoilt) -> None:
    with spoilt_first(site, site.spoilt_token(spoilt)) as secret:
        volume = opened(site, secret).volumes.get(site.volumes[0])
    assert volume is not None


@pytest.mark.parametrize("spoilt", list(Spoilt))
def test_an_export_whose_token_is_not_taken_begins_once_with_another(
    site: Site, cloud: OpenedCloud, expected: Expected, spoilt: Spoilt
) -> None:
    asked = wanted(site.volumes[0], expected.disk_format)
    with spoilt_first(site, site.spoilt_token(spoilt)) as secret:
        answer = started(opened(site, secret), asked)
    followed = follow(site, cloud, answer)
    assert followed.image is not None
    assert [image.name for image in cloud.images.all()].count(asked.image_name) == 1


@pytest.mark.parametrize("standing_site", PLAIN_OPENSTACK, indirect=True)
def test_a_failed_export_vanishes_and_leaves_a_message(site: Site, cloud: OpenedCloud) -> None:
    volume_id, before = site.volumes[0], site.clock.now()
    followed = follow(site, cloud, started(cloud, wanted(volume_id, "vhd")))
    assert followed.image is None
    assert followed.volume_statuses[-1] == VolumeStatus.AVAILABLE
    assert cloud.volumes.failure_message(volume_id, before) == (
        "copy volume to image:Failed to upload volume to image at backend."
    )
    assert cloud.volumes.failure_message(volume_id, before + timedelta(hours=1)) == ""
    assert cloud.volumes.failure_message(site.volumes[1], before) == ""


def test_an_export_that_succeeds_leaves_no_message(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    volume_id, before = site.volumes[2], site.clock.now()
    follow(site, cloud, started(cloud, wanted(volume_id, expected.disk_format)))
    assert cloud.volumes.failure_message(volume_id, before) == ""


def _nothing_began(
    volume_id: str, cloud: OpenedCloud, status: str = VolumeStatus.AVAILABLE
) -> None:
    volume = cloud.volumes.get(volume_id)
    assert volume is not None
    assert volume.status == status
    assert cloud.images.all() == ()
