"""Exports in IMS jobs, and the quotas that a cloud tells: the huawei dialect alone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.sandbox.fates import GOOD, Fate, ImageFate
from tests.support.export_site import DB, LOG, MINUTE, WEB, ExportSite, said
from tests.support.stack_in_force import stack_in_force
from volume_images.dialect import Dialect
from volume_images.model import ImageStatus, Tick, VolumeStatus

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def huawei_site() -> Iterator[ExportSite]:
    with stack_in_force(Dialect.HUAWEI, volumes=3) as stack:
        yield ExportSite(stack)


@pytest.fixture
def site(huawei_site: ExportSite) -> ExportSite:
    """Every volume but the last one attached, and exports in jobs."""
    huawei_site.reset()
    huawei_site.edit({"strategy": "ims_job"}, export={})
    for volume_id in (DB, WEB):
        volume = huawei_site.cloud.world.volumes[volume_id]
        volume.server_id, volume.status = "server-1", VolumeStatus.IN_USE
    return huawei_site


def test_attached_disks_are_exported_in_jobs_and_settled_by_them(site: ExportSite) -> None:
    report = site.run()
    assert said(report) == [
        ("refused", "volume_not_attached"),
        ("started", "accepted"),
        ("started", "accepted"),
    ]
    assert [one.volume_id for one in report.outcomes if one.result == "refused"] == [LOG]
    assert all(entry.job_id for entry in site.state().under_way.values())
    assert site.posts() == 0  # EVS is not asked to export

    site.let_pass(2 * MINUTE)
    assert said(site.run())[:2] == [("done", "active")] * 2
    assert site.state().under_way == {}
    names = {image.name for image in site.images()}
    assert all(name.endswith("20260302T020000Z") for name in names)
    assert all("vi-policy=daily" in image.tags for image in site.images())


def test_a_job_under_way_holds_its_place_and_its_volume(site: ExportSite) -> None:
    site.run()
    site.let_pass(MINUTE / 2)
    jobs = len(site.cloud.world.jobs)
    assert ("deferred", "uploading") in said(site.run())
    assert len(site.cloud.world.jobs) == jobs


def test_a_job_that_fails_says_why_and_is_tried_again(site: ExportSite) -> None:
    site.cloud.world.fate = Fate(image=ImageFate.FAILED)
    site.run(Tick(volume_ids=frozenset({DB})))
    site.let_pass(2 * MINUTE)
    (failed,) = site.run(Tick(volume_ids=frozenset({DB}))).outcomes
    assert (failed.result.value, failed.reason) == ("failed", "export_failed")
    assert failed.details["why"] == "IMG.0120 The data disk cannot be read."
    site.cloud.world.fate = GOOD
    site.let_pass(11 * MINUTE)
    assert said(site.run(Tick(volume_ids=frozenset({DB})))) == [("started", "accepted")]


def test_an_image_whose_job_ended_without_finishing_it_is_stuck(site: ExportSite) -> None:
    site.run(Tick(volume_ids=frozenset({DB})))
    (image,) = site.images()
    site.cloud.world.set_image_status(image.id, ImageStatus.SAVING)
    site.let_pass(2 * HOUR)
    (stuck,) = site.run(Tick(volume_ids=frozenset({DB}))).outcomes
    assert (stuck.result.value, stuck.reason) == ("failed", "stuck")
    assert list(site.state().stuck) == [image.id]


def test_a_refused_job_is_a_refusal_with_the_clouds_code(site: ExportSite) -> None:
    """The config's quota is what counts until the cloud says otherwise."""
    site.cloud.world.image_quota = 0
    site.edit({"strategy": "ims_job", "image_quota": 5})
    refused = site.run(Tick(volume_ids=frozenset({DB})))
    assert said(refused) == [("refused", "cloud_refused")]
    assert refused.outcomes[0].details["code"] == "IMG.0015"


def test_exports_beyond_the_clouds_own_quota_are_not_sent(site: ExportSite) -> None:
    site.edit({"strategy": "volume_upload"})
    for volume in site.cloud.world.volumes.values():
        volume.server_id, volume.status = "", VolumeStatus.AVAILABLE
    site.cloud.world.image_quota = 2
    before = site.calls()
    report = site.run()
    assert said(report) == [("refused", "image_quota")] + [("started", "accepted")] * 2
    asked = [seen for seen in site.cloud.requests[before:] if seen.path.endswith("/quota")]
    assert len(asked) == 1
