"""Images that never end: they hold no place for ever, are told of, and go away."""

from datetime import timedelta

import pytest

from tests.fleet import Fleet
from volume_images.cleanup.run import cleanup_run
from volume_images.model import ImageStatus, Tick
from volume_images.protocols import RunLimits
from volume_images.report import Gauge

HOUR = timedelta(hours=1)
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
