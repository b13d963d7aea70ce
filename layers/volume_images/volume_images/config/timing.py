"""Cross-checks of a config's times: schedules against ticks, each other, ages and the fleet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from volume_images.config.coverage import Coverage
from volume_images.config.problems import problem
from volume_images.config.schema import CloudConfig, Config
from volume_images.errors import Problem
from volume_images.schedule import slots

TICK = timedelta(minutes=10)
HOUR = timedelta(hours=1)
START = datetime(2023, 12, 31, tzinfo=UTC)  # with a leap day and both changes of clocks after it
YEAR = timedelta(days=366)
MANY_SLOTS = 1_000
"""Of a schedule whose slots lie closer than ticks, so many tell enough: a year of it takes long."""


@dataclass(frozen=True, slots=True)
class _Calendar:
    """A year of a policy's slots: the gaps between them, and the hours that hold one."""

    smallest_gap: timedelta
    largest_gap: timedelta
    hours: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Rush:
    """The fullest hour of a policy in a cloud: its exports, their time, and the time there is."""

    policy: str
    due: int
    needed: timedelta
    window: timedelta

    @property
    def lacking(self) -> timedelta:
        return self.needed - self.window


def check_timing(config: Config, covered: Coverage) -> Iterator[Problem]:
    """Give every problem of schedules, ages and of a fleet that cannot fit."""
    calendars = {
        name: _calendar(policy.schedule, policy.timezone)
        for name, policy in config.policies.items()
        if policy.schedule is not None
    }
    yield from _check_ticks(calendars)
    yield from _check_ages(config, covered, calendars)
    yield from _check_shared_hours(covered, calendars)
    yield from _check_fit(config, covered, calendars)


@lru_cache(maxsize=256)
def _calendar(schedule: str, timezone: str) -> _Calendar:
    coming = slots(schedule, timezone, START, START + YEAR)
    year = list(islice(coming, MANY_SLOTS))
    if min(_gaps(year)) >= TICK:
        year += coming
    gaps = _gaps(year)
    return _Calendar(
        smallest_gap=min(gaps),
        largest_gap=max(gaps),
        hours=frozenset((slot - START) // HOUR for slot in year),
    )


def _gaps(slots: Sequence[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(slots)] or [YEAR]


def _check_ticks(calendars: Mapping[str, _Calendar]) -> Iterator[Problem]:
    for name, calendar in calendars.items():
        if not calendar.hours:
            says = "not due once in a leap year: write one that comes round"
            yield problem("policies", name, "schedule", says=says)
        if calendar.smallest_gap < TICK:
            says = (
                f"two slots lie {_spell(calendar.smallest_gap)} apart, closer than the ticks that"
                f" start them: leave at least {_spell(TICK)} between slots"
            )
            yield problem("policies", name, "schedule", says=says)


def _check_ages(
    config: Config, covered: Coverage, calendars: Mapping[str, _Calendar]
) -> Iterator[Problem]:
    """Find volumes that would be stale although every export began and ended in time."""
    for name, calendar in calendars.items():
        policy = config.policies[name]
        minutes = [config.clouds[cloud].export_minutes for cloud in covered.clouds(config, name)]
        late = policy.catch_up or calendar.largest_gap
        export = timedelta(minutes=max(minutes, default=0))
        least = calendar.largest_gap + late + export
        if policy.max_age is not None and policy.max_age < least:
            says = (
                f"{_spell(policy.max_age)} is less than {_spell(calendar.largest_gap)} between"
                f" slots, {_spell(late)} of catch_up and {_spell(export)} of an export: write at"
                f" least {-(-least // HOUR)}h"
            )
            yield problem("policies", name, "max_age", says=says)


def _check_shared_hours(covered: Coverage, calendars: Mapping[str, _Calendar]) -> Iterator[Problem]:
    """Find policies that would wait for each other: a volume has one export at a time.

    A policy of every hour shares its hours with any other and is left out.
    """
    apart = [name for name in calendars if calendars[name].largest_gap > HOUR]
    for place, name in enumerate(apart):
        volumes = set(covered.volumes[name])
        clashing = [
            other
            for other in apart[:place]
            if volumes & set(covered.volumes[other])
            and calendars[name].hours & calendars[other].hours
        ]
        if clashing:
            says = (
                f"due in the same hour as {', '.join(clashing)}, with volumes that both cover: a"
                " volume has one export at a time, so move one of them by an hour or more"
            )
            yield problem("policies", name, "schedule", says=says)


def _check_fit(
    config: Config, covered: Coverage, calendars: Mapping[str, _Calendar]
) -> Iterator[Problem]:
    """Find hours whose exports cannot all begin and end before a policy's time is over.

    Only listed volumes are counted: how many a discovery finds, the config does not know. Of a
    cloud, the policy that lacks the most time is named.
    """
    for cloud_name, cloud in config.clouds.items():
        counts = {name: len(covered.listed(config, name, cloud_name)) for name in calendars}
        rushes = [
            _rush(name, _most_due(name, counts, calendars), config, cloud, calendars[name])
            for name in calendars
            if counts[name]
        ]
        worst = max(rushes, key=lambda rush: rush.lacking, default=None)
        if worst is not None and worst.lacking > timedelta():
            says = (
                f"{worst.due} exports due in one hour take {_spell(worst.needed)} at"
                f" {cloud.max_in_flight} at once, but {worst.policy} leaves"
                f" {_spell(worst.window)}: raise max_in_flight or catch_up, or spread the schedules"
            )
            yield problem("clouds", cloud_name, "max_in_flight", says=says)


def _rush(policy: str, due: int, config: Config, cloud: CloudConfig, calendar: _Calendar) -> _Rush:
    rounds = -(-due // cloud.max_in_flight)
    return _Rush(
        policy=policy,
        due=due,
        needed=rounds * timedelta(minutes=cloud.export_minutes),
        window=config.policies[policy].catch_up or calendar.smallest_gap,
    )


def _most_due(policy: str, counts: Mapping[str, int], calendars: Mapping[str, _Calendar]) -> int:
    """Count the exports of all policies in the fullest of a policy's hours."""
    return max(
        (
            sum(count for name, count in counts.items() if hour in calendars[name].hours)
            for hour in calendars[policy].hours
        ),
        default=0,
    )


def _spell(time: timedelta) -> str:
    hours, rest = divmod(time, HOUR)
    minutes = rest // timedelta(minutes=1)
    spelled = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min")) if count]
    return " ".join(spelled) or "no time"
