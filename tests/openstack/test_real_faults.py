"""Services of a real OpenStack die in the middle of things: reports are true, nothing is lost.

These kill services that other tests use: run no second pytest against the same OpenStack.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.contract.openstack_site import OpenstackSite
from tests.faults.invariants import announced_for_the_grace
from tests.openstack.outages import (
    BLOCK_STORAGE_API,
    GLANCE,
    KEYSTONE,
    VOLUME_SERVICE,
    Outages,
    at_call,
    mend,
    wait_until,
)
from tests.openstack.places import DEFAULT_FOLDER, Places
from tests.openstack.run_site import RunSite, last_nights
from tests.openstack.test_runs import of_result
from volume_images.export.posting import SHORT_PAUSE
from volume_images.metrics import Gauge
from volume_images.model import ImageStatus, VolumeStatus
from volume_images.report import CloudResult, ExportResult, Report, Result

pytestmark = [pytest.mark.openstack, pytest.mark.outage]

NO_TIME = timedelta()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DEADLINE = HOUR + MINUTE
"""Of an export of one GiB."""

SPACING = timedelta(minutes=10)
"""Before the second attempt."""

SLOT = last_nights(1)[0]

TRUTH = {
    ImageStatus.QUEUED: ExportResult.DEFERRED,
    ImageStatus.SAVING: ExportResult.DEFERRED,
    ImageStatus.ACTIVE: ExportResult.DONE,
}
"""What is to be said of an export whose volume uploads, or whose image is there."""


@pytest.fixture
def mended(real: OpenstackSite) -> Places:
    """Give an OpenStack that is whole, whatever a test that was cut off has left."""
    places = Places(DEFAULT_FOLDER)
    mend(real, places)
    return places


@pytest.fixture
def outages(mended: Places, runs: RunSite) -> Iterator[Outages]:
    yield Outages(runs, mended)
    mend(runs.cloud, mended)


@pytest.fixture
def volume_id(runs: RunSite) -> str:
    """Configure one volume, in a format whose bytes all go to Glance one by one."""
    volume_id = runs.cloud.volumes[0]
    runs.configure({volume_id: "db01-data"}, "raw")
    return volume_id


def said(report: Report) -> list[tuple[str, str]]:
    return [(outcome.result.value, outcome.reason) for outcome in report.outcomes]


def results(report: Report) -> list[Result]:
    return [outcome.result for outcome in report.outcomes]


def fared(report: Report) -> list[CloudResult]:
    return [cloud.result for cloud in report.clouds]


def the_second_attempt_is_the_good_one(outages: Outages, volume_id: str) -> None:
    """Nothing before its time, then one good image."""
    outages.runs.configure({volume_id: "db01-data"}, "qcow2")  # quicker than raw
    before = outages.statuses()
    assert said(outages.export(SLOT)) == [("deferred", "next_attempt")]
    assert outages.statuses() == before
    outages.pass_by(SPACING)
    assert said(outages.export(SLOT)) == [("started", "accepted")]
    the_export_ends_well(outages, volume_id)


def the_export_ends_well(outages: Outages, volume_id: str) -> None:
    outages.until_at_rest(volume_id)
    ended = outages.export(SLOT)
    assert said(ended) == [("done", "active")]
    assert [outcome.image_id for outcome in ended.outcomes] == list(outages.good())
    assert ended.gauges[Gauge.EXPORTS_IN_FLIGHT] == 0


def the_stuck_image_goes_and_no_other(outages: Outages, stuck: str) -> None:
    """Not before its 24 hours."""
    [good] = outages.good()
    outages.clean()
    assert outages.statuses().keys() == {good, stuck}
    outages.pass_by(DAY)
    assert of_result(outages.clean(), "deleted") == {stuck}
    assert outages.statuses().keys() == {good}


def test_a_worker_of_glance_killed_in_mid_export(outages: Outages, volume_id: str) -> None:
    """Cinder deletes the image: vanished, told in Cinder's own words, and exported anew."""
    with outages.in_mid_export(SLOT):
        outages.kill_worker(GLANCE)
    outages.until_at_rest(volume_id)
    assert outages.statuses() == {}
    told = outages.export(SLOT)
    assert said(told) == [("failed", "image_vanished")]
    assert "copy volume to image" in str(told.outcomes[0].details)
    the_second_attempt_is_the_good_one(outages, volume_id)


def test_glance_killed_in_mid_export_and_away_for_long(outages: Outages, volume_id: str) -> None:
    """Its image stays `saving` for ever: stuck after its deadline, and exported anew."""
    with outages.in_mid_export(SLOT) as image_id:
        outages.kill(GLANCE)
        dark = outages.export(SLOT)
        assert (fared(dark), said(dark)) == ([CloudResult.UNAVAILABLE], [])
        assert dark.gauges[Gauge.EXPORTS_IN_FLIGHT] == 1
    outages.until_at_rest(volume_id)  # Cinder could not even delete the image
    outages.start(GLANCE)
    assert outages.statuses() == {image_id: ImageStatus.SAVING}
    assert said(outages.export(SLOT)) == [("deferred", "uploading")]

    outages.pass_by(DEADLINE)
    late = outages.export(SLOT)
    assert said(late) == [("failed", "stuck")]
    assert (late.gauges[Gauge.IMAGES_STUCK], late.gauges[Gauge.EXPORTS_IN_FLIGHT]) == (1, 0)
    the_second_attempt_is_the_good_one(outages, volume_id)
    the_stuck_image_goes_and_no_other(outages, image_id)


def test_cinder_volume_killed_in_mid_export(outages: Outages, volume_id: str) -> None:
    """Cinder leaves the volume `uploading` for ever: told, never exported beside, until reset."""
    with outages.in_mid_export(SLOT) as image_id, outages.without(VOLUME_SERVICE):
        assert said(outages.export(SLOT)) == [("deferred", "uploading")]
        wait_until(
            lambda: outages.statuses() == {image_id: ImageStatus.QUEUED},
            "Glance does not take the image back",
        )
    for wait, result, reason in (
        (DEADLINE, "deferred", "uploading"),
        (HOUR, "unknown", "image_unknown"),
    ):
        outages.pass_by(wait)
        assert said(outages.export(SLOT)) == [(result, reason)]
        assert outages.volume_status(volume_id) == VolumeStatus.UPLOADING
        assert outages.statuses() == {image_id: ImageStatus.QUEUED}

    outages.reset_uploading()
    assert said(outages.export(SLOT)) == [("failed", "stuck")]
    the_second_attempt_is_the_good_one(outages, volume_id)
    the_stuck_image_goes_and_no_other(outages, image_id)


def test_keystone_killed_before_and_in_mid_export(outages: Outages, volume_id: str) -> None:
    """The cloud is told to be away, no volume is blamed, and the slot is exported afterwards."""
    with outages.without(KEYSTONE):
        dark = outages.export(SLOT)
        assert (fared(dark), said(dark)) == ([CloudResult.UNAVAILABLE], [])
    assert outages.statuses() == {}
    with outages.in_mid_export(SLOT) as image_id:
        outages.kill(KEYSTONE)
        dark = outages.export(SLOT)
        assert (fared(dark), said(dark)) == ([CloudResult.UNAVAILABLE], [])
        assert dark.gauges[Gauge.EXPORTS_IN_FLIGHT] == 1
    outages.until_written(image_id)
    outages.start(KEYSTONE)
    the_export_ends_well(outages, volume_id)


def test_cinder_api_killed_before_the_post(outages: Outages, volume_id: str) -> None:
    """Nothing was sent: the slot waits, the cloud is left alone for a while, then asked once."""
    outages.runs.configure({volume_id: "db01-data"}, "qcow2")
    dying = at_call("volumes", "export", lambda: outages.kill(BLOCK_STORAGE_API))
    dark = outages.export(SLOT, dying)
    assert (fared(dark), said(dark)) == ([CloudResult.UNAVAILABLE], [])
    assert dark.gauges[Gauge.EXPORTS_IN_FLIGHT] == 0
    outages.start(BLOCK_STORAGE_API)
    assert outages.statuses() == {}
    assert said(outages.export(SLOT)) == [("deferred", "cloud_paused")]
    outages.pass_by(SHORT_PAUSE)
    assert said(outages.export(SLOT)) == [("started", "accepted")]
    the_export_ends_well(outages, volume_id)


@pytest.mark.usefixtures("volume_id")
def test_cinder_api_killed_over_the_post(outages: Outages) -> None:
    """The answer is lost, the image is not: it is found by its name, and no other is asked for."""
    cut = outages.export_cut_at_its_post(SLOT)
    assert said(cut) == [("started", "answer_lost")]
    outages.start(BLOCK_STORAGE_API)
    [image_id] = (outcome.image_id for outcome in cut.outcomes)
    assert list(outages.statuses()) == [image_id]

    # Whether the broker had the message before its sender died is chance: Cinder forgets one that
    # it had not, with the volume `uploading` for ever.
    for wait in (NO_TIME, DEADLINE):
        outages.pass_by(wait)
        wait_until(
            lambda: (
                results(outages.export(SLOT)) == [TRUTH[ImageStatus(outages.statuses()[image_id])]]
            ),
            "what is reported does not become true",
        )
        assert list(outages.statuses()) == [image_id]


def test_glance_killed_while_cleanup_lists_and_while_it_deletes(
    outages: Outages, volume_id: str
) -> None:
    """What it could not do is told; exactly what stood announced goes afterwards."""
    nights = last_nights(4)
    images = [outages.plant(volume_id, night) for night in nights]
    stranger = outages.runs.cloud.plant_image("ubuntu-24.04")
    every = {*images, stranger}
    announced = {image_id: outages.clock.now() for image_id in images[:2]}
    assert of_result(outages.clean(), "announced") == announced.keys()
    outages.pass_by(HOUR + MINUTE)

    with outages.without(GLANCE):
        dark = outages.clean()
        assert (fared(dark), said(dark)) == ([CloudResult.UNAVAILABLE], [])
        assert dark.red
    assert outages.statuses().keys() == every

    dying = outages.clean(at_call("images", "delete", lambda: outages.kill(GLANCE)))
    outages.start(GLANCE)
    assert outages.statuses().keys() == every
    assert fared(dying) == [CloudResult.UNAVAILABLE]
    assert of_result(dying, "deleted") == set()
    tried = of_result(dying, "not_deleted")
    assert len(tried) == 1
    assert tried | of_result(dying, "announced") == announced.keys()

    gone = of_result(outages.clean(), "deleted")
    assert outages.statuses().keys() == every - gone == {*images[2:], stranger}
    times = dict.fromkeys(gone, outages.clock.now())
    assert announced_for_the_grace(times, announced, HOUR) == []
