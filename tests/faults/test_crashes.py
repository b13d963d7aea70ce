"""Runs killed before and after each of their calls, one by one, and what the next runs make of it.

The process is a real one, ended by SIGKILL; the calls are those to the cloud and to S3.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.faults.invariants import Watch, due_slots
from tests.faults.victims import Side, Victim, cleanup, killed_at, request_of, tick
from tests.sandbox.clock import START
from tests.sandbox.fates import Fate, ImageFate
from tests.sandbox.seeds import plant_foreign_images
from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import Site as CleanupSite
from tests.support.export_site import DAY, DB, LOG, MINUTE, WEB, ExportSite, request
from volume_images.dialect import Dialect
from volume_images.model import GroupKey
from volume_images.report import Report

pytestmark = pytest.mark.slow

HOUR = 60 * MINUTE
GRACE = timedelta(days=3)
GROUPS = [GroupKey("daily", requested=False, volume_id=volume) for volume in (DB, WEB, LOG)]
SLOT = START.replace(minute=0)
SIDES = pytest.mark.parametrize("side", list(Side))
Recording = Callable[[str, object], None]


@pytest.fixture(scope="module")
def stack() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=3, foreign=True) as stack:
        yield stack


@pytest.fixture
def surrounded(stack: SandboxStack, monkeypatch: pytest.MonkeyPatch) -> SandboxStack:
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    return stack


def at_first(_: ExportSite) -> None:
    """Nothing was ever exported."""


def with_exports_to_settle(site: ExportSite) -> None:
    """Of the exports of the slot before, one failed, and all have ended since."""
    site.cloud.world.fate = Fate(image=ImageFate.FAILED)
    site.run(request(DB))
    site.cloud.world.fate = Fate()
    site.let_pass(2 * MINUTE)
    site.run()
    site.let_pass(20 * MINUTE)


def a_day_later(site: ExportSite) -> None:
    """All was well the day before."""
    site.run()
    site.let_pass(20 * MINUTE)
    site.run()
    site.let_pass(DAY)


EXPORTS: dict[str, tuple[Callable[[ExportSite], None], Victim]] = {
    "the first tick": (at_first, tick),
    "a tick that settles": (with_exports_to_settle, tick),
    "a tick a day later": (a_day_later, tick),
    "a request": (at_first, request_of(DB)),
}


@SIDES
@pytest.mark.parametrize("scene", EXPORTS)
def test_an_export_killed_at_any_call_leaves_one_image_of_each_slot(
    surrounded: SandboxStack,
    scene: str,
    side: Side,
    record_property: Recording,
) -> None:
    prepare, victim = EXPORTS[scene]
    site = ExportSite(surrounded)
    nth = 0
    while True:
        nth += 1
        site.reset()
        plant_foreign_images(site.cloud.world)
        watch = Watch(site.cloud.world, grace=GRACE)
        prepare(site)
        if not killed_at(surrounded, victim, nth, side):
            break
        watch.look()
        for wait in (0 * MINUTE, 11 * MINUTE, 11 * MINUTE, HOUR, HOUR, 7 * HOUR):
            site.let_pass(wait)
            watch.export_ended(site.run())
        due = due_slots(GROUPS, SLOT, DAY, site.cloud.clock.now())
        watch.check_slots(due)
        assert watch.violations == [], f"killed at call {nth}"
        assert watch.exported >= set(due), f"killed at call {nth}"
        assert site.state().under_way == {}, f"killed at call {nth}"
    record_property("crash points", nth - 1)
    assert nth > 10


Preparation = Callable[[CleanupSite], Iterator[Report]]


def nothing_announced(_: CleanupSite) -> Iterator[Report]:
    """Have expired images, and no cleanup before."""
    yield from ()


def the_grace_is_over(site: CleanupSite) -> Iterator[Report]:
    """Have images announced that are due now, and another that expired since."""
    yield site.clean()
    for _ in range(2):
        yield site.clean_after(DAY)
    site.plant(31)
    site.let_pass(DAY + timedelta(seconds=2))


@SIDES
@pytest.mark.parametrize("preparation", [nothing_announced, the_grace_is_over])
def test_a_cleanup_killed_at_any_call_deletes_nothing_early_and_all_in_time(
    surrounded: SandboxStack, preparation: Preparation, side: Side, record_property: Recording
) -> None:
    nth = 0
    while True:
        nth += 1
        site = CleanupSite.at_rest(surrounded)
        plant_foreign_images(surrounded.cloud.world)
        days = [site.plant(day).id for day in range(20, 30)]
        watch = Watch(surrounded.cloud.world, grace=GRACE, ours=[*days, "day-31"])
        for report in preparation(site):
            watch.cleanup_ended(report, site.state())
        if not killed_at(surrounded, cleanup, nth, side):
            break
        watch.look()
        if site.has_state():
            watch.announced(site.state(), surrounded.cloud.clock.now())
        for _ in range(5):
            watch.cleanup_ended(site.clean_after(DAY), site.state())
        assert watch.violations == [], f"killed at call {nth}"
        planted = [image_id for image_id in (*days, "day-31") if image_id in site.images]
        assert len(planted) == 3, f"killed at call {nth}"
    record_property("crash points", nth - 1)
    assert nth > 5
