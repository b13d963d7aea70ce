"""The runs of a simulated year: the product's own, and a look at what each of them leaves."""

from collections.abc import Callable, Collection
from datetime import timedelta

from tests.faults.invariants import counts_add_up, report_holds
from tests.faults.trouble import Kind
from tests.faults.years.clock import Killed
from tests.faults.years.year import DEPLOYMENT, Year
from volume_images.cleanup.run import cleanup_run
from volume_images.cleanup.state import cleanup_state_key
from volume_images.errors import ConfigError, StoreError
from volume_images.export.run import export_run
from volume_images.export.state import export_state_key
from volume_images.model import Tick, Trigger
from volume_images.protocols import Cloud, World
from volume_images.report import CloudResult, Function, Report
from volume_images.stopwatch import RunLimits
from volume_images.used_config import UsedConfig, use_config

LAMBDA = RunLimits(act=480, end=520)
SHORT = RunLimits(act=10, end=20)
LARGEST_STATE = 60_000
"""Bytes: many times what nine volumes need, and far less than a year of slots would."""

Action = Callable[[], None]


class Runs:
    """Starts runs; something may wait for one of them, to come in its midst.

    `used` is the config that each function used last.
    """

    def __init__(self, year: Year) -> None:
        self.year = year
        self.used: dict[Function, UsedConfig] = {}
        self._number = 0
        self._waiting_exports: list[tuple[str, int, Action | None]] = []
        self._waiting_cleanups: list[tuple[str, int]] = []

    def in_next_export(self, cloud: str, nth: int, action: Action | None = None) -> None:
        """Kill the next run that works in a cloud at its nth call there, or do something else."""
        self._waiting_exports.append((cloud, nth, action))

    def kill_next_cleanup(self, cloud: str, nth: int) -> None:
        """Kill the next cleanup at its nth call in a cloud."""
        self._waiting_cleanups.append((cloud, nth))

    def tick(self, tick: Tick, active: Collection[str], *, skips_idle: bool) -> None:
        """Export what is due; `active` are the clouds in which something is, others are idle."""
        for waiting in list(self._waiting_exports):
            cloud, nth, action = waiting
            if cloud in active:
                self._waiting_exports.remove(waiting)
                self.year.reaper.armed[cloud] = (nth, action)
        clouds = active if skips_idle else self.year.sites
        self.export(tick, clouds=clouds)
        if self.year.trouble.amount(Kind.TICKS_ARE_DOUBLED):
            self.export(tick, clouds=clouds)

    def scheduled_cleanup(self) -> None:
        """Clean up everywhere."""
        for cloud, nth in self._waiting_cleanups:
            self.year.reaper.armed[cloud] = (nth, None)
        self._waiting_cleanups.clear()
        self.clean(Tick())

    def export(
        self,
        trigger: Trigger,
        *,
        only: str | None = None,
        clouds: Collection[str] = (),
        limits: RunLimits = LAMBDA,
    ) -> Report | None:
        """Run an export; None for one that died.

        `only` is the cloud of one that comes in another's midst, `clouds` are those it looks at.
        """
        try:
            world = self._connect(Function.EXPORT, [only] if only else clouds)
            if world is None:
                return None
            report = export_run(world, trigger, limits=limits)
        except Killed:
            self.year.counts["killed"] += 1
            self.year.look()
            return None
        finally:
            if only is None:
                self.year.reaper.rest()
        self.year.counts["exports"] += 1
        self._see_export(report)
        return report

    def clean(self, tick: Tick, *, only: str | None = None) -> None:
        """Run a cleanup."""
        try:
            world = self._connect(Function.CLEANUP, [only] if only else ())
            if world is None:
                return
            report = cleanup_run(world, tick, limits=RunLimits())
        except ConfigError:
            self.year.counts["cleanups stopped"] += 1
            return
        except Killed:
            self.year.counts["killed"] += 1
            self.year.look()
            self._see_announced()
            return
        finally:
            if only is None:
                self.year.reaper.rest()
        self.year.counts["cleanups"] += 1
        self._see_cleanup(report)

    def _see_export(self, report: Report) -> None:
        year = self.year
        for violation in report_holds(report):
            year.violated(violation)
        year.excuse_doubles()
        results = {outcome.cloud: outcome.result for outcome in report.clouds}
        for name, result in results.items():
            if result is not CloudResult.IDLE:
                year.sites[name].watch.export_left(report)
            if result not in {CloudResult.NO_STATE, CloudResult.CONFLICT}:
                year.owing.reached(name, year.clock.time)
        if not all(result is CloudResult.IDLE for result in results.values()):
            year.reports.append(report)
        self._measure(export_state_key)

    def _see_cleanup(self, report: Report) -> None:
        year = self.year
        for violation in counts_add_up(report):
            year.violated(violation)
        year.excuse_doubles()
        for outcome in report.clouds:
            watch = year.sites[outcome.cloud].watch
            state = year.cleanup_state(outcome.cloud)
            if state is not None:
                watch.cleanup_left(report, state)
            else:
                watch.look()
        self._measure(cleanup_state_key)

    def _see_announced(self) -> None:
        for name, site in self.year.sites.items():
            state = self.year.cleanup_state(name)
            if state is not None:
                site.watch.announced(state, self.year.clock.time)

    def _measure(self, key_of: Callable[[str], str]) -> None:
        """See that no state grows for ever."""
        for name in self.year.sites:
            body = self.year.store.body(key_of(name)) or b""
            if len(body) > LARGEST_STATE:
                self.year.violated(f"{key_of(name)} has grown to {len(body)} bytes")

    def _connect(self, function: Function, clouds: Collection[str]) -> World | None:
        """Open the world for a run, of these clouds or all; None for one that gets no config."""
        year = self.year
        try:
            used = use_config(year.store, "the config", function, self.used.get(function))
        except StoreError:
            year.counts["runs without config"] += 1
            return None
        self.used[function] = used
        config = used.config
        if clouds:
            some = {name: one for name, one in config.clouds.items() if name in clouds}
            config = config.model_copy(update={"clouds": some})
        self._number += 1

        def opened(name: str, refused_secret: str = "") -> Cloud:
            return year.sites[name].cloud.opened(refused_secret)

        return World(
            run_id=f"{year.clock.time:%Y%m%dT%H%M%SZ}-{self._number:08x}",
            config=config,
            config_version=used.version,
            config_fault=used.fault,
            store=year.store,
            clock=year.clock,
            open_cloud=opened,
            deployment_id=DEPLOYMENT,
            minimum_grace=timedelta(hours=24),
        )
