"""Export runs on an ordinary day: ticks, named slots, requests, and the room there is."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tests.sandbox.clock import START
from tests.support.export_site import BY_HAND, DAY, DB, MINUTE, WEB, ExportSite, request, said
from volume_images.dialect import Dialect
from volume_images.errors import StoreError
from volume_images.metrics import Gauge
from volume_images.model import RequestedExport, Requests, Tick, Unreadable
from volume_images.protocols import Store
from volume_images.report import CloudResult
from volume_images.stopwatch import RunLimits

NOBODY = "00000000-0000-4000-8000-000000000000"
SLOT = START.replace(minute=0)


@dataclass(frozen=True)
class WithoutReports:
    """A store that takes no report; everything else is the real one's."""

    store: Store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.store, name)

    def write_report(self, key: str, body: bytes) -> str:
        """Take none."""
        raise StoreError(f"{key}: no room for {len(body)} bytes")


@dataclass(frozen=True)
class FullStore:
    """A store that takes no state; everything else is the real one's."""

    store: Store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.store, name)

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        """Take none."""
        raise StoreError(f"{key}: no room for {len(body)} bytes after version {version}")


def test_a_due_slot_is_exported_and_settled_then_the_cloud_is_left_alone(site: ExportSite) -> None:
    first = site.run()
    assert first.counts["started"] == 3
    assert {image.name.split("_")[1:3][0] for image in site.images()} == {"daily"}
    assert all(image.name.endswith("20260302T020000Z") for image in site.images())

    site.let_pass(2 * MINUTE)
    second = site.run()
    assert said(second) == [("done", "active")] * 3

    calls = site.calls()
    third = site.run()
    assert third.outcomes == ()
    assert third.clouds[0].result is CloudResult.IDLE
    assert "2026-03-03T02:00:00Z" in third.clouds[0].reason
    assert (site.calls(), third.address) == (calls, "")


def test_every_field_of_the_export_reaches_the_cloud_and_its_whole_answer_the_report(
    site: ExportSite,
) -> None:
    report = site.run(Tick(scheduled_at=SLOT, volume_ids=frozenset({DB})))
    (started,) = report.outcomes
    expected = "zvhd2" if site.cloud.dialect is Dialect.HUAWEI else "qcow2"
    assert started.details["disk_format"] == expected
    assert started.details["size_gib"] == 40
    assert started.details["volume_type"] == "SSD"
    (image,) = site.images()
    assert (started.image_id, started.image_name) == (image.id, image.name)
    assert (image.disk_format, image.container_format) == (expected, "bare")


def test_a_person_is_told_what_was_exported_already(site: ExportSite) -> None:
    site.run()
    site.let_pass(2 * MINUTE)
    site.run()
    again = site.run(limits=BY_HAND)
    assert said(again) == [("done", "already_exported")] * 3
    assert site.posts() == 3


def test_the_next_day_brings_the_next_slot(site: ExportSite) -> None:
    site.run()
    site.let_pass(2 * MINUTE)
    site.run()
    site.let_pass(DAY)
    assert site.run().counts["started"] == 3
    assert len(site.images()) == 6


def test_an_older_slot_is_missed_once_and_the_newest_started(site: ExportSite) -> None:
    site.run()
    site.let_pass(2 * MINUTE)
    site.run()
    site.let_pass(3 * DAY)
    late = site.run()
    assert said(late) == [("missed", "overtaken")] * 6 + [("started", "accepted")] * 3
    assert site.state().missed == {}
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] * 3


def test_a_missed_slot_is_reported_again_until_its_report_is_written(site: ExportSite) -> None:
    site.run()
    site.let_pass(2 * MINUTE)
    site.run()
    site.let_pass(2 * DAY)

    world = site.world()
    red = site.run(world=replace(world, store=WithoutReports(world.store)))
    assert red.red
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] * 3 + [("missed", "overtaken")] * 3


def test_a_tick_that_comes_late_starts_the_slot_within_its_catch_up(site: ExportSite) -> None:
    site.let_pass(11 * 60 * MINUTE)
    assert site.run(Tick(scheduled_at=SLOT)).counts["started"] == 3


def test_a_dry_run_plans_and_touches_nothing(site: ExportSite) -> None:
    report = site.run(Tick(dry_run=True))
    assert said(report) == [("deferred", "dry_run")] * 3
    assert all(outcome.image_name for outcome in report.outcomes)
    assert (site.posts(), site.images(), report.address) == (0, [], "")
    stored = site.stack.aws.s3.list_objects_v2(Bucket=site.stack.state_bucket, Prefix="state/e")
    assert [entry["Key"] for entry in stored.get("Contents", [])] in (
        [],
        ["state/export/config.json"],
    )


def test_a_tick_narrowed_to_a_volume_leaves_the_others_to_the_next(site: ExportSite) -> None:
    assert [one.volume_id for one in site.run(Tick(volume_ids=frozenset({DB}))).outcomes] == [DB]
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] + [("started", "accepted")] * 2


def test_a_trigger_can_only_narrow(site: ExportSite) -> None:
    report = site.run(Tick(volume_ids=frozenset({NOBODY})))
    assert [(one.volume_id, one.reason) for one in report.outcomes] == [(NOBODY, "not_in_config")]
    refused = site.run(request(NOBODY))
    assert said(refused) == [("refused", "request_refused")]
    assert site.posts() == 0


def test_a_policy_named_with_a_time_is_exported_for_exactly_that_time(site: ExportSite) -> None:
    site.edit(schedule=None, catch_up=None)
    at = START - MINUTE
    named = Tick(scheduled_at=at, policies=frozenset({"daily"}))
    assert site.run(named).counts["started"] == 3
    assert {image.name[-16:] for image in site.images()} == {f"{at:%Y%m%dT%H%M%SZ}"}
    assert said(site.run(named)) == [("deferred", "uploading")] * 3
    site.let_pass(2 * MINUTE)
    assert said(site.run(named)) == [("done", "active")] * 3
    assert said(site.run(named)) == [("done", "already_exported")] * 3
    assert site.posts() == 3


def test_a_named_slot_older_than_the_catch_up_is_missed(site: ExportSite) -> None:
    old = Tick(scheduled_at=SLOT - DAY, policies=frozenset({"daily"}))
    assert said(site.run(old)) == [("missed", "too_late")] * 3
    assert site.posts() == 0


def test_a_request_is_exported_in_a_group_of_its_own(site: ExportSite) -> None:
    report = site.run(request(DB, WEB))
    assert said(report) == [("started", "accepted")] * 2
    assert {image.name.split("_")[1] for image in site.images()} == {"daily.request"}
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] * 2 + [("started", "accepted")] * 3


def test_the_same_request_again_costs_no_second_image(site: ExportSite) -> None:
    site.run(request(DB, at=START))
    assert said(site.run(request(DB, at=START))) == [("deferred", "uploading")]
    site.let_pass(2 * MINUTE)
    site.run()
    assert said(site.run(request(DB, at=START))) == [("done", "min_interval")]
    assert site.posts() == 4
    assert len([image for image in site.images() if ".request" in image.name]) == 1


def test_a_request_that_finds_no_room_is_started_by_a_later_tick(site: ExportSite) -> None:
    site.edit({"max_in_flight": 1})
    site.run(Tick(volume_ids=frozenset({WEB})), limits=RunLimits(act=1, end=2))
    calls = site.calls()
    report = site.run(request(DB))
    assert said(report) == [("deferred", "no_room")]
    assert report.gauges[Gauge.REQUESTS_WAITING] == 1
    assert site.calls() == calls
    site.let_pass(2 * MINUTE)
    site.run(limits=RunLimits(act=1, end=2))
    assert [image.name.split("_")[1] for image in site.images()] == ["daily", "daily.request"]


def test_what_waits_for_a_policy_that_left_the_config_is_given_up(site: ExportSite) -> None:
    site.edit({"max_in_flight": 1})
    site.run(Tick(volume_ids=frozenset({WEB})), limits=RunLimits(act=1, end=2))
    site.run(request(DB))
    site.edit(exclude={"backup": "daily"}, select={"backup": "weekly"})
    report = site.run()
    assert ("missed", "left_the_config") in said(report)
    assert site.state().waiting == {}


def test_a_tick_stays_and_fills_the_places_that_become_free(site: ExportSite) -> None:
    site.edit({"max_in_flight": 1})
    report = site.run()
    assert site.posts() == 3
    assert site.cloud.world.most_exports == 1
    assert report.counts["started"] + report.counts["done"] == 3


def test_a_tick_leaves_before_its_time_is_over(site: ExportSite) -> None:
    site.edit({"max_in_flight": 1})
    begun = site.cloud.clock.now()
    report = site.run(limits=RunLimits(act=100, end=120))
    assert site.cloud.clock.now() - begun < timedelta(seconds=120)
    assert 0 < report.counts["started"] + report.counts["done"] < 3
    assert report.counts["deferred"] > 0


def test_a_record_that_cannot_be_read_is_reported_and_delivered_again(site: ExportSite) -> None:
    trigger = Requests(
        requests=(RequestedExport(volume_ids=(DB,), message_id="good"),),
        unreadable=(Unreadable("bad", "the body is no JSON"),),
        from_queue=True,
    )
    report = site.run(trigger)
    assert said(report) == [("refused", "unreadable_request"), ("started", "accepted")]
    assert report.failed_records == ("bad",)


def test_a_request_that_cannot_be_written_down_is_delivered_again(site: ExportSite) -> None:
    trigger = Requests(
        requests=(RequestedExport(volume_ids=(DB,), message_id="m1"),), from_queue=True
    )
    world = site.world()
    report = site.run(trigger, world=replace(world, store=FullStore(world.store)))
    assert report.failed_records == ("m1",)
    assert report.clouds[0].result is CloudResult.NO_STATE
    assert site.posts() == 0
