"""Cleanup runs against a cloud and S3 on loopback: announce, wait, delete, and why not."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.clock import START
from tests.sandbox.cloud_server import PROJECT_ID
from tests.sandbox.stack import SandboxStack
from tests.sandbox.things import Visibility
from tests.support.cleanup_site import DAY, DB, HOUR, Passing, Site, reasons, results, with_images
from volume_images.dialect import Dialect
from volume_images.errors import ConfigError, Throttled, TriggerError
from volume_images.export.state import Stuck, empty_export_state
from volume_images.metrics import Gauge
from volume_images.model import GroupKey, Requests, Tick
from volume_images.report import CloudResult, FreshnessState, ImageResult
from volume_images.stopwatch import RunLimits


@pytest.fixture
def site(openstack_site: Site) -> Site:
    return openstack_site


def test_expired_images_are_announced_and_deleted_after_the_grace(either: Site) -> None:
    for day in (26, 27, 28, 29, 30):
        either.plant(day)

    first = either.clean()
    waiting = [either.clean_after(DAY), either.clean_after(DAY)]
    last = either.clean_after(DAY)

    assert results(first) == {
        "day-26": "announced",
        "day-27": "announced",
        "day-28": "kept",
        "day-29": "kept",
        "day-30": "kept",
    }
    announced = next(one for one in first.outcomes if one.image_id == "day-26")
    since = datetime.fromisoformat(str(announced.details["since"]))
    deletes_at = datetime.fromisoformat(str(announced.details["deletes_at"]))
    assert deletes_at - since == timedelta(hours=72)
    assert [results(one)["day-26"] for one in waiting] == ["announced", "announced"]
    assert results(last)["day-26"] == "deleted"
    assert either.deletes() == ["day-26", "day-27"]
    assert sorted(either.images) == ["day-28", "day-29", "day-30"]
    assert either.state().groups == {}
    assert last.red == ()


def test_strangers_with_tempting_names_are_never_touched(either: Site) -> None:
    either.plant(1, "other-prefix", prefix="acme")
    either.plant(2, "other-owner", owner="another-project", visibility=Visibility.PUBLIC)
    either.stand_for_the_grace(26, 27, 28, 29)

    report = either.clean()

    assert results(report) == {
        "day-26": "deleted",
        "day-27": "kept",
        "day-28": "kept",
        "day-29": "kept",
    }
    assert {"other-prefix", "other-owner"} <= either.images.keys()


def test_a_pinned_image_is_kept_and_one_of_another_deployment_is_unknown(either: Site) -> None:
    huawei = either.stack.cloud.dialect is Dialect.HUAWEI
    either.plant(1, "pinned", tags=["vi-pin=1" if huawei else "vi-pin"])
    either.plant(2, "theirs", tags=["vi-deployment=ffffffffffff" if huawei else "vi-ffffffffffff"])
    either.plant(3, "protected", protected=True)
    either.stand_for_the_grace(27, 28, 29)

    report = either.clean()

    assert reasons(report)["pinned"] == "pinned"
    assert reasons(report)["protected"] == "protected"
    assert reasons(report)["theirs"] == "unknown: deployment ffffffffffff"
    assert either.deletes() == []


def test_a_dry_run_plans_and_neither_writes_nor_deletes(site: Site) -> None:
    site.stand_for_the_grace(26, 27, 28, 29)
    before = site.state()

    report = site.clean(Tick(dry_run=True))

    due = [one for one in report.outcomes if one.details.get("due")]
    assert [(one.image_id, one.result) for one in due] == [("day-26", ImageResult.ANNOUNCED)]
    assert report.dry_run
    assert site.deletes() == []
    assert site.state() == before


def test_a_first_dry_run_leaves_no_state(site: Site) -> None:
    site.plant(26)

    site.clean(Tick(dry_run=True))

    assert not site.has_state()


def test_without_wait_the_named_volume_skips_the_wait_and_never_the_floor(site: Site) -> None:
    for day in (26, 27, 28, 29):
        site.plant(day)
    site.edit(retention={"keep_last": 1, "min_keep": 2})

    report = site.clean(without_wait=frozenset({DB}))

    assert site.deletes() == ["day-26", "day-27"]
    assert reasons(report)["day-28"] == "floor 2/2"


def test_what_is_deleted_without_wait_was_written_down_first(site: Site) -> None:
    for day in (26, 27, 28, 29):
        site.plant(day)
    carried: list[bool] = []

    class Watching(Passing):
        def delete(self, image_id: str) -> bool:
            group = site.state().group(PROJECT_ID, GroupKey("daily", requested=False, volume_id=DB))
            carried.append(image_id in group.announced)
            return super().delete(image_id)

    site.clean(without_wait=frozenset({DB}), change=with_images(Watching))

    assert carried == [True]


def test_a_named_volume_that_nobody_knows_is_said_so(site: Site) -> None:
    report = site.clean(without_wait=frozenset({"c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10"}))

    (stray,) = report.outcomes
    assert stray.result is ImageResult.NOT_DELETED
    assert stray.volume_id == "c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10"
    assert stray.reason == "volume is neither in the config nor has it images"


def test_a_slip_of_the_config_that_is_reverted_loses_nothing(site: Site) -> None:
    for day in (26, 27, 28, 29):
        site.plant(day)
    site.edit(retention={"keep_last": 1})
    site.clean()
    site.clean_after(DAY)
    site.edit(retention={"keep_last": 9})
    site.let_pass(HOUR)
    site.edit(retention={"keep_last": 1})
    lapsed = site.clean_after(DAY)
    late = site.clean_after(DAY)

    assert lapsed.gauges[Gauge.ANNOUNCEMENTS_LAPSED] == 3
    assert late.gauges[Gauge.ANNOUNCEMENTS_LAPSED] == 0
    assert site.deletes() == []


def test_a_config_that_does_not_parse_stops_cleanup_red(site: Site) -> None:
    site.stand_for_the_grace(26, 27, 28, 29)
    site.stack.write_config({"version": 1, "prefix": 7})

    try:
        report = site.clean()
    except ConfigError:
        assert site.deletes() == []
    else:
        assert report.red
        assert report.outcomes == ()
    assert site.deletes() == []


def test_only_what_changed_since_the_last_run_is_told_as_changed(site: Site) -> None:
    for day in (26, 27, 28, 29):
        site.plant(day)
    site.plant(20, "odd", size_gib=99)

    first, second = site.clean(), site.clean()
    site.clean_after(DAY)
    site.clean_after(DAY)
    last = site.clean_after(DAY)
    after = site.clean()

    assert {one.image_id for one in first.changed} == {"day-26", "odd"}
    assert second.changed == ()
    assert {one.image_id: one.result for one in last.changed} == {"day-26": ImageResult.DELETED}
    assert after.changed == ()
    assert results(after)["odd"] == "unknown"


def test_failed_images_go_a_day_after_they_were_first_seen(either: Site) -> None:
    either.plant(29)
    either.plant(28, "bad", status="killed")

    first = either.clean()
    early = either.clean_after(timedelta(hours=23))
    late = either.clean_after(HOUR)

    assert reasons(first)["bad"].startswith("failed since 2026-03-02T02:05:0")
    assert [results(one)["bad"] for one in (first, early, late)] == [
        "announced",
        "announced",
        "deleted",
    ]


OF_STUCK = {Dialect.HUAWEI: "not_deleted", Dialect.OPENSTACK: "deleted"}
"""IMS deletes no image that is still being created (IMG.0090)."""


def test_a_stuck_image_of_the_exporters_state_goes_a_day_after_it_was_found(either: Site) -> None:
    either.plant(29)
    either.plant(27, "stuck", status="queued")
    either.plant(28, "pending", status="saving")
    found = Stuck(group=f"daily/{DB}", slot=START, image_name="stuck", found_at=START - DAY)
    deployment = either.world().deployment_id
    state = empty_export_state(deployment).model_copy(update={"stuck": {"stuck": found}})
    either.stack.aws.s3.put_object(
        Bucket=either.stack.state_bucket,
        Key="state/export/sandbox.json",
        Body=state.model_dump_json().encode(),
    )

    report = either.clean()

    of_stuck = OF_STUCK[either.stack.cloud.dialect]
    assert results(report) == {"day-29": "kept", "stuck": of_stuck, "pending": "kept"}


def test_freshness_is_told_of_every_covered_volume_and_its_facts_are_kept(either: Site) -> None:
    (never,) = either.clean().freshness
    either.plant(30)
    (fresh,) = either.clean().freshness
    (stale,) = either.clean_after(2 * DAY).freshness

    assert (never.state, never.stale) == (FreshnessState.NEVER_EXPORTED, False)
    assert (fresh.state, fresh.newest_slot) == (
        FreshnessState.FRESH,
        datetime(2026, 3, 2, 2, tzinfo=UTC),
    )
    assert (stale.state, stale.stale) == (FreshnessState.STALE, True)
    assert either.state().volumes[DB].size_gib == 40


def test_a_request_for_exports_is_refused(site: Site) -> None:
    with pytest.raises(TriggerError, match="cleanup takes no request for exports"):
        site.clean(Requests(requests=()))


def test_a_policy_that_is_not_in_the_config_is_refused(site: Site) -> None:
    with pytest.raises(TriggerError, match="not in the config: hourly"):
        site.clean(Tick(policies=frozenset({"hourly"})))


def test_a_narrowed_run_leaves_the_other_groups_as_they_stand(site: Site) -> None:
    site.stand_for_the_grace(26, 27, 28, 29)

    report = site.clean(Tick(volume_ids=frozenset({"5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"})))

    assert site.deletes() == []
    assert {one.volume_id for one in report.outcomes} == {"5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"}
    assert results(site.clean())["day-26"] == "deleted"


def test_no_delete_begins_after_its_time_and_what_is_due_stays_announced(site: Site) -> None:
    site.stand_for_the_grace(26, 27, 28, 29)

    report = site.clean(limits=RunLimits(act=0.0, end=60.0))

    (due,) = (one for one in report.outcomes if one.details.get("due"))
    assert (due.image_id, due.result) == ("day-26", ImageResult.ANNOUNCED)
    assert site.deletes() == []


def test_a_run_that_does_not_end_in_time_is_told_and_red(site: Site) -> None:
    report = site.clean(limits=RunLimits(act=0.0, end=0.0))

    (cloud,) = report.clouds
    assert (cloud.result, cloud.reason) == (CloudResult.UNAVAILABLE, "did not end in time")
    assert report.red == ("no cloud could be judged: sandbox: did not end in time",)


def test_what_is_being_restored_stays_until_its_pin_is_dropped_or_overdue(either: Site) -> None:
    huawei = either.stack.cloud.dialect is Dialect.HUAWEI
    pin = (
        "vi-restore-5f0c1a9e=20260302T020500Z" if huawei else "vi-restore-20260302T020500Z-5f0c1a9e"
    )
    either.stand_for_the_grace(26, 27, 28, 29, 30)
    either.images["day-26"].tags.append(pin)

    pinned = either.clean()
    for _ in range(3):
        either.clean_after(DAY)
    still_there = list(either.images["day-26"].tags)
    announced = either.clean_after(DAY)

    assert reasons(pinned)["day-26"] == "being restored"
    assert pin in still_there
    assert results(announced)["day-26"] == "announced"
    assert pin not in either.images["day-26"].tags


def test_how_full_the_image_quota_is_comes_from_the_config_else_from_the_cloud(
    huawei_stack: SandboxStack, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds = site.document()["clouds"]
    clouds["sandbox"]["image_quota"] = 4
    for day in (1, 2, 3):
        site.plant(day)
    assert Gauge.IMAGE_QUOTA_USED not in site.clean().gauges  # a stock Glance tells nobody
    site.edit_document(clouds=clouds)
    assert site.clean().gauges[Gauge.IMAGE_QUOTA_USED] == 75

    told = Site.in_force(huawei_stack, monkeypatch)
    monkeypatch.setattr(huawei_stack.cloud.world, "image_quota", 10)
    told.plant(1)
    assert told.clean().gauges[Gauge.IMAGE_QUOTA_USED] == 10


def test_a_quota_that_cannot_be_read_stops_nothing(site: Site) -> None:
    class Untold(Passing):
        def room(self) -> int | None:
            raise Throttled("429: slow down")

    site.plant(1)
    report = site.clean(change=with_images(Untold))
    assert report.counts["kept"] == 1
    assert Gauge.IMAGE_QUOTA_USED not in report.gauges
