"""Simulated years: the real runs on a virtual clock, against clouds and a store in memory.

    python -m tests.faults.years --seed 7 --days 365

A seed tells everything that happens; the same one always tells the same year.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.invariants import Slot, Watch, slots_accounted_for
from tests.faults.memory_cloud import PIN, MemoryCloud
from tests.faults.memory_store import MemoryStore
from tests.faults.trouble import Kind, Trouble
from tests.faults.weather import (
    DAY,
    EVERYWHERE,
    HOUR,
    IN_A_CLOUD,
    MINUTE,
    Event,
    Happening,
    episodes,
    happenings,
)
from tests.faults.year_expiry import expired_images
from tests.faults.year_fleet import GRACE, PLACES, PREFIX, FleetVolume, document, volumes_of
from tests.faults.year_slots import Owing
from tests.sandbox.clock import SandboxClock
from tests.sandbox.things import SandboxImage, SandboxVolume
from tests.sandbox.world import World as CloudWorld
from volume_images.cleanup.run import cleanup_run
from volume_images.cleanup.state import CleanupState
from volume_images.errors import ConfigError, StoreError
from volume_images.export.run import export_run
from volume_images.export.state import ExportState, empty_export_state
from volume_images.image_name import ImageName
from volume_images.model import (
    GroupKey,
    ImageStatus,
    RequestedExport,
    Requests,
    Tick,
    Trigger,
    VolumeStatus,
)
from volume_images.protocols import Cloud, RunLimits, World
from volume_images.report import CloudResult, ExportResult, Function, Report
from volume_images.used_config import UsedConfig, use_config

FIRST_DAY = datetime(2027, 9, 1, tzinfo=UTC)
"""A year from here has a 29 February, and both changes of the clocks in all three places."""

TICK = 10 * MINUTE
LAMBDA = RunLimits(act=480, end=520)
SHORT = RunLimits(act=10, end=20)
DEPLOYMENT = "0123456789ab"
EXPORT_SECONDS = 500.0
LARGEST_STATE = 60_000
"""Bytes: many times what nine volumes need, and far less than a year of slots would."""

CLEANUP_EVERY = (2, 6, 12, 12, 24, 24, 24, 24)
OTHER_SCHEDULES = {
    "night": ("45 3 * * *", "30 2 * * *", "0 1 * * *"),
    "early": ("0 2 * * *", "30 1 * * *"),
    "dawn": ("0 2 * * *", "30 1 * * *"),
    "month": ("0 5 15 * *", "0 3 1,29 * *"),
}
_NEXT_LOOK = re.compile(rb'"next_look":"([^"]+)"')


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@dataclass(slots=True)
class VirtualClock:
    """Time passes when somebody waits, and between the runs."""

    time: datetime

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let it pass at once."""
        self.time += timedelta(seconds=seconds)


@dataclass(slots=True)
class Reaper:
    """Counts the calls of a cloud's share of a run, and does something at one of them.

    Who is dead makes no further call.
    """

    armed: dict[str, tuple[int, Callable[[], None] | None]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    def called(self, cloud: str) -> None:
        """Count a call: kill at the one that was chosen, or let another run come between."""
        if cloud in self.dead:
            raise Killed
        left, action = self.armed.get(cloud, (0, None))
        if left > 1:
            self.armed[cloud] = (left - 1, action)
        elif left == 1:
            del self.armed[cloud]
            if action is not None:
                action()
            else:
                self.dead.add(cloud)
                raise Killed

    def rest(self) -> None:
        """Let the next run be."""
        self.armed.clear()
        self.dead.clear()


@dataclass(slots=True)
class Site:
    """One cloud, and who watches it."""

    cloud: MemoryCloud
    watch: Watch
    expired: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()


class Year:
    """One simulated stretch of time; `violations` is empty when all rules held."""

    def __init__(self, seed: int, days: float, *, skips_idle_ticks: bool = True) -> None:
        self.seed = seed
        self.skips = skips_idle_ticks
        self.first = FIRST_DAY + (seed % 28) * DAY
        self.until = self.first + days * DAY
        self.clock = VirtualClock(self.first)
        self.reaper = Reaper()
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.reports: list[Report] = []
        self._volumes = volumes_of(self._dice("volumes"), discovers=seed % 10 == 0)
        self._document = document(self._volumes)
        self._whole = json.loads(json.dumps(self._document))
        self._store_trouble = self._trouble("everywhere", EVERYWHERE, 5 * DAY)
        self._store_troubles = {
            place.name: Trouble(
                self.clock.now, f"{seed} store {place.name}", self._store_trouble.episodes
            )
            for place in PLACES
        }
        self.store = MemoryStore(self._trouble_of, self._stored)
        self.sites = {place.name: self._site(place.name) for place in PLACES}
        self._used: dict[Function, UsedConfig] = {}
        self._runs = 0
        self._waiting_exports: list[tuple[str, int, Callable[[], None] | None]] = []
        self._waiting_cleanups: list[tuple[str, int]] = []
        self._chosen: dict[int, str] = {}
        self._owing = Owing(self.first)
        self._write_config()
        self._owing.reads(self._document, self.first, {v.id: v.tags for v in self._volumes})

    def run(self) -> "Year":
        """Live through it, to the end or to the first violation."""
        todo = iter(happenings(self._dice("happenings"), self.first, self.until))
        following = next(todo, None)
        earliest, cleanup = self.first, self.first + HOUR
        while not self.violations:
            present = self._grid(self.clock.time)
            tick = max(earliest, present, self._next_tick()) if self.skips else earliest
            times = [tick, cleanup, *([following.at] if following else [])]
            now = min(times)
            if now >= self.until:
                break
            self.clock.time = max(self.clock.time, now)
            if following and now == following.at:
                self._happens(following)
                following = next(todo, None)
            elif now == tick:
                self._tick(tick)
                earliest = self._grid(max(self.clock.time, tick) + timedelta(seconds=1))
            else:
                self._cleanup_comes()
                cleanup = self._next_cleanup(cleanup)
            self._note_violations()
        self._at_the_end()
        return self

    @property
    def struck(self) -> int:
        """Count what went wrong in all: calls that were struck, and what happened once."""
        stores = [self._store_trouble, *self._store_troubles.values()]
        places = [*stores, *(site.cloud.trouble for site in self.sites.values())]
        calls = sum(place.struck.total() for place in places)
        return calls + sum(self.counts[event.value] for event in Event)

    @property
    def exported(self) -> set[Slot]:
        """Return all slots of which a good image was seen."""
        return set().union(*(site.watch.exported for site in self.sites.values()))

    # What comes by itself.

    def _tick(self, at: datetime) -> None:
        if self._store_trouble.amount(Kind.TICKS_DO_NOT_COME):
            return
        late = self._store_trouble.amount(Kind.TICKS_ARE_LATE)
        if late:
            self.clock.sleep(late)
        active = {name for name in self.sites if self._is_due(name)}
        for waiting in list(self._waiting_exports):
            cloud, nth, action = waiting
            if cloud in active:
                self._waiting_exports.remove(waiting)
                self.reaper.armed[cloud] = (nth, action)
        self._export(Tick(scheduled_at=at))
        if self._store_trouble.amount(Kind.TICKS_ARE_DOUBLED):
            self._export(Tick(scheduled_at=at))

    def _cleanup_comes(self) -> None:
        if self._store_trouble.amount(Kind.CLEANUPS_DO_NOT_COME):
            return
        for cloud, nth in self._waiting_cleanups:
            self.reaper.armed[cloud] = (nth, None)
        self._waiting_cleanups.clear()
        self._clean(Tick())

    def _next_cleanup(self, cleanup: datetime) -> datetime:
        period = (cleanup - self.first) // (20 * DAY)
        hours = self._dice(f"cleanup {period}").choice(CLEANUP_EVERY)
        return cleanup + hours * HOUR

    def _next_tick(self) -> datetime:
        return self._grid(min(self._due_at(name) for name in self.sites))

    def _is_due(self, cloud: str) -> bool:
        return self._due_at(cloud) <= self.clock.time

    def _due_at(self, cloud: str) -> datetime:
        """Say when an export run would look at a cloud, as its state tells."""
        body = self.store.body(f"state/export/{cloud}.json") or b""
        found = _NEXT_LOOK.search(body)
        version = f'"config_version":"{self._config_version()}"'.encode()
        if found is None or b'"missed":{' in body or version not in body:
            return self.first
        return datetime.fromisoformat(found[1].decode())

    def _config_version(self) -> str:
        used = self._used.get(Function.EXPORT)
        newest = str(len(self.store.configs) - 1)
        spoilt = used is not None and used.fault and self.store.configs[-1] == b"]["
        return used.version if spoilt and used else newest

    def _grid(self, moment: datetime) -> datetime:
        """Return the first tick that is not before a moment."""
        return self.first + -((self.first - moment) // TICK) * TICK

    # Runs.

    def _export(
        self, trigger: Trigger, *, only: str | None = None, limits: RunLimits = LAMBDA
    ) -> Report | None:
        try:
            world = self._connect(Function.EXPORT, only)
            if world is None:
                return None
            report = export_run(world, trigger, limits=limits)
        except Killed:
            self.counts["killed"] += 1
            self._look()
            return None
        finally:
            if only is None:
                self.reaper.rest()
        self.counts["exports"] += 1
        self._see_export(report)
        return report

    def _see_export(self, report: Report) -> None:
        results = {outcome.cloud: outcome.result for outcome in report.clouds}
        self._excuse_doubles()
        for name, result in results.items():
            watch = self.sites[name].watch
            if result is not CloudResult.IDLE:
                watch.export_ended(report)
            if result is not CloudResult.NO_STATE:
                self._owing.reached(name, self.clock.time)
        if not all(result is CloudResult.IDLE for result in results.values()):
            self.reports.append(report)
        self._measure_states("export")

    def _clean(self, tick: Tick, *, only: str | None = None) -> None:
        try:
            world = self._connect(Function.CLEANUP, only)
            if world is None:
                return
            report = cleanup_run(world, tick, limits=RunLimits())
        except ConfigError:
            self.counts["cleanups stopped"] += 1
            return
        except Killed:
            self.counts["killed"] += 1
            self._look()
            self._announced()
            return
        finally:
            if only is None:
                self.reaper.rest()
        self.counts["cleanups"] += 1
        self._excuse_doubles()
        for outcome in report.clouds:
            state = self._cleanup_state(outcome.cloud)
            if state is not None:
                self.sites[outcome.cloud].watch.cleanup_ended(report, state)
            else:
                self.sites[outcome.cloud].watch.look()
        self._measure_states("cleanup")

    def _connect(self, function: Function, only: str | None) -> World | None:
        """Open the world for a run; None for one that ends red, as the store keeps the config."""
        try:
            used = use_config(self.store, "the config", function, self._used.get(function))
        except StoreError:
            self.counts["runs without config"] += 1
            return None
        self._used[function] = used
        config = used.config
        if only is not None:
            config = config.model_copy(update={"clouds": {only: config.clouds[only]}})
        self._runs += 1

        def opened(name: str, refused_secret: str = "") -> Cloud:
            return self.sites[name].cloud.opened(refused_secret)

        return World(
            run_id=f"{self.clock.time:%Y%m%dT%H%M%SZ}-{self._runs:08x}",
            config=config,
            config_version=used.version,
            config_fault=used.fault,
            store=self.store,
            clock=self.clock,
            open_cloud=opened,
            deployment_id=DEPLOYMENT,
            minimum_grace=timedelta(hours=24),
        )

    def _look(self) -> None:
        self._excuse_doubles()
        for site in self.sites.values():
            site.watch.look()

    def _announced(self) -> None:
        for name, site in self.sites.items():
            state = self._cleanup_state(name)
            if state is not None:
                site.watch.announced(state, self.clock.time)

    def _excuse_doubles(self) -> None:
        """Excuse a second image after a lost answer under a listing that lags beyond an hour."""
        for site in self.sites.values():
            for name in _names(site.cloud.doubtful):
                site.watch.doubled_by_lies.add((site.watch.today(name.group), name.slot))

    # What happens once.

    def _happens(self, happening: Happening) -> None:
        self.counts[happening.event.value] += 1
        HANDLERS[happening.event](self, happening.number)

    def _place(self, number: int) -> str:
        return PLACES[number % len(PLACES)].name

    def kill_export(self, number: int) -> None:
        """Kill the next run that works in a cloud, at one of its calls there."""
        self._waiting_exports.append((self._place(number), 1 + number // 7 % 25, None))

    def kill_cleanup(self, number: int) -> None:
        """Kill the next cleanup in the midst of a cloud."""
        self._waiting_cleanups.append((self._place(number), 1 + number // 7 % 25))

    def overlap(self, number: int) -> None:
        """Let another tick come while one is at work in a cloud."""
        place = self._place(number)

        def another() -> None:
            self._export(Tick(), only=place, limits=SHORT)

        self._waiting_exports.append((place, 1 + number // 7 % 20, another))

    def meet(self, number: int) -> None:
        """Let a cleanup come while a tick is at work in a cloud."""
        place = self._place(number)
        self._waiting_exports.append(
            (place, 1 + number // 7 % 20, lambda: self._clean(Tick(), only=place))
        )

    def lose_export_state(self, number: int) -> None:
        """Lose what the exporter remembers of a cloud, all versions."""
        place = self._place(number)
        self.store.lose(f"state/export/{place}.json")
        self.sites[place].cloud.doubt_all()
        self._owing.forgotten(place, self.clock.time)

    def damage_export_state(self, number: int) -> None:
        """Spoil it; the versions before are there."""
        place = self._place(number)
        if self.store.body(f"state/export/{place}.json"):
            self.store.put(f"state/export/{place}.json", b'{"version": 1, "dep')
            self._owing.forgotten(place, self.clock.time)

    def lose_cleanup_state(self, number: int) -> None:
        """Lose what the cleaner remembers of a cloud."""
        place = self._place(number)
        self.store.lose(f"state/cleanup/{place}.json")
        self.sites[place].watch.announcements_lost()

    def damage_cleanup_state(self, number: int) -> None:
        """Spoil it: of an earlier version, no announcement is believed."""
        place = self._place(number)
        if self.store.body(f"state/cleanup/{place}.json"):
            self.store.put(f"state/cleanup/{place}.json", b"\x00")
            self.sites[place].watch.announcements_lost()

    def request(self, number: int) -> None:
        """Ask for an export outside the schedule."""
        volume = self._volume(number)
        asked = RequestedExport(volume_ids=(volume.id,), requested_at=self.clock.time)
        slot = self.clock.time.replace(microsecond=0)
        report = self._export(Requests(requests=(asked,)))
        for outcome in report.outcomes if report else ():
            accepted = outcome.result in {ExportResult.STARTED, ExportResult.DEFERRED}
            if outcome.slot == slot and accepted and outcome.reason != "same_request":
                group = GroupKey.parse(f"{outcome.policy}/{outcome.volume_id}")
                self._owing.requested(volume.cloud, group, slot)

    def narrowed_tick(self, number: int) -> None:
        """Look at one volume alone."""
        self._export(Tick(volume_ids=frozenset({self._volume(number).id})))

    def narrowed_cleanup(self, number: int) -> None:
        """Judge one volume's images alone."""
        self._clean(Tick(volume_ids=frozenset({self._volume(number).id})))

    def slip(self, number: int) -> None:
        """Keep far less, by mistake."""
        self._edit_retention(number, {"keep_last": 1})

    def mend_retention(self, number: int) -> None:
        """Keep again what was kept before."""
        policy = self._policy(number)
        former = "early" if policy == "dawn" else policy
        self._edit_retention(number, self._whole["policies"][former]["retention"])

    def _edit_retention(self, number: int, retention: object) -> None:
        policy = self._policy(number)
        former = self._document["policies"][policy]["retention"]
        self._document["policies"][policy]["retention"] = retention
        self._write_config()
        if retention != former:
            for site in self.sites.values():
                site.watch.retention_changed(policy)

    def lose_tags(self, number: int) -> None:
        """Forget to say which policies a listed volume is under."""
        self._tag(number, {})

    def mend_tags(self, number: int) -> None:
        """Say it again."""
        entry = self._listed(number)
        first = next(one for one in self._whole["volumes"] if one["id"] == entry["id"])
        self._tag(number, first["tags"])

    def _tag(self, number: int, tags: dict[str, str]) -> None:
        entry = self._listed(number)
        watch = self.sites[entry["cloud"]].watch
        for policy in entry["tags"].keys() ^ tags.keys():
            watch.rules_changed("dawn" if policy == "early" else policy, entry["id"])
            watch.rules_changed(policy, entry["id"])
        entry["tags"] = tags
        self._write_config()
        self._reread()

    def edit_schedule(self, number: int) -> None:
        """Export at another time from now on; people look at the next tick."""
        policy = list(OTHER_SCHEDULES)[number % len(OTHER_SCHEDULES)]
        quiet = not any(self._store_trouble.lasting(kind) for kind in EVERYWHERE)
        if policy in self._document["policies"] and quiet and not self._is_spoilt():
            others = OTHER_SCHEDULES[policy]
            self._document["policies"][policy]["schedule"] = others[number // 7 % len(others)]
            self._write_config()
            self._reread()
            self._export(Tick(scheduled_at=self.clock.time))

    def rename(self, number: int) -> None:  # noqa: ARG002
        """Give a policy another name; its images stay its images."""
        policies = self._document["policies"]
        if "dawn" not in policies:
            policies["dawn"] = policies.pop("early") | {"formerly": ["early"]}
            self._write_config()
            for site in self.sites.values():
                site.watch.rules_changed("early")
                site.watch.renamed("early", "dawn")
            self._owing.renamed("early", "dawn")
            self._reread()

    def spoil_config(self, number: int) -> None:  # noqa: ARG002
        """Write what is no config."""
        self.store.configs.append(b"][")
        for site in self.sites.values():
            site.watch.announcements_lost()

    def mend_config(self, number: int) -> None:  # noqa: ARG002
        """Write the right one again."""
        self._write_config()

    def pin(self, number: int) -> None:
        """Have an image kept."""
        image = self._any_image(number)
        if image is not None:
            self._chosen[number] = image.id
            image.tags = [*image.tags, PIN]

    def unpin(self, number: int) -> None:
        """Let it go again."""
        for site in self.sites.values():
            image = site.cloud.world.images.get(self._chosen.get(number, ""))
            if image is not None:
                image.tags = [tag for tag in image.tags if tag != PIN]

    def delete_image(self, number: int) -> None:
        """Delete an image by hand."""
        image = self._any_image(number)
        for site in self.sites.values():
            if image is not None and image.id in site.cloud.world.images:
                site.watch.look()
                site.cloud.world.forget_image(image.id)
                site.watch.changed_by_hand()

    def delete_volume(self, number: int) -> None:
        """Delete a volume, unless it is being exported."""
        volume = self._volume(number)
        world = self.sites[volume.cloud].cloud.world
        world.settle()
        held = world.volumes.get(volume.id)
        if held is not None and held.status == VolumeStatus.AVAILABLE:
            world.forget_volume(volume.id)
            if volume.discovered:
                self._owing.left(volume.id, self.clock.time)

    def extend_volume(self, number: int) -> None:
        """Make a volume larger."""
        volume = self._volume(number)
        held = self.sites[volume.cloud].cloud.world.volumes.get(volume.id)
        if held is not None:
            held.size_gib += 5

    def repair(self, number: int) -> None:  # noqa: ARG002
        """Free the volumes that a cloud forgot while they were uploading."""
        for site in self.sites.values():
            busy = {export.volume.id for export in site.cloud.world.exports}
            for volume in site.cloud.world.volumes.values():
                if volume.status == VolumeStatus.UPLOADING and volume.id not in busy:
                    volume.status = volume.resting_status

    def calm_begins(self, number: int) -> None:  # noqa: ARG002
        """Note what has expired by now, or failed: all is well from here on."""
        config = self._used[Function.EXPORT].config
        for name, site in self.sites.items():
            world = site.cloud.world
            world.settle()
            site.expired = expired_images(config, name, world, self._discovered(name), self.clock)
            stuck = self._export_state(name).stuck
            killed = {one.id for one in _ours(world) if one.status == ImageStatus.KILLED}
            site.unfinished = frozenset(stuck.keys() | killed)

    def calm_lasts(self, number: int) -> None:  # noqa: ARG002
        """See that all that is gone: grace and two healthy days are over."""
        for site in self.sites.values():
            self.counts["expired in time"] += len(site.expired)
            for image_id in sorted(
                (site.expired | site.unfinished) & site.cloud.world.images.keys()
            ):
                image = site.cloud.world.images[image_id]
                self._violated(f"{image.name} ({image.status}) outlives grace and two healthy days")

    # The end.

    def _at_the_end(self) -> None:
        if self.violations:
            return
        self._look()
        exported = self.exported
        missed = set[Slot]().union(*(site.watch.missed for site in self.sites.values()))
        due = list(self._owing.due(self.until - 2 * DAY))
        self.counts["due"] = len(due)
        self.counts["exported"] = len(exported & set(due))
        for violation in slots_accounted_for(due, exported, missed):
            self._violated(violation)
        self._note_violations()

    def _note_violations(self) -> None:
        for site in self.sites.values():
            for violation in site.watch.violations:
                self._violated(violation)
            site.watch.violations.clear()

    def _violated(self, violation: str) -> None:
        self.violations.append(f"{self.clock.time:%F %T}: {violation}")

    def _measure_states(self, role: str) -> None:
        for name in self.sites:
            body = self.store.body(f"state/{role}/{name}.json") or b""
            if len(body) > LARGEST_STATE:
                self._violated(f"the {role} state of {name} has grown to {len(body)} bytes")

    # What there is.

    def _dice(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")  # noqa: S311 - the same year for the same seed

    def _trouble(
        self,
        where: str,
        kinds: dict[Kind, tuple[timedelta, timedelta, float, float]],
        every: timedelta,
    ) -> Trouble:
        dice = self._dice(where)
        rows = episodes(dice, kinds, self.first, self.until, every)
        return Trouble(self.clock.now, f"{self.seed} {where}", rows)

    def _site(self, name: str) -> Site:
        dialect = next(place.dialect for place in PLACES if place.name == name)
        world = CloudWorld(
            dialect, SandboxClock(self.first, self.clock.monotonic), f"{name}-project"
        )
        world.export_seconds = EXPORT_SECONDS
        for volume in self._volumes:
            if volume.cloud == name:
                world.volumes[volume.id] = _made(volume, self.first)
        _plant_strangers(world, next(v for v in self._volumes if v.cloud == name), self.first)
        trouble = self._trouble(name, IN_A_CLOUD, 3 * DAY)
        cloud = MemoryCloud(world, trouble, lambda: self.reaper.called(name))
        return Site(cloud, Watch(world, grace=GRACE))

    def _stored(self, key: str) -> None:
        cloud = _cloud_of(key)
        if cloud in self.sites:
            self.reaper.called(cloud)

    def _trouble_of(self, key: str) -> Trouble:
        return self._store_troubles.get(_cloud_of(key), self._store_trouble)

    def _write_config(self) -> None:
        self.store.configs.append(json.dumps(self._document).encode())

    def _is_spoilt(self) -> bool:
        return self.store.configs[-1] == b"]["

    def _reread(self) -> None:
        tags = {v.id: v.tags for v in self._volumes}
        self._owing.reads(self._document, self.clock.time, tags)

    def _cleanup_state(self, cloud: str) -> CleanupState | None:
        with suppress(ValueError):
            body = self.store.body(f"state/cleanup/{cloud}.json")
            return CleanupState.model_validate_json(body) if body else None
        return None

    def _export_state(self, cloud: str) -> ExportState:
        body = self.store.body(f"state/export/{cloud}.json")
        return ExportState.model_validate_json(body) if body else empty_export_state(DEPLOYMENT)

    def _volume(self, number: int) -> FleetVolume:
        return self._volumes[number % len(self._volumes)]

    def _discovered(self, cloud: str) -> list[FleetVolume]:
        return [one for one in self._volumes if one.discovered and one.cloud == cloud]

    def _policy(self, number: int) -> str:
        """Choose a policy; a renamed one stays the same choice."""
        names = list(self._whole["policies"])
        name = names[number % len(names)]
        return name if name in self._document["policies"] else "dawn"

    def _listed(self, number: int) -> dict[str, Any]:
        entries: list[dict[str, Any]] = self._document["volumes"]
        return entries[number % len(entries)]

    def _any_image(self, number: int) -> SandboxImage | None:
        images = [
            image
            for site in self.sites.values()
            for image in _ours(site.cloud.world)
            if image.status == ImageStatus.ACTIVE
        ]
        images.sort(key=lambda image: image.id)
        return images[number % len(images)] if images else None


HANDLERS: dict[Event, Callable[[Year, int], None]] = {
    Event.EXPORT_KILLED: Year.kill_export,
    Event.CLEANUP_KILLED: Year.kill_cleanup,
    Event.EXPORTS_OVERLAP: Year.overlap,
    Event.EXPORT_MEETS_CLEANUP: Year.meet,
    Event.EXPORT_STATE_LOST: Year.lose_export_state,
    Event.EXPORT_STATE_DAMAGED: Year.damage_export_state,
    Event.CLEANUP_STATE_LOST: Year.lose_cleanup_state,
    Event.CLEANUP_STATE_DAMAGED: Year.damage_cleanup_state,
    Event.REQUEST: Year.request,
    Event.NARROWED_TICK: Year.narrowed_tick,
    Event.NARROWED_CLEANUP: Year.narrowed_cleanup,
    Event.RETENTION_SLIP: Year.slip,
    Event.RETENTION_MENDED: Year.mend_retention,
    Event.TAG_SLIP: Year.lose_tags,
    Event.TAG_MENDED: Year.mend_tags,
    Event.SCHEDULE_EDITED: Year.edit_schedule,
    Event.POLICY_RENAMED: Year.rename,
    Event.CONFIG_SPOILT: Year.spoil_config,
    Event.CONFIG_MENDED: Year.mend_config,
    Event.PINNED: Year.pin,
    Event.UNPINNED: Year.unpin,
    Event.IMAGE_DELETED_BY_HAND: Year.delete_image,
    Event.VOLUME_DELETED: Year.delete_volume,
    Event.VOLUME_EXTENDED: Year.extend_volume,
    Event.PEOPLE_REPAIR: Year.repair,
    Event.CALM_BEGINS: Year.calm_begins,
    Event.CALM_LASTS: Year.calm_lasts,
}


def _cloud_of(key: str) -> str:
    """Return the cloud that a state is of."""
    return key.rpartition("/")[2].removesuffix(".json")


def _names(names: set[str]) -> Iterator[ImageName]:
    return (name for text in names if (name := ImageName.parse(text)))


def _ours(world: CloudWorld) -> list[SandboxImage]:
    own = f"{PREFIX}_"
    return [
        image
        for image in world.images.values()
        if image.owner == world.project_id and image.name.startswith(own) and image.volume_id
    ]


def _made(volume: FleetVolume, first: datetime) -> SandboxVolume:
    return SandboxVolume(
        id=volume.id,
        name=volume.name,
        size_gib=10,
        created_at=first - 400 * DAY,
        updated_at=first - 400 * DAY,
        tags=dict.fromkeys(volume.tags, "yes"),
    )


def _plant_strangers(world: CloudWorld, volume: FleetVolume, first: datetime) -> None:
    """Put images of others there, with tempting names."""
    old = first - 300 * DAY
    name = f"{PREFIX}_{volume.tags[0]}_{volume.name}_{volume.id}_{old:%Y%m%dT%H%M%SZ}"
    world.plant_image(name=name, created_at=old, owner="another-project", image_id="of-others")
    world.plant_image(name=name[:-1], created_at=old, image_id="no-name-of-ours")
    other = ["vi-ffffffffffff"]
    world.plant_image(name=name, created_at=old, tags=other, image_id="of-another-deployment")
    world.plant_image(name=name, created_at=old, protected=True, image_id="protected")


def main(arguments: list[str]) -> int:
    """Simulate one year, and say what became of it; exit code 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.years", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--days", type=int, default=365)
    options = parser.parse_args(arguments)
    year = Year(options.seed, options.days).run()
    sys.stdout.write(f"{told(year)}\n")
    return 1 if year.violations else 0


def told(year: Year) -> str:
    """Tell of a year in a few lines; of one that broke a rule, how to see it again."""
    days = round((year.until - year.first) / DAY)
    counts = ", ".join(f"{number} {what}" for what, number in sorted(year.counts.items()))
    lines = [f"{days} days from {year.first:%F}: {year.struck} faults, {counts}"]
    if year.violations:
        lines += year.violations
        lines.append(f"see it again: python -m tests.faults.years --seed {year.seed} --days {days}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
