"""Images that never end: they hold no place for ever, are told of, and go away."""

import json
from datetime import timedelta

import pytest

from tests.sandbox.fates import GOOD, Fate, ImageFate
from tests.sandbox.seeds import plant_volumes
from tests.support.export_site import ExportSite
from tests.support.fleet import START, Fleet
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.dialect import Dialect
from volume_images.metrics import Gauge
from volume_images.model import GroupKey, ImageStatus, RequestedExport, Requests, Tick
from volume_images.report import Function, ImageResult
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DEADLINE = 61 * timedelta(minutes=1)
"""Of a volume of 1 GiB."""


@pytest.mark.slow
def test_twenty_images_stuck_for_ever_stop_no_cloud_and_go_away() -> None:
    """Their places are free at their deadline; cleanup deletes them a day after they are found."""
    fleet = Fleet(volumes=40, max_in_flight=20)
    cloud = fleet.only
    cloud.sticks = frozenset(map(cloud.volume_id, range(20)))
    told: set[str] = set()
    most = 0
    for _ in range(60):
        report = fleet.run()
        told |= {one.volume_id for one in report.changed if one.reason == "stuck"}
        most = max(most, report.gauges[Gauge.IMAGES_STUCK])
        cleanup_run(fleet.world(), Tick(), limits=RunLimits())
        left = [one for one in cloud.held.values() if one.status == ImageStatus.SAVING]
        stuck = [one for one in left if one.name.split("_")[-2] in cloud.sticks]
        assert all(fleet.clock.now() - one.created_at < DEADLINE + 28 * HOUR for one in stuck)
        fleet.clock.time += HOUR
    assert told == cloud.sticks
    assert most >= 20
    for index in range(20, 40):
        slots = [name[-16:] for name in cloud.posts if cloud.volume_id(index) in name]
        assert slots == ["20260302T020000Z", "20260303T020000Z", "20260304T020000Z"]


@pytest.mark.parametrize("places", [1, 20])
def test_a_volume_left_uploading_has_every_slot_missed_and_stops_no_other(places: int) -> None:
    """Not stuck, since its volume is busy; and its place is free in the end all the same."""
    fleet = Fleet(volumes=2, max_in_flight=places)
    cloud = fleet.only
    cloud.export_times = [timedelta(days=400), timedelta(minutes=10)]
    left, healthy = cloud.volume_id(0), cloud.volume_id(1)
    told = []
    for _ in range(76):
        told += [
            (f"{one.slot:%m-%dT%H}", one.result.value)
            for one in fleet.run(limits=RunLimits(act=20, end=520)).changed
            if one.volume_id == left and one.result not in ("deferred", "started")
        ]
        fleet.clock.time += HOUR
    assert told == [
        ("03-02T02", "unknown"),
        ("03-02T02", "missed"),
        ("03-03T02", "missed"),
        ("03-04T02", "missed"),
    ]
    slots = [name[-16:] for name in cloud.posts if healthy in name]
    assert slots == [f"2026030{day}T020000Z" for day in (2, 3, 4, 5)]


def live(fleet: Fleet, time: timedelta) -> None:
    """Let exports and cleanups come every two hours."""
    end = fleet.clock.now() + time
    while fleet.clock.now() < end:
        fleet.run(limits=RunLimits(act=20, end=520))
        cleanup_run(fleet.world(), Tick(), limits=RunLimits())
        fleet.clock.time += 2 * HOUR


@pytest.mark.parametrize("state_is_lost", [False, True])
def test_an_image_whose_volume_is_freed_days_later_goes_away(*, state_is_lost: bool) -> None:
    """It is followed for as long as it takes, beyond what listings reach back to."""
    fleet = Fleet(volumes=2)
    cloud = fleet.only
    cloud.export_times = [timedelta(days=400), timedelta(minutes=10)]
    fleet.run()
    (left,) = (one for one in cloud.held.values() if cloud.volume_id(0) in one.name)
    live(fleet, 10 * DAY)
    if state_is_lost:
        fleet.store.objects.clear()
        live(fleet, DAY)
    assert left.id not in fleet.state().stuck
    assert left.name not in fleet.state().under_way
    cloud.sticks = frozenset({cloud.volume_id(0)})  # it no longer uploads, and its image is no more
    live(fleet, 2 * HOUR)
    assert left.id in fleet.state().stuck
    live(fleet, 26 * HOUR)
    assert left.id not in cloud.held
    assert not fleet.state().late


def test_an_image_that_ends_days_later_is_good_all_the_same() -> None:
    fleet = Fleet(volumes=2)
    cloud = fleet.only
    cloud.export_times = [timedelta(days=9), timedelta(minutes=10)]
    fleet.run()
    live(fleet, 10 * DAY)
    good = (
        fleet.state()
        .record(GroupKey("daily", requested=False, volume_id=cloud.volume_id(0)))
        .newest_good
    )
    assert good is not None
    assert good.slot == START.replace(minute=0)
    assert not any("20260302" in name for name in fleet.state().late)


def test_a_request_whose_image_never_ends_does_not_wait_for_ever() -> None:
    fleet = Fleet(volumes=1, schedule=None, catch_up="5h")
    fleet.tick()
    fleet.only.export_time = timedelta(days=400)
    asked = RequestedExport(volume_ids=(fleet.only.volume_id(0),), message_id="1")
    fleet.run(Requests(requests=(asked,), from_queue=True))
    told = []
    for _ in range(8):
        told += [(one.result.value, one.reason) for one in fleet.run().changed]
        fleet.clock.time += HOUR
    assert told[-1] == ("missed", "too_late")
    assert fleet.state().waiting == {}


@pytest.mark.slow
def test_twenty_stuck_images_of_a_cloud_with_twenty_places_stop_nothing_and_go_away(
    site: ExportSite,
) -> None:
    """Over HTTP, in each dialect: the first twenty exports never end, all later ones do."""
    world = site.cloud.world
    plant_volumes(world, 23)
    document = json.loads(json.dumps(site.stack.document))
    document["clouds"]["sandbox"]["max_in_flight"] = 20
    document["volumes"] = []
    document["discover"] = [{"cloud": "sandbox", "tags": {"backup": "daily"}}]
    site.stack.write_config(document)
    world.fate = Fate(image=ImageFate.STUCK)
    assert site.run(limits=RunLimits(act=20, end=520)).counts["started"] == 20
    stuck = set(world.images)
    world.fate = GOOD
    told: set[str] = set()
    settings = Settings.parse(site.stack.env)
    for _ in range(24):
        site.let_pass(2 * HOUR)
        report = site.run()
        told |= {one.image_id for one in report.changed if one.reason == "stuck"}
        cleanup = connect(settings, Function.CLEANUP, site.connections)
        cleaned = cleanup_run(cleanup, Tick(), limits=RunLimits())
    assert told == stuck
    if site.cloud.dialect is Dialect.HUAWEI:  # deletes none that it takes to be in the making
        refused = [one for one in cleaned.outcomes if one.result is ImageResult.NOT_DELETED]
        assert {one.image_id for one in refused} == stuck
        assert all(one.reason.startswith("400 IMG.0090") for one in refused)
        for image_id in stuck:
            world.set_image_status(image_id, "killed")
        cleanup_run(cleanup, Tick(), limits=RunLimits())
        report = site.run()
    assert stuck.isdisjoint(world.images)
    assert report.gauges[Gauge.IMAGES_STUCK] == 0
    assert {image.volume_id for image in world.images.values()} == set(world.volumes)
