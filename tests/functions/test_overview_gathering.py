"""Looking at a fleet over HTTP: what is seen, and that nothing at all is written."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import DAY, STATE_KEY, Passing, Site, with_images
from tests.support.export_site import STATE_KEY as EXPORT_STATE_KEY
from volume_images.bootstrap import connect
from volume_images.errors import CloudUnavailable, CredentialError
from volume_images.export.run import export_run
from volume_images.model import Tick
from volume_images.overview.fleet import FleetView
from volume_images.overview.gathering import look_at_fleet
from volume_images.overview.volumes import Attention, Condition
from volume_images.protocols import Cloud, World
from volume_images.report import CloudResult, Function
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits


@pytest.fixture
def site(cleanup_stack: SandboxStack) -> Site:
    return Site.at_rest(cleanup_stack)


def unchanged(world: World) -> World:
    return world


def seen(site: Site, change: Callable[[World], World] = unchanged) -> FleetView:
    return look_at_fleet(change(site.world()))


def written(site: Site) -> dict[str, str]:
    """Return every object of the store with its version."""
    listed = site.stack.aws.s3.list_objects_v2(Bucket=site.stack.state_bucket)
    return {entry["Key"]: entry["ETag"] for entry in listed.get("Contents", [])}


def attention(view: FleetView) -> list[tuple[Attention, ...]]:
    return [volume.attention for volume in view.volumes]


def test_a_fleet_that_no_run_has_looked_at_yet_can_be_looked_at(site: Site) -> None:
    view = seen(site)

    assert attention(view) == [(Attention.NEVER_EXPORTED,)]
    assert [one.volumes for one in view.policies] == [1]
    assert written(site) == {}


def test_what_cleanup_announced_is_seen_with_its_hour_and_nothing_is_written(site: Site) -> None:
    for day in (26, 27, 28, 29):
        site.plant(day)
    report = site.clean()
    site.let_pass(timedelta(hours=1))
    site.plant(30)
    before = written(site)

    view = seen(site)

    ((_, series),) = view.series
    assert [(one.id, one.going and one.going.is_announced) for one in series.going] == [
        ("day-26", True),
        ("day-27", False),
    ]
    first = series.going[0].going
    assert first is not None
    assert first.config_version == report.config_version
    assert first.deletes_at - first.since == 3 * DAY
    assert written(site) == before
    assert site.deletes() == []


def test_an_export_under_way_is_seen_in_the_exporters_state(site: Site) -> None:
    site.plant(29)
    exporter = connect(Settings.parse(site.stack.env), Function.EXPORT, site.connections)
    export_run(exporter, Tick(), limits=RunLimits(by_hand=True))

    ((_, series),) = seen(site).series

    assert [one.slot.day for one in series.pending] == [2]
    assert series.due_slot is None


def closed(world: World) -> World:
    def opened(name: str, refused_secret: str = "") -> Cloud:
        raise CloudUnavailable(f"{name}: no answer, not even to {refused_secret or 'anything'}")

    return replace(world, open_cloud=opened)


def refusing(world: World) -> World:
    def opened(name: str, refused_secret: str = "") -> Cloud:
        error = CredentialError(f"{name}: refused {refused_secret}")
        error.refused, error.fingerprint = True, "f"
        raise error

    return replace(world, open_cloud=opened)


class Silent(Passing):
    """A cloud that no longer answers when it comes to its images."""

    def all(self, created_since: object = None) -> list[object]:  # noqa: ARG002
        raise CloudUnavailable("no answer")


@pytest.mark.parametrize(
    ("change", "result"),
    [
        (closed, CloudResult.UNAVAILABLE),
        (refusing, CloudResult.NO_CREDENTIAL),
        (with_images(Silent), CloudResult.UNAVAILABLE),
        (with_images(lambda images: images, skew=DAY), CloudResult.CLOCK_SKEW),
    ],
)
def test_a_cloud_that_cannot_be_asked_is_not_known_and_that_is_written_nowhere(
    site: Site, change: Callable[[World], World], result: CloudResult
) -> None:
    site.plant(29)
    site.clean()
    before = written(site)

    view = seen(site, change)

    ((_, series),) = view.series
    assert [cloud.outcome.result for cloud in view.clouds] == [result]
    assert not view.is_known
    assert series.condition is Condition.NOT_KNOWN
    assert series.newest_slot is not None  # as cleanup saw it last
    assert written(site) == before


def put(site: Site, key: str, body: bytes) -> None:
    site.stack.aws.s3.put_object(Bucket=site.stack.state_bucket, Key=key, Body=body)


def test_a_state_of_another_deployment_makes_its_cloud_not_known(site: Site) -> None:
    put(site, EXPORT_STATE_KEY, b'{"version": 1, "deployment": "ffffffffffff"}')

    view = seen(site)

    assert not view.is_known
    assert "belongs to deployment ffffffffffff" in view.clouds[0].outcome.reason
    assert attention(view) == [(Attention.NOT_KNOWN,)]


@pytest.mark.parametrize("key", [STATE_KEY, EXPORT_STATE_KEY])
def test_a_damaged_state_is_remarked_on(site: Site, key: str) -> None:
    put(site, key, b"not json")

    (cloud,) = seen(site).clouds

    assert cloud.was_asked
    assert cloud.remarks == (f"{key}: damaged (lost)",)
