"""Living through a simulated year: ticks, cleanups, and what happens in between."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.faults.trouble import Kind
from tests.faults.weather import DAY, HOUR, MINUTE, Event, Happening, happenings
from tests.faults.years import accidents, judging, people
from tests.faults.years.runs import Runs
from tests.faults.years.year import Year
from volume_images.export.state import export_state_key
from volume_images.model import Tick
from volume_images.report import Function

TICK = 10 * MINUTE
CLEANUP_EVERY = (2, 8, 12, *(24,) * 15)
"""Hours between cleanups: every twenty days another of these, seldom one that costs many runs."""

_NEXT_LOOK = re.compile(rb'"next_look":"([^"]+)"')

HANDLERS: dict[Event, Callable[[Runs, int], None]] = {
    Event.EXPORT_KILLED: accidents.kill_export,
    Event.CLEANUP_KILLED: accidents.kill_cleanup,
    Event.EXPORTS_OVERLAP: accidents.overlap,
    Event.EXPORT_MEETS_CLEANUP: accidents.meet,
    Event.EXPORT_STATE_LOST: accidents.lose_export_state,
    Event.EXPORT_STATE_DAMAGED: accidents.damage_export_state,
    Event.CLEANUP_STATE_LOST: accidents.lose_cleanup_state,
    Event.CLEANUP_STATE_DAMAGED: accidents.damage_cleanup_state,
    Event.REQUEST: people.request,
    Event.NARROWED_TICK: people.narrowed_tick,
    Event.NARROWED_CLEANUP: people.narrowed_cleanup,
    Event.RETENTION_SLIP: people.slip,
    Event.RETENTION_MENDED: people.mend_retention,
    Event.TAG_SLIP: people.lose_tags,
    Event.TAG_MENDED: people.mend_tags,
    Event.SCHEDULE_EDITED: people.edit_schedule,
    Event.POLICY_RENAMED: people.rename,
    Event.CONFIG_SPOILT: people.spoil_config,
    Event.CONFIG_MENDED: people.mend_config,
    Event.PINNED: people.pin,
    Event.UNPINNED: people.unpin,
    Event.IMAGE_DELETED_BY_HAND: people.delete_image,
    Event.VOLUME_DELETED: accidents.delete_volume,
    Event.VOLUME_TAKEN_OUT: people.take_out_volume,
    Event.VOLUME_EXTENDED: accidents.extend_volume,
    Event.PEOPLE_REPAIR: people.repair,
    Event.CALM_BEGINS: judging.calm_begins,
    Event.CALM_LASTS: judging.calm_lasts,
}


def live(year: Year, *, skips_idle_ticks: bool = True) -> Year:
    """Live through a year, to its end or to the first violation."""
    return _Life(year, skips_idle_ticks=skips_idle_ticks).live()


class _Life:
    def __init__(self, year: Year, *, skips_idle_ticks: bool) -> None:
        self._year = year
        self._runs = Runs(year)
        self._skips = skips_idle_ticks

    def live(self) -> Year:
        year = self._year
        todo = iter(happenings(year.dice("happenings"), year.first, year.until))
        following = next(todo, None)
        earliest, cleanup = year.first, year.first + HOUR
        while not year.violations:
            present = self._grid(year.clock.time)
            tick = max(earliest, present, self._next_tick()) if self._skips else earliest
            times = [tick, cleanup, *([following.at] if following else [])]
            now = min(times)
            if now >= year.until:
                break
            year.clock.time = max(year.clock.time, now)
            if following and now == following.at:
                self._happens(following)
                following = next(todo, None)
            elif now == tick:
                self._tick_comes(tick)
                earliest = self._grid(max(year.clock.time, tick) + timedelta(seconds=1))
            else:
                self._cleanup_comes()
                cleanup = self._next_cleanup(cleanup)
            judging.note_violations(year)
        judging.judge_the_end(year)
        return year

    def _happens(self, happening: Happening) -> None:
        self._year.counts[happening.event.value] += 1
        HANDLERS[happening.event](self._runs, happening.number)

    def _tick_comes(self, at: datetime) -> None:
        year = self._year
        if year.trouble.amount(Kind.TICKS_DO_NOT_COME):
            return
        late = year.trouble.amount(Kind.TICKS_ARE_LATE)
        if late:
            year.clock.sleep(late)
        active = {name for name in year.sites if self._due_at(name) <= year.clock.time}
        self._runs.tick(Tick(scheduled_at=at), active, skips_idle=self._skips)

    def _cleanup_comes(self) -> None:
        if not self._year.trouble.amount(Kind.CLEANUPS_DO_NOT_COME):
            self._runs.scheduled_cleanup()

    def _next_cleanup(self, cleanup: datetime) -> datetime:
        period = (cleanup - self._year.first) // (20 * DAY)
        hours = self._year.dice(f"cleanup {period}").choice(CLEANUP_EVERY)
        return cleanup + hours * HOUR

    def _next_tick(self) -> datetime:
        return self._grid(min(self._due_at(name) for name in self._year.sites))

    def _due_at(self, cloud: str) -> datetime:
        """Say when an export run would look at a cloud, as its state tells."""
        body = self._year.store.body(export_state_key(cloud)) or b""
        found = _NEXT_LOOK.search(body)
        version = f'"config_version":"{self._config_version()}"'.encode()
        if found is None or b'"missed":{' in body or version not in body:
            return self._year.first
        return datetime.fromisoformat(found[1].decode())

    def _config_version(self) -> str:
        used = self._runs.used.get(Function.EXPORT)
        if used is not None and used.fault and self._year.config.is_spoilt:
            return used.version
        return self._year.config.newest

    def _grid(self, moment: datetime) -> datetime:
        """Return the first tick that is not before a moment."""
        first = self._year.first
        return first + -((first - moment) // TICK) * TICK
