"""A deployment in memory, for a state machine to operate: thousands of runs in a minute."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.memory_cloud import MemoryCloud
from tests.faults.memory_project import PIN
from tests.faults.memory_store import MemoryStore
from tests.faults.trouble import Episode, Kind, Trouble
from tests.faults.years.clock import VirtualClock
from tests.sandbox.clock import START, SandboxClock
from tests.sandbox.seeds import PREFIX, plant_foreign_images, plant_volumes
from tests.sandbox.world import World as CloudWorld
from volume_images.dialect import Dialect
from volume_images.errors import ConfigError, StoreError
from volume_images.protocols import Cloud, World
from volume_images.report import Function
from volume_images.used_config import UsedConfig, use_config

FOREVER = datetime.max.replace(tzinfo=UTC)
MISHAPS: tuple[tuple[Kind, float], ...] = (
    (Kind.ANSWERS_LOST, 0.7),
    (Kind.LISTINGS_LATE, 1500),
    (Kind.LISTINGS_LATE, 3000),
    (Kind.DOWN, 1),
    (Kind.ERRORS, 0.3),
    (Kind.THROTTLED, 0.3),
    (Kind.NO_CREDENTIAL, 1),
    (Kind.LISTINGS_BROKEN, 1),
    (Kind.EXPORTS_FAIL, 0.7),
    (Kind.EXPORTS_ARE_KILLED, 0.5),
    (Kind.EXPORTS_VANISH, 0.5),
    (Kind.EXPORTS_ARE_STUCK, 0.5),
    (Kind.VOLUMES_STAY_UPLOADING, 0.5),
    (Kind.EXPORTS_ARE_SLOW, 20_000),
    (Kind.EXPORTS_ARE_REFUSED, 1),
    (Kind.QUOTA_IS_FULL, 1),
    (Kind.FULL, 1),
    (Kind.CLOCK_IS_WRONG, 900),
    (Kind.STORE_READS_FAIL, 0.2),
    (Kind.STORE_WRITES_FAIL, 0.2),
    (Kind.STORE_ANSWERS_LOST, 0.7),
    (Kind.STORE_ANSWERS_NEVER_COME, 0.3),
)


class InMemory:
    """The real runs on a virtual clock, against a cloud and a store in memory."""

    cloud_name = "memory"
    pin = PIN
    secrets: Sequence[str] = ()

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.reset()

    def reset(self) -> None:
        """Be as it was at first: three volumes, images of others, no state, nothing wrong."""
        self.clock = VirtualClock(START)
        ticking = SandboxClock(START, self.clock.monotonic)
        self.world = CloudWorld(self._dialect, ticking, f"{1:032x}")
        plant_volumes(self.world, 3)
        self._trouble = Trouble(self.clock.now, "")
        self._cloud = MemoryCloud(self.world, self._trouble)
        self._store = MemoryStore(lambda _: self._trouble)
        self._used: dict[Function, UsedConfig] = {}
        self._runs = 0
        plant_foreign_images(self.world)
        for image in self.world.images.values():  # its tags are spelled in one way for all dialects
            image.tags = [tag.removesuffix("=1").replace("deployment=", "") for tag in image.tags]

    @property
    def doubtful(self) -> set[str]:
        """The names of images of which listings tell so late that another may be made."""
        return self._cloud.doubtful

    @property
    def struck(self) -> int:
        """How often something went wrong."""
        return self._trouble.struck.total()

    def document(self) -> dict[str, Any]:
        """Return a config without policies and volumes."""
        cloud = {
            "dialect": str(self._dialect),
            "region": "one",
            "project": "backup",
            "max_in_flight": 3,
            "max_concurrency": 1,
            "requests_per_second": 1000,
        }
        return {"version": 1, "prefix": PREFIX, "clouds": {self.cloud_name: cloud}, "grace": "72h"}

    def write_config(self, body: bytes) -> None:
        """Write another version of the config."""
        self._store.configs.append(body)

    def connect(self, function: Function) -> World | None:
        """Begin a run; None where it ends red, for want of a config."""
        self._runs += 1
        try:
            used = use_config(self._store, "the config", function, self._used.get(function))
        except (ConfigError, StoreError):
            return None
        self._used[function] = used

        def opened(name: str, refused_secret: str = "") -> Cloud:  # noqa: ARG001
            return self._cloud.opened(refused_secret)

        return World(
            run_id=f"{self.clock.time:%Y%m%dT%H%M%SZ}-{self._runs:016x}",
            config=used.config,
            config_version=used.version,
            config_fault=used.fault,
            store=self._store,
            clock=self.clock,
            open_cloud=opened,
            deployment_id="fedcba987654",
            minimum_grace=timedelta(hours=24),
        )

    def process_ended(self) -> None:
        """Forget what a process keeps while it is warm."""
        self._used.clear()

    def state(self, key: str) -> bytes | None:
        """Look at a state."""
        return self._store.body(key)

    def lose(self, key: str) -> None:
        """Lose a state, with all its versions."""
        self._store.lose(key)
        self._cloud.memory_lost()

    def damage(self, key: str) -> None:
        """Spoil a state; the versions before are there."""
        self._store.put(key, b"{")

    def let_pass(self, time: timedelta) -> None:
        """Let time pass."""
        self.clock.time += time
        self.world.settle()

    def go_wrong(self, number: int, seed: int, at_once: int) -> None:
        """Let something go wrong from now on, beside what does, but no more than so much."""
        kind, amount = MISHAPS[number % len(MISHAPS)]
        lasting = [one for one in self._trouble.episodes if one.until == FOREVER]
        for oldest in lasting[: max(0, len(lasting) + 1 - at_once)]:
            self._end(oldest)
        self._trouble.seed = str(seed)
        begun = Episode(kind, self.clock.now(), FOREVER, amount)
        self._trouble.episodes = [*self._trouble.episodes, begun]

    def go_well(self) -> None:
        """Let nothing go wrong from now on."""
        for episode in self._trouble.episodes:
            self._end(episode)

    def _end(self, episode: Episode) -> None:
        ended = replace(episode, until=min(episode.until, self.clock.now()))
        self._trouble.episodes = [
            ended if one is episode else one for one in self._trouble.episodes
        ]
