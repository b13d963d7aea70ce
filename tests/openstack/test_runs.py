"""Whole runs against the real OpenStack: exports by the handler, followed, kept and deleted."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.contract.openstack_site import IMAGES
from tests.contract.sites import Owner
from tests.openstack.run_site import RunSite, last_nights, slot_of
from volume_images.model import ImageStatus
from volume_images.report import Report

pytestmark = pytest.mark.openstack

NOW, HOUR = timedelta(0), timedelta(hours=1)
MARGIN = timedelta(minutes=1)
"""More than a run takes: grace is counted from when the announcement was written."""


def test_a_doubled_tick_exports_each_volume_once(runs: RunSite) -> None:
    names = dict(zip(runs.cloud.volumes, ("db01-data", "web01-root", "db01-log"), strict=True))
    runs.configure(names, "qcow2")
    [slot] = last_nights(1)
    runs.tick(slot)
    runs.export(slot)
    images = runs.images()
    assert len(images) == len(names)
    assert {image["status"] for image in images} == {ImageStatus.ACTIVE}
    assert {slot_of(image) for image in images} == {slot}
    counts = [
        Counter(outcome["result"] for outcome in report["outcomes"])
        for report in runs.reports("export")
    ]
    assert (counts[0], counts[-1]) == ({"started": 3}, {"done": 3})


def test_a_failed_export_is_told_with_the_clouds_own_words(runs: RunSite) -> None:
    volume_id = runs.cloud.volumes[0]
    runs.configure({volume_id: "db01-data"}, "raw")
    [slot] = last_nights(1)
    runs.tick(slot)
    [image] = runs.images()
    runs.cloud.call("DELETE", f"{IMAGES}/{image['id']}")  # while its bytes are under way
    runs.cloud.wait_for_exports()
    runs.tick(slot)
    assert runs.images() == []
    [outcome] = runs.reports("export")[-1]["outcomes"]
    assert (outcome["result"], outcome["volume_id"]) == ("failed", volume_id)
    assert "copy volume to image" in str(outcome)


def test_cleanup_deletes_exactly_what_expired_after_its_grace(runs: RunSite) -> None:
    first, second = runs.cloud.volumes[:2]
    runs.configure({first: "db01-data", second: "web01-root"}, "qcow2")
    nights = last_nights(3)
    for night in nights:
        runs.export(night)
    exported = runs.images()
    expired = {image["id"] for image in exported if slot_of(image) in nights[:1]}
    public = runs.cloud.plant_image(exported[0]["name"], owner=Owner.PUBLIC)
    strangers = {
        runs.cloud.plant_image("ubuntu-24.04"),
        runs.cloud.plant_image("real_daily_db01-data_before-upgrade"),
    }
    kept = {image["id"] for image in exported} - expired | strangers
    assert len(expired) == 2

    assert of_result(runs.clean(NOW), "announced") == expired
    assert of_result(runs.clean(HOUR - MARGIN), "deleted") == set()
    assert {image["id"] for image in runs.images()} == kept | expired
    assert of_result(runs.clean(HOUR + MARGIN), "deleted") == expired
    assert {image["id"] for image in runs.images()} == kept
    runs.cloud.call("GET", f"{IMAGES}/{public}")


def of_result(report: Report, result: str) -> set[str]:
    return {outcome.image_id for outcome in report.outcomes if outcome.result == result}
