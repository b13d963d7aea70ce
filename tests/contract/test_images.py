"""Images as every cloud lists, shows and deletes them."""

from datetime import timedelta

import pytest

from tests.contract.expected import Expected
from tests.contract.refusing import refused
from tests.contract.sites import ABSENT, Owner, Site
from volume_images.cloud import huawei, openstack
from volume_images.cloud.open import OpenedCloud
from volume_images.model import ImageStatus

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("page", [1, 2, 5, 1000])
def test_every_image_is_listed_once_however_long_the_pages(
    site: Site, cloud: OpenedCloud, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(huawei, "IMAGES_PAGE", page)
    monkeypatch.setattr(openstack, "PAGE", page)
    planted = [site.plant_image(f"image-{number}") for number in range(5)]
    assert sorted(image.id for image in cloud.images.all()) == sorted(planted)


def test_the_newest_image_is_listed_first(site: Site, cloud: OpenedCloud) -> None:
    planted = [site.plant_image(name) for name in ("first", "second")]
    times = [image.created_at for image in cloud.images.all()]
    assert len(times) == len(planted)
    assert times == sorted(times, reverse=True)


def test_an_image_shows_the_same_alone_and_in_the_listing(site: Site, cloud: OpenedCloud) -> None:
    image_id = site.plant_image("one")
    [listed] = cloud.images.all()
    assert cloud.images.get(image_id) == listed
    assert (listed.name, listed.status, listed.owner) == (
        "one",
        ImageStatus.ACTIVE,
        site.project_id,
    )


def test_a_listing_is_narrowed_at_whole_seconds(site: Site, cloud: OpenedCloud) -> None:
    image_id = site.plant_image("one")
    [image] = cloud.images.all()
    since = image.created_at
    assert [found.id for found in cloud.images.all(since)] == [image_id]
    assert [found.id for found in cloud.images.all(since - SECOND)] == [image_id]
    assert cloud.images.all(since + SECOND) == ()


@pytest.mark.parametrize("owner", [Owner.OTHER, Owner.PUBLIC])
def test_images_of_others_are_not_listed(site: Site, cloud: OpenedCloud, owner: Owner) -> None:
    site.plant_image("theirs", owner=owner)
    assert cloud.images.all() == ()


def test_a_private_image_of_others_does_not_exist(site: Site, cloud: OpenedCloud) -> None:
    theirs = site.plant_image("theirs", owner=Owner.OTHER)
    assert cloud.images.get(theirs) is None
    assert cloud.images.delete(theirs) is False


def test_a_public_image_of_others_is_seen_and_not_deleted(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    theirs = site.plant_image("theirs", owner=Owner.PUBLIC)
    refused(expected.public_of_others, theirs, lambda: cloud.images.delete(theirs))
    seen = cloud.images.get(theirs)
    assert seen is not None
    assert seen.owner != site.project_id


def test_an_image_is_deleted_once(site: Site, cloud: OpenedCloud) -> None:
    image_id, other = site.plant_image("one"), site.plant_image("other")
    assert cloud.images.delete(image_id) is True
    assert cloud.images.get(image_id) is None
    assert cloud.images.delete(image_id) is False
    assert [image.id for image in cloud.images.all()] == [other]


@pytest.mark.parametrize("image_id", [ABSENT, "not-a-uuid"])
def test_an_unknown_image_is_none_and_not_deleted(cloud: OpenedCloud, image_id: str) -> None:
    assert cloud.images.get(image_id) is None
    assert cloud.images.delete(image_id) is False


def test_a_protected_image_is_deleted_only_after_its_protection_is_lifted(
    site: Site, cloud: OpenedCloud, expected: Expected
) -> None:
    image_id = site.plant_image("kept")
    site.protect(image_id, protected=True)
    refused(expected.protected, image_id, lambda: cloud.images.delete(image_id))
    kept = cloud.images.get(image_id)
    assert kept is not None
    assert kept.protected
    site.protect(image_id, protected=False)
    assert cloud.images.delete(image_id) is True


def test_the_members_of_a_shared_image_are_named(site: Site, cloud: OpenedCloud) -> None:
    friends = ["a" * 32, "b" * 32]
    shared = site.plant_image("shared", shared_with=friends)
    assert sorted(cloud.images.members(shared)) == friends


def test_an_image_that_is_not_shared_has_no_members(site: Site, cloud: OpenedCloud) -> None:
    assert cloud.images.members(site.plant_image("private")) == ()
