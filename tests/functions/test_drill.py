"""Drills, in both dialects: restored, looked at, removed; and what a killed one left behind."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from tests.sandbox.clock import START
from tests.support.fleet import EndingClock
from tests.support.interruption import interruption
from tests.support.restore_site import DAY, DB, WEB, RestoreSite, Wrapped
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, LostAnswer, TriggerError
from volume_images.filing import filed
from volume_images.metrics import Gauge, totals
from volume_images.model import NewVolume, Requests, Tick
from volume_images.report import CloudResult, DrillResult
from volume_images.restore.drill_names import drill_volume_name
from volume_images.restore.drill_run import drill_run
from volume_images.restore.drilling import REMOVED_WITHIN
from volume_images.stopwatch import RunLimits

RUN = "20260228T020000Z-5f0c1a9e"


@pytest.fixture
def site(restore_site: RestoreSite) -> RestoreSite:
    restore_site.reset()
    return restore_site


def test_a_drill_restores_looks_and_removes(site: RestoreSite) -> None:
    seen: list[str] = []
    report = site.drill(then=lambda _: seen.extend(one.name for one in site.new_volumes()))
    (outcome,) = report.outcomes
    assert (outcome.result, outcome.reason) == (DrillResult.PASSED, "whole")
    assert outcome.details["size_gib"] == site.stack.cloud.world.volumes[outcome.volume_id].size_gib
    assert outcome.details["checksum"] == "unchanged"
    assert int(outcome.details["seconds"]) >= 2
    assert outcome.slot == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert all(name.startswith("vi-drill-") and report.run_id in name for name in seen)
    assert seen
    assert (site.new_volumes(), site.pins(), site.posts()) == ([], [], 1)
    assert len(site.stack.cloud.world.images) == 12


def test_one_volume_of_each_policy_is_drilled_in_its_turn(site: RestoreSite) -> None:
    """By the date: a round of three volumes begins where the day's number is one of three."""
    today = site.stack.cloud.clock.now().toordinal()
    site.stack.cloud.clock.advance(DAY * (-today % 3))
    drilled = []
    for _ in range(3):
        drilled += [outcome.volume_id for outcome in site.drill().outcomes]
        site.stack.cloud.clock.advance(DAY)
    assert sorted(drilled) == sorted(entry["id"] for entry in site.stack.document["volumes"])


def test_a_policy_without_a_good_image_has_nothing_to_drill(site: RestoreSite) -> None:
    site.stack.cloud.world.images.clear()
    (outcome,) = site.drill().outcomes
    said = (outcome.result, outcome.reason, outcome.policy)
    assert said == (DrillResult.SKIPPED, "no_good_image", "daily")


def test_a_volume_that_is_gone_is_drilled_by_what_cleanup_remembers(site: RestoreSite) -> None:
    site.remember(DB)
    del site.stack.cloud.world.volumes[DB]
    (outcome,) = site.drill(Tick(volume_ids=frozenset({DB}))).outcomes
    assert (outcome.result, outcome.volume_id) == (DrillResult.PASSED, DB)


@pytest.mark.slow
def test_a_volume_that_nobody_remembers_fails_its_drill_where_a_person_would_be_asked(
    site: RestoreSite,
) -> None:
    del site.stack.cloud.world.volumes[DB]
    (outcome,) = site.drill(Tick(volume_ids=frozenset({DB}))).outcomes
    asked = site.stack.cloud.dialect is Dialect.HUAWEI
    assert outcome.result is (DrillResult.FAILED if asked else DrillResult.PASSED)
    assert (outcome.reason == "volume_unknown") is asked


def test_a_dry_run_says_what_it_would_restore_and_makes_nothing(site: RestoreSite) -> None:
    report = site.drill(Tick(dry_run=True))
    (outcome,) = report.outcomes
    assert (outcome.result, outcome.reason, report.dry_run) == ("skipped", "dry_run", True)
    assert str(outcome.details["name"]).startswith("vi-drill-")
    methods = {seen.method for seen in site.stack.cloud.requests if "/v3/auth" not in seen.path}
    assert methods <= {"GET"}


def test_a_drill_whose_volume_ends_in_error_fails_and_removes_it(site: RestoreSite) -> None:
    def fail(_: int) -> None:
        for made in site.new_volumes():
            made.status, made.ready_at = "error", None

    (outcome,) = site.drill(then=fail).outcomes
    assert (outcome.result, outcome.reason) == (DrillResult.FAILED, "restore_failed")
    assert "ended in status error" in str(outcome.details["why"])
    assert (site.new_volumes(), site.pins()) == ([], [])


def test_an_image_whose_checksum_changed_meanwhile_fails(site: RestoreSite) -> None:
    def spoil(_: int) -> None:
        for image in site.stack.cloud.world.images.values():
            image.content = "other bytes"

    (outcome,) = site.drill(then=spoil).outcomes
    assert (outcome.result, outcome.reason) == (DrillResult.FAILED, "image_changed")


@dataclass(frozen=True)
class Untold(Wrapped):
    """A cloud that tells no checksum, as IMS may."""

    @property
    def images(self) -> Any:  # noqa: ANN401
        return UntoldImages(self.real.images)


@dataclass(frozen=True)
class UntoldImages(Wrapped):
    def all(self) -> Any:  # noqa: ANN401
        return [replace(image, checksum="") for image in self.real.all()]

    def get(self, image_id: str) -> Any:  # noqa: ANN401
        return replace(self.real.get(image_id), checksum="")


@pytest.mark.slow
def test_without_a_checksum_a_drill_passes_and_says_so(site: RestoreSite) -> None:
    (outcome,) = site.drill(wrap=Untold).outcomes
    assert (outcome.result, outcome.details["checksum"]) == (DrillResult.PASSED, "not told")


def test_a_volume_that_came_back_too_small_fails(site: RestoreSite) -> None:
    def shrink(_: int) -> None:
        for made in site.new_volumes():
            made.size_gib = 1

    (outcome,) = site.drill(then=shrink).outcomes
    assert (outcome.reason, outcome.details["size_gib"]) == ("too_small", 1)


def left_over(site: RestoreSite, name: str, **changes: Any) -> str:  # noqa: ANN401
    made = site.stack.cloud.world.create_volume(
        name=name, size_gib=10, zone="", volume_type="", image=None
    )
    made.status, made.ready_at = "available", None
    for field, value in changes.items():
        setattr(made, field, value)
    return made.id


def test_what_a_killed_drill_left_is_removed_by_its_name_and_nothing_else_is(
    site: RestoreSite,
) -> None:
    ours = site.world().deployment_id
    left = left_over(site, drill_volume_name(ours, RUN, "daily"))
    staying = {
        left_over(site, drill_volume_name("ffffffffffff", RUN, "daily")),
        left_over(site, drill_volume_name(ours, "20260302T010000Z-5f0c1a9e", "daily")),
        left_over(site, drill_volume_name(ours, RUN, "attached"), server_id="server-1"),
        left_over(site, "vi-drill-by-hand"),
    }
    report = site.drill()
    assert {volume.id for volume in site.new_volumes()} == staying
    assert left not in site.stack.cloud.world.volumes
    assert report.gauges[Gauge.DRILL_LEFTOVERS] == 1
    assert totals(report)["DrillLeftovers"] == ("Count", 1)


def test_a_leftover_that_cannot_be_removed_fails_by_name(site: RestoreSite) -> None:
    name = drill_volume_name(site.world().deployment_id, RUN, "daily")
    left = left_over(site, name, status="in-use")
    by_reason = {outcome.reason: outcome for outcome in site.drill().outcomes}
    assert by_reason["whole"].result is DrillResult.PASSED
    assert by_reason["leftover_stays"].details["volume"] == left
    assert "400" in str(by_reason["leftover_stays"].details["why"])


def test_no_volume_is_made_when_the_time_to_begin_anything_is_over(site: RestoreSite) -> None:
    report = site.drill(limits=RunLimits(act=0, end=100))
    (outcome,) = report.outcomes
    assert (outcome.result, outcome.reason) == (DrillResult.SKIPPED, "no_time")
    assert site.posts() == 0


def test_a_drill_ends_before_its_function_does_and_removes_its_volume(site: RestoreSite) -> None:
    def late(_: int) -> None:
        for made in site.new_volumes():
            made.ready_at = START + timedelta(seconds=850)

    report = site.drill(limits=RunLimits(act=840, end=880), then=late)
    (outcome,) = report.outcomes
    assert outcome.reason == "restore_failed"
    assert "not available after 84" in str(outcome.details["why"])
    assert report.finished_at - report.started_at <= timedelta(seconds=881)
    assert site.new_volumes() == []


@dataclass(frozen=True)
class Losing(Wrapped):
    """A cloud that makes a volume and loses the answer."""

    @property
    def restoring(self) -> Any:  # noqa: ANN401
        return self

    def create(self, volume: NewVolume) -> str:
        self.real.restoring.create(volume)
        raise LostAnswer("no answer")

    def delete(self, volume_id: str) -> bool:
        return bool(self.real.restoring.delete(volume_id))


def test_a_drill_whose_answer_was_lost_finds_its_volume_by_name_and_removes_it(
    site: RestoreSite,
) -> None:
    (outcome,) = site.drill(wrap=Losing).outcomes
    assert outcome.result is DrillResult.PASSED
    assert (site.new_volumes(), site.posts()) == ([], 1)


@dataclass(frozen=True)
class Stubborn(Wrapped):
    """A cloud that removes no volume."""

    @property
    def restoring(self) -> Any:  # noqa: ANN401
        return self

    def create(self, volume: NewVolume) -> str:
        return str(self.real.restoring.create(volume))

    def delete(self, volume_id: str) -> bool:
        raise CloudUnavailable(f"{volume_id}: not today", status=500)


@pytest.mark.slow
def test_a_volume_that_cannot_be_removed_fails_the_drill_and_is_named(site: RestoreSite) -> None:
    report = site.drill(wrap=Stubborn)
    (outcome,) = report.outcomes
    (made,) = site.new_volumes()
    assert (outcome.result, outcome.reason) == (DrillResult.FAILED, "not_removed")
    assert f"volume {made.id} is left: 500" in str(outcome.details["why"])
    assert report.finished_at - report.started_at <= timedelta(seconds=REMOVED_WITHIN + 60)


def test_an_interrupted_drill_removes_its_volume_before_it_ends(site: RestoreSite) -> None:
    """As Ctrl-C does it: the interruption reaches the thread that waits for the drills."""
    with interruption() as interrupt, pytest.raises(KeyboardInterrupt):
        site.drill(then=lambda _: interrupt())
    assert (site.new_volumes(), site.pins()) == ([], [])


@dataclass(frozen=True)
class Hanging(Wrapped):
    """A cloud that never says whether it makes a volume, before a run's time is over."""

    clock: EndingClock
    answers: Event

    @property
    def restoring(self) -> Any:  # noqa: ANN401
        return self

    def create(self, _: NewVolume) -> str:
        self.clock.over.set()
        self.answers.wait()
        raise CloudUnavailable("no answer")


def test_a_drill_whose_cloud_hangs_fails_and_the_run_ends_in_time(site: RestoreSite) -> None:
    clock, answers = EndingClock(), Event()
    world = site.world(wrap=lambda cloud: Hanging(cloud, clock, answers))
    report = drill_run(replace(world, clock=clock), Tick(), limits=RunLimits(end=0.01))
    answers.set()
    for thread in enumerate_threads():
        if thread.name.startswith("cloud_"):
            thread.join()
    (outcome,) = report.outcomes
    assert (outcome.result, outcome.reason) == (DrillResult.FAILED, "restore_failed")
    assert str(outcome.details["why"]).endswith("did not end in time")
    assert site.pins() == []


def test_a_cloud_that_is_away_is_told_and_the_run_red_if_it_is_the_only_one(
    site: RestoreSite,
) -> None:
    def away(_: Any) -> Any:  # noqa: ANN401
        raise CloudUnavailable("no route to it")

    report = site.drill(wrap=away)
    (cloud,) = report.clouds
    assert (cloud.result, cloud.reason) == (CloudResult.UNAVAILABLE, "no route to it")
    assert report.red == ("no cloud could be drilled: sandbox: no route to it",)


def test_a_drill_takes_ticks_alone_and_only_policies_of_the_config(site: RestoreSite) -> None:
    with pytest.raises(TriggerError, match="takes no request"):
        site.drill(Requests(requests=()))
    with pytest.raises(TriggerError, match="not in the config: weekly"):
        site.drill(Tick(policies=frozenset({"weekly"})))


def test_its_report_is_filed_beside_the_others_and_its_metrics_told(site: RestoreSite) -> None:
    report = filed(site.drill(), site.world().store)
    assert f"/reports/drill/2026/03/02/{report.run_id}.json" in report.address
    bucket, _, key = report.address.removeprefix("s3://").partition("/")
    stored = json.loads(site.stack.aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert stored["counts"] == {"passed": 1, "failed": 0, "skipped": 0}
    told = totals(report)
    assert (told["DrillsPassed"], told["DrillsFailed"]) == (("Count", 1), ("Count", 0))
    assert told["DrillSeconds"][1] >= 2


def test_a_run_that_restored_nothing_tells_no_time(site: RestoreSite) -> None:
    site.stack.cloud.world.images.clear()
    assert "DrillSeconds" not in totals(site.drill())


@pytest.mark.slow
def test_several_policies_are_drilled_side_by_side(site: RestoreSite) -> None:
    document = json.loads(json.dumps(site.stack.document))
    document["policies"]["weekly"] = json.loads(json.dumps(document["policies"]["daily"]))
    site.stack.write_config(document)
    for image in list(site.stack.cloud.world.images.values()):
        if image.volume_id == WEB:
            image.name = image.name.replace("_daily_", "_weekly_")
    report = site.drill()
    assert {outcome.policy for outcome in report.outcomes} == {"daily", "weekly"}
    assert report.counts == {"passed": 2, "failed": 0, "skipped": 0}
    assert site.new_volumes() == []
