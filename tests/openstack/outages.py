"""Services of the real OpenStack that die under the product's runs, and come back."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from tests.contract.openstack_site import OpenstackSite
from tests.faults.invariants import counts_add_up, one_image_per_slot, one_page_per_cause
from tests.openstack.places import Places
from tests.openstack.processes import frozen, kill, kill_workers
from tests.openstack.run_site import NO_LIMITS, PREFIX, RunSite
from tests.openstack.seeding import GIB
from tests.openstack.services import start_again
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.clock import SystemClock
from volume_images.connections import Connections
from volume_images.export.run import export_run
from volume_images.image_name import ImageName
from volume_images.model import ImageStatus, Tick, VolumeStatus
from volume_images.protocols import Clock, Cloud, World
from volume_images.report import CloudResult, ExportResult, Function, Report
from volume_images.settings import Settings

GLANCE, VOLUME_SERVICE, BLOCK_STORAGE_API = "glance-api", "cinder-volume", "cinder-api"
KEYSTONE, BROKER = "keystone", "rabbitmq"
KILLED = (GLANCE, VOLUME_SERVICE, BLOCK_STORAGE_API, KEYSTONE)

LONGEST_WAIT = 300.0
OFTEN = 0.05
AT_ONCE = 0.002
"""Between two looks at a file that grows by a gigabyte in seconds, and is to be seen small."""

ATTEMPTS = 5


@dataclass
class HurriedClock:
    """This machine's clock, ahead by as much as a test says; who waits by it does not wait."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.ahead.total_seconds()

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class ColdStart(Connections):
    """What a process starts with that has no token yet, and whose clouds know another time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._hurried = clock

    def clock(self, settings: Settings) -> Clock:  # noqa: ARG002 - none is served here
        return self._hurried


class At:
    """Something of a cloud's, before the first of whose calls something happens."""

    def __init__(self, of: object, calls: Sequence[str], then: Callable[[], object]) -> None:
        self._of, self._calls, self._then = of, calls, then

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it stands before
        found = getattr(self._of, name)
        if name != self._calls[0]:
            return found
        if self._calls[1:]:
            return At(found, self._calls[1:], self._then)
        self._then()
        return found


@dataclass
class Outages:
    """Runs of the product, each in a process of its own as it were, in a cloud that fails.

    Every report is held against the rules that need nothing but a report, and after every run no
    slot may have two good images.
    """

    runs: RunSite
    places: Places
    clock: HurriedClock = field(default_factory=HurriedClock)

    def export(self, slot: datetime, wrap: Callable[[World], World] = lambda it: it) -> Report:
        """Have the export look at one slot."""
        settings = Settings.parse(self.runs.env)
        world = wrap(connect(settings, Function.EXPORT, ColdStart(self.clock)))
        named = Tick(scheduled_at=slot, policies=frozenset({"daily"}))
        return self._held(export_run(world, named, limits=NO_LIMITS))

    @contextmanager
    def in_mid_export(self, slot: datetime) -> Iterator[str]:
        """Have the only volume exported, and hold its bytes under way; they go on in the end.

        Gives the image's id. A machine that is too busy to hold them in time tries it again.
        """
        for _ in range(ATTEMPTS):
            with frozen(VOLUME_SERVICE, self.places):  # it begins when somebody looks
                report = self.export(slot)
            [(result, image_id)] = [(one.result, one.image_id) for one in report.outcomes]
            assert result is ExportResult.STARTED, report.outcomes
            self.until_written(image_id, 1, AT_ONCE)
            with frozen(VOLUME_SERVICE, self.places):
                if self._written(image_id) < GIB:
                    yield image_id
                    return
            self._undo_exports()
        raise AssertionError(f"{ATTEMPTS} exports were too quick to be held under way")

    def _written(self, image_id: str) -> int:
        """Return how many of its bytes Glance has: not by its API, which may be dead or busy."""
        file = self.places.image_file(image_id)
        return file.stat().st_size if file.exists() else 0

    def until_written(self, image_id: str, size: int = GIB, pause: float = OFTEN) -> None:
        """Wait until Glance has so many bytes of an image."""
        wait_until(lambda: self._written(image_id) >= size, "no bytes arrive", pause)

    def _undo_exports(self) -> None:
        """Have it as if no export had been asked for yet."""
        self.runs.cloud.clear()
        shutil.rmtree(self.runs.folder / "store")

    def export_cut_at_its_post(self, slot: datetime) -> Report:
        """Have cinder-api die over a POST: Glance made the image, the broker does not answer."""
        killing: list[Future[None]] = []
        with ExitStack() as held, ThreadPoolExecutor(1) as pool:

            def die() -> None:
                held.enter_context(frozen(BROKER, self.places))
                killing.append(pool.submit(self._kill_once_an_image_is_there))

            report = self.export(slot, at_call("volumes", "export", die))
        [killed] = killing
        killed.result()
        return report

    def _kill_once_an_image_is_there(self) -> None:
        wait_until(lambda: bool(self.statuses()), "no POST made an image")
        self.kill(BLOCK_STORAGE_API)

    def clean(self, wrap: Callable[[World], World] = lambda it: it) -> Report:
        """Have cleanup run: by the clock, but it talks to the cloud by the cloud's own time."""
        settings = Settings.parse(self.runs.env)
        world = connect(settings, Function.CLEANUP, ColdStart(HurriedClock()))
        world = replace(world, clock=self.clock)
        return self._held(cleanup_run(wrap(world), Tick(), limits=NO_LIMITS))

    def _held(self, report: Report) -> Report:
        assert counts_add_up(report) + one_page_per_cause(report) == []
        if report.clouds[0].result is not CloudResult.UNAVAILABLE:
            good = [(name.group, name.slot) for name in self.good().values()]
            assert one_image_per_slot(good, ()) == []
        return report

    def pass_by(self, time_passed: timedelta) -> None:
        """Let time pass, for the product: the cloud's own runs on as ever."""
        self.clock.ahead += time_passed

    @contextmanager
    def without(self, service: str) -> Iterator[None]:
        """Kill a service, and start it again in the end."""
        self.kill(service)
        yield
        self.start(service)

    def kill(self, service: str) -> None:
        assert kill(service, self.places), f"{service} did not run"

    def kill_worker(self, service: str) -> None:
        assert kill_workers(service, self.places), f"{service} has no worker"

    def start(self, service: str) -> None:
        """Start a service again, and wait until it serves."""
        start_again(self.places, service)
        if service == VOLUME_SERVICE:
            wait_until(self.runs.cloud.volume_service_answers, "cinder-volume does not answer")

    def statuses(self) -> dict[str, str]:
        """Return what the cloud holds: the status of each image of the project by id."""
        return {image["id"]: image["status"] for image in self.runs.images()}

    def good(self) -> dict[str, ImageName]:
        """Return the names of the active images that are the product's."""
        active = [one for one in self.runs.images() if one["status"] == ImageStatus.ACTIVE]
        return {one["id"]: name for one in active if (name := ImageName.parse(one["name"]))}

    def plant(self, volume_id: str, slot: datetime) -> str:
        """Put a small image there, as if this volume had been exported at that slot."""
        name = ImageName(
            prefix=PREFIX,
            policy="daily",
            requested=False,
            label="db01-data",
            volume_id=volume_id,
            slot=slot,
        )
        return self.runs.cloud.plant_image(str(name))

    def volume_status(self, volume_id: str) -> str:
        volumes = {one["id"]: one["status"] for one in self.runs.cloud.all_volumes()}
        return str(volumes[volume_id])

    def until_at_rest(self, volume_id: str) -> None:
        """Wait until Cinder has given an export up, or has ended it."""
        wait_until(
            lambda: self.volume_status(volume_id) != VolumeStatus.UPLOADING,
            "the volume uploads for ever",
        )

    def reset_uploading(self) -> None:
        """Call at rest what uploads for ever, as an operator of the cloud would."""
        self.runs.cloud.reset_uploading()


def at_call(kind: str, call: str, then: Callable[[], object]) -> Callable[[World], World]:
    """Have something happen before a run's first call of, say, `export` of its `volumes`."""
    once = Once(then)

    def wrap(world: World) -> World:
        def opened(name: str, refused_secret: str = "") -> Cloud:
            cloud: Any = At(world.open_cloud(name, refused_secret), (kind, call), once)
            return cast("Cloud", cloud)

        return replace(world, open_cloud=opened)

    return wrap


class Once:
    """What happens at the first call only; others wait for it."""

    def __init__(self, then: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._then: Callable[[], object] | None = then

    def __call__(self) -> None:
        with self._lock:
            then, self._then = self._then, None
            if then is not None:
                then()


def mend(cloud: OpenstackSite, places: Places) -> None:
    """Start what was left dead, and call at rest what a dead service left uploading."""
    start_again(places, *KILLED)
    if cloud.uploading():
        # An upload that is still on its way would call its volume at rest in the next test.
        kill(VOLUME_SERVICE, places)
        start_again(places, VOLUME_SERVICE)
        wait_until(cloud.volume_service_answers, "cinder-volume does not answer")
        cloud.reset_uploading()
    known = cloud.every_image()
    for file in places.image_files():
        if file.name not in known:
            file.unlink()  # Glance keeps what it had of an image that never became one


def wait_until(condition: Callable[[], bool], otherwise: str, pause: float = OFTEN) -> None:
    until = time.monotonic() + LONGEST_WAIT
    while not condition():
        assert time.monotonic() < until, f"{otherwise}, after {LONGEST_WAIT:.0f} s"
        time.sleep(pause)
