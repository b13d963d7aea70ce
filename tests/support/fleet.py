"""A fleet of clouds in memory: thousands of volumes, a clock that jumps, faults by volume."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event, RLock
from typing import Any, cast

from volume_images.config.schema import Config
from volume_images.errors import CloudUnavailable, Conflict, Refused, StoreError
from volume_images.export.run import export_run
from volume_images.export.state import ExportState
from volume_images.model import (
    ExportAnswer,
    ExportRequest,
    Image,
    ImageJob,
    ImageMark,
    ImageStatus,
    Tick,
    Trigger,
    Volume,
    VolumeStatus,
)
from volume_images.protocols import Cloud, Store, StoredObject, World
from volume_images.report import Report
from volume_images.stopwatch import RunLimits

START = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
LAMBDA = RunLimits(act=480, end=520)
TICK = timedelta(minutes=10)
DEPLOYMENT = "0123456789ab"
GIB = 2**30


@dataclass
class FleetClock:
    """Time passes only when somebody waits, or a test lets it."""

    time: datetime = START

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.time += timedelta(seconds=seconds)


@dataclass
class EndingClock(FleetClock):
    """A clock that stands still, and is far ahead once `over` is set: then a run's time is over."""

    over: Event = field(default_factory=Event)

    def monotonic(self) -> float:
        """Return the seconds."""
        return super().monotonic() + 1000 * self.over.is_set()


@dataclass
class FleetStore:
    """States and reports in memory; a version is the count of an object's writes.

    It `refuses` to write states of this name. At calls of the numbers given all states are gone, an
    answer is lost and the request repeated, or the answer never comes.
    """

    objects: dict[str, list[bytes]] = field(default_factory=dict)
    reports: int = 0
    refuses: str = ""
    calls: int = 0
    vanishes_at: frozenset[int] = frozenset()
    answer_lost_at: frozenset[int] = frozenset()
    fails_after_writing_at: frozenset[int] = frozenset()

    def config(self) -> StoredObject:
        """Say that nobody edited the config, whose content the world has."""
        return StoredObject(b"", "v1")

    def config_versions(self, since: str) -> Sequence[bytes] | None:  # noqa: ARG002
        """Know of no edit."""
        return ()

    def state(self, key: str) -> StoredObject | None:
        """Read a state."""
        self._called()
        written = self.objects.get(key)
        return StoredObject(written[-1], str(len(written))) if written else None

    def earlier_states(self, key: str) -> Sequence[bytes]:
        """Read the states before."""
        return self.objects[key][-2::-1]

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        """Write only if nobody else has."""
        self._called()
        if self.refuses and self.refuses in key:
            raise StoreError(f"{key}: access denied")
        written = self.objects.setdefault(key, [])
        if version != (str(len(written)) if written else None):
            raise Conflict(key)
        written.append(body)
        if self.calls in self.answer_lost_at:
            raise Conflict("the repeated request finds its own write")
        if self.calls in self.fails_after_writing_at:
            raise StoreError("timed out")
        return str(len(written))

    def _called(self) -> None:
        self.calls += 1
        if self.calls in self.vanishes_at:
            self.objects.clear()

    def write_report(self, key: str, body: bytes) -> str:  # noqa: ARG002
        """Count it."""
        self.reports += 1
        return f"memory://{key}"


@dataclass
class FleetCloud:
    """One project: volumes made when they are listed, images that end after `export_time`.

    Volumes in `fails` make images that are killed, those in `sticks` images that never end.
    """

    number: int
    clock: FleetClock
    size: int
    export_time: timedelta = timedelta(minutes=10)
    export_times: Sequence[timedelta] = ()
    down: bool = False
    takes_exports: bool = True
    lists_volumes: bool = True
    name: str = "volume"
    size_gib: int = 1
    fails: frozenset[str] = frozenset()
    sticks: frozenset[str] = frozenset()
    most_exports: int = 0
    posts: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    held: dict[str, Image] = field(default_factory=dict)
    active_at: dict[str, datetime] = field(default_factory=dict)
    being_written: dict[str, str] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    @property
    def project_id(self) -> str:
        """Return the project's id."""
        return f"{self.number:032x}"

    @property
    def volumes(self) -> "FleetVolumes":
        """Return its volumes."""
        return FleetVolumes(self)

    @property
    def images(self) -> "FleetImages":
        """Return its images."""
        return FleetImages(self)

    def clock_skew(self) -> timedelta:
        """Keep time."""
        return timedelta()

    def volume_id(self, index: int) -> str:
        """Return the id of its nth volume."""
        return f"{self.number:08x}-0000-4000-8000-{index:012x}"

    def called(self) -> None:
        """Answer, or be down."""
        with self.lock:
            self.calls += 1
        if self.down:
            raise CloudUnavailable("no route to host")

    def seen(self, image: Image) -> Image:
        """Return an image as it is by now."""
        volume_id = image.name.split("_")[-2]
        if image.status == ImageStatus.KILLED:
            return image
        if volume_id in self.sticks or self.clock.now() < image.created_at + self._time(volume_id):
            return image
        if volume_id in self.fails:
            self.held[image.id] = replace(image, status=ImageStatus.KILLED)
            return self.held[image.id]
        self.active_at.setdefault(image.id, image.created_at + self._time(volume_id))
        return replace(image, status=ImageStatus.ACTIVE)

    def _time(self, volume_id: str) -> timedelta:
        times = self.export_times or (self.export_time,)
        return times[int(volume_id[-12:], 16) % len(times)]

    def under_way(self) -> frozenset[str]:
        """Return the volumes that are being written to images; stuck ones are not."""
        with self.lock:
            for image_id, volume_id in list(self.being_written.items()):
                image = self.held.get(image_id)
                if (
                    image is None
                    or volume_id in self.sticks
                    or self.seen(image).status != ImageStatus.SAVING
                ):
                    del self.being_written[image_id]
            return frozenset(self.being_written.values())


@dataclass(frozen=True)
class FleetVolumes:
    """The volumes of a cloud."""

    cloud: FleetCloud

    def all(self) -> Sequence[Volume]:
        """List them."""
        self.cloud.called()
        busy = self.cloud.under_way()
        if not self.cloud.lists_volumes:
            return []
        return [self._volume(self.cloud.volume_id(index), busy) for index in range(self.cloud.size)]

    def get(self, volume_id: str) -> Volume | None:
        """Read one."""
        self.cloud.called()
        if int(volume_id[-12:], 16) >= self.cloud.size:
            return None
        return self._volume(volume_id, self.cloud.under_way())

    def export(self, request: ExportRequest) -> ExportAnswer:
        """Begin to write an image."""
        self.cloud.called()
        if not self.cloud.takes_exports:
            raise CloudUnavailable("502", status=502)
        with self.cloud.lock:
            image = self._begun(request)
        return ExportAnswer(
            volume_id=request.volume_id,
            image_id=image.id,
            image_name=image.name,
            status="uploading",
            size_gib=1,
            disk_format=request.disk_format,
            container_format=request.container_format,
            description=None,
            updated_at=None,
            volume_type=None,
        )

    def _begun(self, request: ExportRequest) -> Image:
        self.cloud.posts[request.image_name] += 1
        busy = self.cloud.under_way()
        if request.volume_id in busy:
            raise Refused("it is being exported", status=400)
        image = Image(
            id=f"image-{self.cloud.number}-{self.cloud.posts.total()}",
            name=request.image_name,
            status=ImageStatus.SAVING,
            owner=self.cloud.project_id,
            created_at=self.cloud.clock.now(),
            virtual_bytes=self.cloud.size_gib * GIB,
        )
        self.cloud.held[image.id] = image
        self.cloud.being_written[image.id] = request.volume_id
        self.cloud.most_exports = max(self.cloud.most_exports, len(busy) + 1)
        return image

    def job(self, job_id: str) -> ImageJob | None:  # noqa: ARG002
        """Know of no job."""
        return None

    def failure_message(self, volume_id: str, since: datetime) -> str:  # noqa: ARG002
        """Say nothing."""
        return ""

    def _volume(self, volume_id: str, busy: frozenset[str]) -> Volume:
        return Volume(
            id=volume_id,
            name=f"{self.cloud.name}-{volume_id[-6:]}",
            status=VolumeStatus.UPLOADING if volume_id in busy else VolumeStatus.AVAILABLE,
            size_gib=self.cloud.size_gib,
            tags={"backup": "daily"},
        )


@dataclass(frozen=True)
class FleetImages:
    """The images of a cloud."""

    cloud: FleetCloud

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        """List them."""
        self.cloud.called()
        return [
            self.cloud.seen(image)
            for image in list(self.cloud.held.values())
            if created_since is None or image.created_at >= created_since
        ]

    def get(self, image_id: str) -> Image | None:
        """Read one."""
        self.cloud.called()
        image = self.cloud.held.get(image_id)
        return self.cloud.seen(image) if image else None

    def members(self, image_id: str) -> Sequence[str]:  # noqa: ARG002
        """Share none."""
        return ()

    def delete(self, image_id: str) -> bool:
        """Remove one."""
        self.cloud.called()
        return self.cloud.held.pop(image_id, None) is not None

    def mark(self, image_id: str, mark: ImageMark) -> bool:
        """Tag one."""
        self.cloud.called()
        image = self.cloud.held[image_id]
        self.cloud.held[image_id] = replace(image, deployment=mark.deployment_id)
        return True

    def room(self) -> int | None:
        """Not say."""
        return None


class Fleet:
    """A fleet, and the runs in it."""

    def __init__(
        self,
        *,
        clouds: int = 1,
        volumes: int = 10,
        max_in_flight: int = 20,
        store: Store | None = None,
        cloud: Mapping[str, Any] | None = None,
        **policy: object,
    ) -> None:
        self.clock = FleetClock()
        self.store = store or cast("Store", FleetStore())
        self.clouds = {
            f"cloud-{number:03}": FleetCloud(number, self.clock, volumes)
            for number in range(clouds)
        }
        one = {
            "dialect": "openstack",
            "region": "one",
            "project": "backup",
            "max_in_flight": max_in_flight,
            "requests_per_second": 1000,
        }
        daily = {
            "select": {"backup": "daily"},
            "schedule": "0 2 * * *",
            "catch_up": "23h",
            "retention": {"keep_last": 3},
        }
        self.document: dict[str, Any] = {
            "prefix": "acme",
            "clouds": dict.fromkeys(self.clouds, one | dict(cloud or {})),
            "policies": {"daily": daily | policy},
            "discover": [{"cloud": name, "tags": {"backup": ["daily"]}} for name in self.clouds],
        }
        self.config = Config.model_validate(self.document)
        self.edits = 1
        self.runs = 0

    def edit(self, **policy: object) -> None:
        """Write another version of the config."""
        self.document["policies"]["daily"] |= policy
        self.config = Config.model_validate(self.document)
        self.edits += 1

    @property
    def only(self) -> FleetCloud:
        """Return the one cloud there is."""
        (cloud,) = self.clouds.values()
        return cloud

    def world(self) -> World:
        """Return the world of the next run."""
        self.runs += 1

        def opened(name: str, refused_secret: str = "") -> Cloud:  # noqa: ARG001
            self.clouds[name].called()
            return cast("Cloud", self.clouds[name])

        return World(
            run_id=f"run-{self.runs}",
            config=self.config,
            config_version=f"v{self.edits}",
            config_fault="",
            store=self.store,
            clock=self.clock,
            open_cloud=opened,
            deployment_id=DEPLOYMENT,
            minimum_grace=timedelta(hours=24),
        )

    def run(self, trigger: Trigger | None = None, limits: RunLimits = LAMBDA) -> Report:
        """Run the export once."""
        return export_run(self.world(), trigger or Tick(), limits=limits)

    def tick(self, limits: RunLimits = LAMBDA) -> Report:
        """Run a tick, and let the time pass to the next."""
        due = self.clock.now() + TICK
        report = self.run(limits=limits)
        self.clock.time = max(self.clock.time, due)
        return report

    def ticks(self, count: int, limits: RunLimits = LAMBDA) -> list[Report]:
        """Run so many ticks."""
        return [self.tick(limits) for _ in range(count)]

    def state(self, cloud: str = "cloud-000") -> ExportState:
        """Read a state of the exporter."""
        stored = self.store.state(f"state/export/{cloud}.json")
        assert stored is not None
        return ExportState.model_validate_json(stored.body)
