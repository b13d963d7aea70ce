"""One failure never stops the others, and none is forgotten."""

import json
from dataclasses import replace

from tests.support.export_site import DAY, DB, LOG, MINUTE, WEB, ExportCall, ExportSite, said
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, CredentialError, Throttled
from volume_images.metrics import Gauge
from volume_images.model import ExportAnswer, ExportRequest, Tick
from volume_images.protocols import Cloud
from volume_images.report import CloudResult, ExportResult, Report


def test_a_volume_that_is_refused_does_not_stop_the_others(site: ExportSite) -> None:
    site.cloud.world.set_volume_status(DB, "error")
    del site.cloud.world.volumes[WEB]
    assert said(site.run()) == [
        ("refused", "volume_not_found"),
        ("refused", "volume_status"),
        ("started", "accepted"),
    ]
    site.cloud.world.set_volume_status(DB, "available")
    site.let_pass(2 * MINUTE)
    assert ("started", "accepted") in said(site.run())


def test_a_refusal_by_the_cloud_is_told_with_its_code(site: ExportSite) -> None:
    def late(export: ExportCall, one: ExportRequest) -> ExportAnswer:
        if one.volume_id == DB:
            site.cloud.world.set_volume_status(DB, "detaching")
        return export(one)

    report = site.run(world=site.meddled(late))
    (refused,) = [one for one in report.outcomes if one.result is ExportResult.REFUSED]
    assert (refused.volume_id, refused.reason) == (DB, "cloud_refused")
    assert refused.details["status"] == 400
    assert report.counts["started"] == 2
    assert site.run().counts["refused"] == 1


def test_a_throttled_cloud_is_given_time(site: ExportSite) -> None:
    def throttled(_: object, __: ExportRequest) -> ExportAnswer:
        raise Throttled("slow down", status=429, retry_after=120)

    assert said(site.run(world=site.meddled(throttled))) == [("deferred", "throttled")] * 3
    assert said(site.run()) == [("deferred", "cloud_paused")] * 3
    site.let_pass(3 * MINUTE)
    assert site.run().counts["started"] == 3


def test_a_cloud_found_down_gets_no_more_posts_and_is_told_once(site: ExportSite) -> None:
    tried: list[str] = []

    def down(_: object, one: ExportRequest) -> ExportAnswer:
        tried.append(one.volume_id)
        raise CloudUnavailable("no route to host")

    site.edit({"max_concurrency": 1})
    report = site.run(world=site.meddled(down))
    assert len(tried) == 1
    assert said(report) == []
    assert [(one.result, one.reason) for one in report.changed_clouds] == [
        (CloudResult.UNAVAILABLE, "no route to host")
    ]
    site.let_pass(6 * MINUTE)
    assert site.run().counts["started"] == 3


def test_a_failed_export_is_tried_again_after_its_space(site: ExportSite) -> None:
    site.run()
    for image in site.images():
        site.cloud.world.set_image_status(image.id, "killed")
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("failed", "export_failed")] * 3
    calls = site.calls()
    assert site.run().clouds[0].result is CloudResult.IDLE
    assert site.calls() == calls
    site.let_pass(10 * MINUTE)
    assert site.run().counts["started"] == 3
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] * 3


def test_an_image_that_vanished_is_a_failure(site: ExportSite) -> None:
    site.run()
    site.cloud.world.images.clear()
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("failed", "image_vanished")] * 3


def test_a_stuck_image_holds_no_place_and_does_not_stop_its_slot(site: ExportSite) -> None:
    site.edit({"max_in_flight": 3})
    site.run()
    for image in site.images():
        site.cloud.world.set_image_status(image.id, "queued")
    site.let_pass(120 * MINUTE)
    report = site.run()
    assert said(report) == [("failed", "stuck")] * 3
    assert report.gauges[Gauge.IMAGES_STUCK] == 3
    assert report.gauges[Gauge.EXPORTS_IN_FLIGHT] == 0
    site.let_pass(11 * MINUTE)
    assert site.run().counts["started"] == 3


def test_a_cloud_that_does_not_open_is_an_outcome_and_red_when_it_is_the_only_one(
    site: ExportSite,
) -> None:
    def closed(name: str, refused_secret: str = "") -> Cloud:
        raise CloudUnavailable(f"{name}: connection refused {refused_secret}".strip())

    report = site.run(world=replace(site.world(), open_cloud=closed))
    assert said(report) == []
    assert report.clouds[0].result is CloudResult.UNAVAILABLE
    assert "no cloud could be served" in report.red[0]
    assert site.run().counts["started"] == 3


def test_a_refused_secret_is_not_tried_again_for_an_hour(site: ExportSite) -> None:
    asked: list[str] = []

    def refusing(_: str, refused_secret: str = "") -> Cloud:
        asked.append(refused_secret)
        error = CredentialError("refused", status=401)
        error.refused, error.fingerprint = True, "abc"
        raise error

    world = replace(site.world(), open_cloud=refusing)
    for pause in (MINUTE, 30 * MINUTE, 61 * MINUTE):
        report = site.run(world=world)
        assert report.clouds[0].result is CloudResult.NO_CREDENTIAL
        site.let_pass(pause)
    site.run(world=world)
    assert asked == ["", "abc", "abc", ""]


def test_only_what_changed_is_news(site: ExportSite) -> None:
    site.cloud.world.set_volume_status(DB, "error")
    assert len(site.run().changed) == 3
    again = site.run()
    assert [(one.result, one.reason) for one in again.changed] == [
        (ExportResult.DEFERRED, "uploading"),
        (ExportResult.DEFERRED, "uploading"),
    ]
    assert site.run().changed == ()


def test_volumes_are_discovered_by_their_tags_and_kept_when_a_listing_lacks_them(
    site: ExportSite,
) -> None:
    document = json.loads(json.dumps(site.stack.document))
    document["volumes"] = []
    document["discover"] = [{"cloud": "sandbox", "tags": {"backup": "daily"}}]
    site.stack.write_config(document)
    assert site.run().counts["started"] == 3
    assert set(site.state().discovered) == {DB, WEB, LOG}
    site.let_pass(DAY)
    site.cloud.world.volumes[DB].tags.clear()
    del site.cloud.world.volumes[WEB]
    report = site.run()
    assert report.counts["started"] == 1
    assert set(site.state().discovered) == {LOG}


def test_a_named_slot_reaches_volumes_that_are_only_just_discovered(site: ExportSite) -> None:
    document = json.loads(json.dumps(site.stack.document))
    document["volumes"] = []
    document["discover"] = [{"cloud": "sandbox", "tags": {"backup": "daily"}}]
    document["policies"]["daily"]["schedule"] = None
    site.stack.write_config(document)
    named = Tick(
        scheduled_at=site.cloud.clock.now().replace(microsecond=0), policies=frozenset({"daily"})
    )
    assert site.run(named).counts["started"] == 3


def messages(report: Report) -> list[str]:
    return [str(one.details.get("why", "")) for one in report.outcomes]


def test_why_an_export_failed_is_asked_of_a_plain_openstack(site: ExportSite) -> None:
    if site.cloud.dialect is Dialect.HUAWEI:
        return
    document = json.loads(json.dumps(site.stack.document))
    site.stack.write_config(document)

    def as_vhd(export: ExportCall, one: ExportRequest) -> ExportAnswer:
        return export(replace(one, disk_format="vhd"))

    site.run(world=site.meddled(as_vhd))
    site.let_pass(2 * MINUTE)
    report = site.run()
    assert said(report) == [("failed", "image_vanished")] * 3
    assert all("copy volume to image" in message for message in messages(report))
