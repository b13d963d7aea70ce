"""What whole runs make of a cloud that is throttled, or down: the real client over real HTTP.

All clocks are the sandbox's, and waiting moves it.
"""

import json
from collections import Counter

import pytest

from tests.sandbox.faults import Answered, Body, Fault, Overload, Throttle
from tests.sandbox.seeds import plant_volumes
from tests.support.export_site import MINUTE, ExportSite, SwiftClock
from volume_images.connections import Connections
from volume_images.protocols import Clock
from volume_images.report import CloudResult, Report
from volume_images.settings import Settings

pytestmark = pytest.mark.slow

VOLUMES = 30
AT_ONCE = 16
ACTION = "/volume/*/action"


class SwiftConnections(Connections):
    """Clouds opened through it wait by moving the sandbox's clock."""

    def __init__(self, swift: Clock) -> None:
        super().__init__()
        self._swift = swift

    def clock(self, settings: Settings) -> Clock:
        del settings
        return self._swift


@pytest.fixture
def fleet(site: ExportSite) -> ExportSite:
    """Give a site with 30 volumes, room for all of them, and 20 requests a second at most."""
    swift = ExportSite(site.stack)
    inner = Connections().clock(Settings.parse(site.stack.env))
    swift.connections = SwiftConnections(SwiftClock(site.stack, inner))
    swift.cloud.world.volumes.clear()
    plant_volumes(swift.cloud.world, VOLUMES)
    document = json.loads(json.dumps(swift.stack.document))
    document["clouds"]["sandbox"] |= {
        "max_in_flight": VOLUMES,
        "max_concurrency": AT_ONCE,
        "requests_per_second": 20,
    }
    document["volumes"] = [
        {"id": key, "cloud": "sandbox", "tags": {"backup": "daily"}}
        for key in swift.cloud.world.volumes
    ]
    swift.stack.write_config(document)
    return swift


def run(fleet: ExportSite, *rules: Fault) -> Report:
    fleet.cloud.requests.clear()
    with fleet.cloud.failing(*rules):
        return fleet.run()


def posted(fleet: ExportSite) -> Counter[int]:
    """Count what the export calls were answered."""
    return Counter(
        seen.status
        for seen in fleet.cloud.requests
        if seen.path.startswith("/volume/") and seen.path.endswith("/action")
    )


def reasons(report: Report) -> Counter[str]:
    return Counter(outcome.reason for outcome in report.outcomes)


@pytest.mark.parametrize("says", [Overload.GATEWAY, Overload.OVER_LIMIT])
def test_a_throttled_run_starts_everything_once_and_loses_nothing(
    fleet: ExportSite, says: Overload
) -> None:
    """The cloud takes half of what is configured, and does not say how long to wait."""
    report = run(fleet, Throttle(path=ACTION, rate=10, burst=5, says=says))
    assert reasons(report) == {"accepted": VOLUMES}
    assert len(fleet.images()) == VOLUMES
    answered = posted(fleet)
    assert answered[202] == VOLUMES
    assert 1 <= answered.total() - VOLUMES <= AT_ONCE


def test_a_cloud_that_is_down_after_the_login_is_one_outcome_and_a_few_requests(
    fleet: ExportSite,
) -> None:
    report = run(fleet, Answered(path="/volume/*", status=502))
    assert [cloud.result for cloud in report.clouds] == [CloudResult.UNAVAILABLE]
    assert report.clouds[0].reason.startswith("502: GET")
    assert len(fleet.cloud.requests) <= 8


def test_a_cloud_that_goes_down_before_the_exports_is_not_asked_for_each_of_them(
    fleet: ExportSite,
) -> None:
    """What was sent may have been carried out; what was not sent was not, and starts later."""
    report = run(fleet, Answered(path=ACTION, status=502, body=Body.HTML))
    sent = posted(fleet)[502]
    assert 8 <= sent <= 8 + AT_ONCE
    told = reasons(report)
    assert told["answer_lost"] == sent
    assert told["accepted"] == 0
    fleet.let_pass(10 * MINUTE)
    assert reasons(run(fleet))["accepted"] == VOLUMES - sent
    assert len(fleet.images()) == VOLUMES - sent


def test_exports_that_were_carried_out_though_nobody_said_so_are_found_at_once(
    fleet: ExportSite,
) -> None:
    """The service that exports is left alone; the one that lists images is asked all the same."""
    run(fleet, Answered(path=ACTION, status=502, worked=True))
    started = {image.name for image in fleet.images()}
    known = {entry.image_name for entry in fleet.state().under_way.values() if entry.image_id}
    assert started
    assert known == started


def test_a_cloud_too_busy_for_any_export_is_left_to_the_next_tick(fleet: ExportSite) -> None:
    report = run(fleet, Answered(path=ACTION, status=503))
    assert reasons(report) == {"throttled": VOLUMES}
    fleet.let_pass(10 * MINUTE)
    assert reasons(run(fleet)) == {"accepted": VOLUMES}
