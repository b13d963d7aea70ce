"""The page that each cleanup leaves in the store: how the fleet stands once it is done."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import DAY, DB, Passing, Site, results, with_images
from volume_images.cleanup.run import cleanup_run
from volume_images.cli.inputs.invocation import context, load_handler
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, StoreError
from volume_images.model import Tick
from volume_images.overview.after_cleanup import fleet_after
from volume_images.overview.fleet import FleetView
from volume_images.overview.gathering import look_at_fleet
from volume_images.pages.after_cleanup import PAGE_KEY, FleetPage
from volume_images.protocols import World
from volume_images.publishing import publish
from volume_images.report import Function, Report
from volume_images.stopwatch import RunLimits
from volume_images.telling.listeners import Listeners

NO_LIMITS = RunLimits()


@pytest.fixture(scope="module")
def stack() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=1) as stack:
        yield stack


@pytest.fixture
def site(stack: SandboxStack, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name, value in {**stack.env, "VOLUME_IMAGES_MINIMUM_GRACE": "24h"}.items():
        monkeypatch.setenv(name, value)
    return Site.at_rest(stack)


def page(site: Site) -> dict[str, Any] | None:
    """Return the page as it lies in the store."""
    listed = site.stack.aws.s3.list_objects_v2(Bucket=site.stack.state_bucket, Prefix=PAGE_KEY)
    if not listed["KeyCount"]:
        return None
    found = site.stack.aws.s3.get_object(Bucket=site.stack.state_bucket, Key=PAGE_KEY)
    return {"type": found["ContentType"], "text": found["Body"].read().decode()}


def shown(world: World, trigger: Tick = Tick(), limits: RunLimits = NO_LIMITS) -> Report:  # noqa: B008
    """Clean and publish, as the handler does."""
    fleet = FleetPage(world)
    report = cleanup_run(world, trigger, limits=limits, onlooker=fleet.look_on)
    publish(report, world, trigger, Listeners(show=fleet.write))
    return report


def left(world: World) -> tuple[Report, FleetView]:
    """Clean, and say how the fleet stands then, without a look at any cloud."""
    views: list[FleetView] = []
    report = cleanup_run(
        world,
        Tick(),
        limits=NO_LIMITS,
        onlooker=lambda cleaned: views.append(fleet_after(world, cleaned)),
    )
    (view,) = views
    return report, view


def test_the_function_leaves_a_page_that_a_browser_shows(site: Site) -> None:
    for day in (26, 27, 28, 29):
        site.plant(day)
    clock = site.world().clock

    answer = load_handler(Function.CLEANUP)({}, context(Function.CLEANUP, "run-1", clock))

    written = page(site)
    assert written is not None
    assert written["type"] == "text/html; charset=utf-8"
    assert f"<code>{DB}</code>" in written["text"]
    assert "4 images: 3 kept, 1 expired" in written["text"]
    assert answer["report"].startswith(f"s3://{site.stack.state_bucket}/reports/cleanup/2026/")


def test_the_page_says_what_status_says_after_the_run(site: Site) -> None:
    """Images that the run announced stand announced, and those that it deleted are gone."""
    site.stand_for_the_grace(24, 25, 26, 27, 28)
    site.plant(29)

    report, view = left(site.world())

    assert sorted(results(report).values()) == ["announced", "deleted", "deleted", *["kept"] * 3]
    status = look_at_fleet(site.world())
    assert json.loads(json.dumps(view.as_json(with_images=True))) | {"at": ""} == status.as_json(
        with_images=True
    ) | {"at": ""}
    ((_, series),) = view.series
    assert [one.id for one in series.images] == ["day-29", "day-28", "day-27", "day-26"]
    assert [one.going and one.going.is_announced for one in series.going] == [True]


@pytest.mark.parametrize(
    "trigger",
    [
        Tick(dry_run=True),
        Tick(policies=frozenset({"daily"})),
        Tick(volume_ids=frozenset({DB})),
    ],
    ids=["dry", "a-policy", "a-volume"],
)
def test_a_run_that_changes_nothing_or_sees_a_part_leaves_no_page(
    site: Site, trigger: Tick
) -> None:
    site.plant(29)

    shown(site.world(), trigger)

    assert page(site) is None


def test_a_run_without_time_left_leaves_no_page(site: Site) -> None:
    site.plant(29)

    report = shown(site.world(), limits=RunLimits(act=0.0, end=60.0))

    assert results(report) == {"day-29": "kept"}
    assert page(site) is None


def test_of_more_images_than_there_is_memory_for_no_page_is_tried(site: Site) -> None:
    for day in (28, 29):
        site.plant(day)
    world = site.world()
    fleet = FleetPage(world, most_images=1)

    report = cleanup_run(world, Tick(), limits=NO_LIMITS, onlooker=fleet.look_on)

    assert report.red == ()
    assert fleet.write().startswith(f"{PAGE_KEY}: 2 images are more than the function has memory")
    assert page(site) is None


class Silent(Passing):
    """A cloud that no longer answers when it comes to its images."""

    def all(self, created_since: object = None) -> list[Any]:  # noqa: ARG002
        raise CloudUnavailable("no answer from </script>")


def test_of_a_cloud_that_cannot_be_asked_the_page_says_so(site: Site) -> None:
    site.plant(29)
    shown(site.world())
    world = with_images(Silent)(site.world())
    fleet = FleetPage(world)

    report = cleanup_run(world, Tick(), limits=NO_LIMITS, onlooker=fleet.look_on)

    assert report.red
    assert fleet.write() == ""
    written = page(site)
    assert written is not None
    said = "could not be asked, so of its volumes nothing is known: unavailable: no answer from"
    assert f"{said} &lt;/script&gt;" in written["text"]


class Full:
    """A store that takes every report but the page."""

    def __init__(self, world: World) -> None:
        self._real = world.store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a store has
        return getattr(self._real, name)

    def write_report(self, key: str, body: bytes) -> str:
        if key == PAGE_KEY:
            raise StoreError(f"cannot write {key}: S3 answers SlowDown")
        return self._real.write_report(key, body)


class Torn(Full):
    """A store in which what the page is made from cannot be understood."""

    def state(self, key: str) -> Any:  # noqa: ANN401
        if self.is_torn and key.startswith("state/export/"):
            raise ZeroDivisionError(key)
        return self._real.state(key)

    def write_report(self, key: str, body: bytes) -> str:
        self.is_torn = True  # the run's report comes before its page
        return self._real.write_report(key, body)

    is_torn = False


@pytest.mark.parametrize(
    ("store", "why"),
    [
        (Full, f"{PAGE_KEY}: StoreError: cannot write {PAGE_KEY}: S3 answers SlowDown"),
        (Torn, f"{PAGE_KEY}: ZeroDivisionError: state/export/sandbox.json"),
    ],
)
def test_a_page_that_cannot_be_made_or_written_is_said_and_turns_no_run_red(
    site: Site, store: type[Full], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.plant(29)
    world = site.world()

    report = shown(replace(world, store=store(world)))

    assert report.red == ()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    said = [(line["level"], line["why"]) for line in lines if line["message"] == "page.not_written"]
    assert said == [("WARNING", why)]
    assert page(site) is None


def test_the_next_run_writes_the_page_anew(site: Site) -> None:
    site.plant(28)
    shown(site.world())
    site.let_pass(DAY)
    site.plant(29)
    shown(site.world())
    site.let_pass(timedelta(hours=1))

    written = page(site)
    assert written is not None
    assert "2 images: 2 kept" in written["text"]
    assert "2026-03-03 02:05Z" in written["text"]
