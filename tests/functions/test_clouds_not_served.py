"""Clouds that hang, or cannot be opened: every function serves the others, and says the same."""

from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import cast

import pytest

from tests.support.fleet import EndingClock, Fleet, FleetCloud
from volume_images.cleanup.run import cleanup_run
from volume_images.clock import SystemClock
from volume_images.errors import (
    CloudUnavailable,
    Conflict,
    CredentialError,
    HostNotAllowed,
    IncompleteListing,
    Refused,
    StoreError,
    Throttled,
)
from volume_images.export.run import export_run
from volume_images.model import Tick
from volume_images.protocols import Cloud, OpenCloudToRestore, RestoreWorld, World
from volume_images.report import CloudResult, Report
from volume_images.restore.drill_run import drill_run
from volume_images.stopwatch import RunLimits

HANGING = 16
HEALTHY = 4
AT_LAST = 2.0
"""Seconds after which a cloud that hangs answers, if nobody else was served meanwhile."""

QUICK = RunLimits(patience=0.01)


class HangingFleet:
    """A fleet whose first clouds give no token before the last were all asked for theirs."""

    def __init__(self) -> None:
        self.fleet = Fleet(clouds=HANGING + HEALTHY, volumes=1)
        self.asked: set[str] = set()
        self.served = Event()
        self.waited_in_vain: list[str] = []

    def world(self) -> World:
        """Return the world of a run."""

        def opened(name: str, refused_secret: str = "") -> Cloud:  # noqa: ARG001
            number = list(self.fleet.clouds).index(name)
            if number < HANGING and not self.served.wait(AT_LAST):
                self.waited_in_vain.append(name)
            self.asked.add(name)
            if len(self.asked) == HEALTHY:
                self.served.set()
            return cast("Cloud", FleetCloud(number, self.fleet.clock, 1))

        return replace(self.fleet.world(), clock=SystemClock(), open_cloud=opened)


def drill(world: World) -> Report:
    fields = {name: getattr(world, name) for name in World.__slots__}
    open_cloud = cast("OpenCloudToRestore", world.open_cloud)
    return drill_run(RestoreWorld(**fields | {"open_cloud": open_cloud}), Tick(), limits=QUICK)


EVERY_FUNCTION = pytest.mark.parametrize(
    "run",
    [
        lambda world: export_run(world, Tick(), limits=QUICK),
        lambda world: cleanup_run(world, Tick(), limits=QUICK),
        drill,
    ],
    ids=["export", "cleanup", "drill"],
)


@EVERY_FUNCTION
def test_sixteen_clouds_that_hang_hold_up_none_of_the_others(
    run: Callable[[World], Report],
) -> None:
    hanging = HangingFleet()
    report = run(hanging.world())
    assert hanging.waited_in_vain == []
    assert [(one.cloud, one.result) for one in report.clouds] == [
        (cloud, CloudResult.SERVED) for cloud in hanging.fleet.clouds
    ]


def test_the_volumes_of_a_cloud_that_hangs_age_all_the_same() -> None:
    fleet = Fleet(clouds=2, volumes=3)
    hanging, _ = fleet.clouds
    known = cleanup_run(fleet.world(), Tick(), limits=RunLimits())
    clock, test_over = EndingClock(fleet.clock.time), Event()

    def opened(name: str, refused_secret: str = "") -> Cloud:  # noqa: ARG001
        if name == hanging:
            clock.over.set()
            test_over.wait()
        return cast("Cloud", fleet.clouds[name])

    world = replace(fleet.world(), clock=clock, open_cloud=opened)
    report = cleanup_run(world, Tick(), limits=RunLimits(end=0.01))
    test_over.set()
    assert report.clouds[0].reason == "did not end in time"
    assert len(known.freshness) == 6
    assert report.freshness == known.freshness


@EVERY_FUNCTION
@pytest.mark.parametrize(
    ("error", "result"),
    [
        (CredentialError("no secret"), CloudResult.NO_CREDENTIAL),
        (HostNotAllowed("evil.example: add it to `hosts`"), CloudResult.NO_CREDENTIAL),
        (CloudUnavailable("no answer"), CloudResult.UNAVAILABLE),
        (Throttled("not now", status=429), CloudResult.UNAVAILABLE),
        (Refused("no such region", status=400), CloudResult.UNAVAILABLE),
        (IncompleteListing("a page repeats"), CloudResult.INCOMPLETE_LISTING),
        (StoreError("access denied"), CloudResult.NO_STATE),
        (Conflict("lost against others"), CloudResult.CONFLICT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_function_says_the_same_of_a_cloud_that_it_cannot_open(
    run: Callable[[World], Report], error: Exception, result: CloudResult
) -> None:
    """A secret that allows no such host waits for a person: it is no cloud that may come back."""
    fleet = Fleet(clouds=2, volumes=1)
    broken, other = fleet.clouds

    def opened(name: str, refused_secret: str = "") -> Cloud:  # noqa: ARG001
        if name == broken:
            raise error
        return cast("Cloud", fleet.clouds[name])

    report = run(replace(fleet.world(), open_cloud=opened))
    assert [(one.cloud, one.result) for one in report.clouds] == [
        (broken, result),
        (other, CloudResult.SERVED),
    ]
    assert str(error) in report.clouds[0].reason
