"""What a series comes to once its rules are full: how many images, and which rules do any work."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from volume_images.retention.calendar import LONGEST_BUCKETS
from volume_images.retention.rules import (
    COUNT_RULES,
    WINDOW_RULES,
    Duration,
    RetentionRules,
)
from volume_images.schedule import slots
from volume_images.simulate import DAY, Evening, Span, evenings, slots_within

YEAR = Span(datetime(2028, 1, 1, tzinfo=UTC), 366)
"""The year that is looked at: a leap year, so that no day of the calendar is left out."""

LONGEST_PAST = timedelta(days=4018)
"""Eleven years, so that ten yearly images fit; fuller than by then, no rule is taken to be."""

MOST_STEPPED = 2000
"""Images kept beyond which the year is not gone through by day: a bound is enough there."""

_PERIODS = {
    name: LONGEST_BUCKETS.get(name.removeprefix("keep_"), timedelta())
    for name in ("min_keep", *COUNT_RULES, *WINDOW_RULES)
}
_FINE = {
    name: period
    for name, period in _PERIODS.items()
    if LONGEST_BUCKETS.get(name.rpartition("_")[2], timedelta()) < DAY
}
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SteadyState:
    """One series in a year after its rules are full.

    `kept` and `announced` are counted at each day's end. `still_grows`: the rules are not full
    after eleven years, so these are the counts by then. `reach` is how far back the oldest kept
    image lies, at least. `work` has the rules that keep anything, and for each those that keep all
    of the same images; `needed` are the rules that at some time alone keep an image.
    """

    kept: tuple[int, ...]
    announced: tuple[int, ...]
    still_grows: bool
    reach: timedelta
    work: Mapping[str, frozenset[str]]
    needed: frozenset[str]

    @property
    def images(self) -> tuple[int, ...]:
        """Return how many images there are at each day's end."""
        return tuple(map(sum, zip(self.kept, self.announced, strict=True)))

    @property
    def most(self) -> int:
        """Return how many images there are at the end of the fullest day."""
        return max(self.images)


@lru_cache(maxsize=256)  # policies often share schedule and rules, and several checks ask
def steady_state(
    schedule: str, timezone: str, rules: RetentionRules, grace: timedelta
) -> SteadyState:
    """Fill the rules with years of images, then go through one more. Raises SafetyStop."""
    year = slots_within(schedule, timezone, YEAR)
    gap = max((later - earlier for earlier, later in pairwise(year)), default=LONGEST_PAST)
    past = _time_to_fill(rules, gap, _PERIODS)
    history = (*_past(schedule, timezone, rules, gap, grace), *year)
    waits = -(-grace // DAY)
    span = Span(YEAR.start - waits * DAY, waits + YEAR.days)
    days_on = evenings(history, rules, timezone=timezone, span=span)
    first = next(days_on)
    if len(first.kept) > MOST_STEPPED:
        return _bounded(first, span, history, grace, still_grows=past > LONGEST_PAST)
    seen = [first, *days_on]
    expiries = [len(evening.expired) for evening in seen]
    evenings_of_year = seen[waits:]
    return SteadyState(
        kept=tuple(len(evening.kept) for evening in evenings_of_year),
        announced=tuple(
            sum(expiries[evening.day - waits + 1 : evening.day + 1]) for evening in evenings_of_year
        ),
        still_grows=past > LONGEST_PAST,
        reach=min(_reach(span, evening) for evening in evenings_of_year),
        work=_work(evenings_of_year),
        needed=frozenset(_needed(evenings_of_year)),
    )


def rule_of(reason: str) -> str:
    """Name the rule that a reason speaks of: `oldest keep_monthly` and `keep_monthly 2/12`."""
    return reason.removeprefix("oldest ").partition(" ")[0]


def _bounded(
    first: Evening, span: Span, history: Sequence[datetime], grace: timedelta, *, still_grows: bool
) -> SteadyState:
    """Of very many images, take that each new one makes another one expire."""
    late = YEAR.end - grace
    arrivals = sum(late <= slot < YEAR.end for slot in history)
    return SteadyState(
        kept=(len(first.kept),) * YEAR.days,
        announced=(arrivals,) * YEAR.days,
        still_grows=still_grows,
        reach=_reach(span, first),
        work=_work([first]),
        needed=frozenset(_needed([first])),
    )


def _past(
    schedule: str, timezone: str, rules: RetentionRules, gap: timedelta, grace: timedelta
) -> tuple[datetime, ...]:
    """Return the slots before the year, as far as rules may still keep them or have just let go.

    Where there are several a day, before the reach of the rules that count finer than days the
    last one of each day is enough: no other could be kept.
    """
    recent = min(_time_to_fill(rules, gap, _FINE) + grace + DAY, LONGEST_PAST)
    past = min(_time_to_fill(rules, gap, _PERIODS) + grace + DAY, LONGEST_PAST)
    if gap > DAY / 2:
        recent = past
    days = -(-recent // DAY)
    fine = slots_within(schedule, timezone, Span(YEAR.start - days * DAY, days))
    return (*_last_of_days(schedule, timezone, gap, -(-past // DAY), days), *fine)


def _last_of_days(
    schedule: str, timezone: str, gap: timedelta, first: int, last: int
) -> Iterator[datetime]:
    """Yield the last slot of each day of a time zone, from `first` to `last` days before YEAR."""
    zone = ZoneInfo(timezone)
    for back in range(first, last, -1):
        day = YEAR.start.date() - back * DAY
        midnight = datetime.combine(day, time(), zone).astimezone(UTC) - _INSTANT
        yield from list(slots(schedule, timezone, midnight - gap, midnight))[-1:]


def _time_to_fill(
    rules: RetentionRules, gap: timedelta, periods: Mapping[str, timedelta]
) -> timedelta:
    """Return after which time the rules that count in these periods keep no more than before."""
    times = [gap]
    for name, value in rules:
        if name not in periods:
            continue
        if value == "unlimited":
            times.append(LONGEST_PAST + DAY)
        elif isinstance(value, Duration):
            times.append(_longest(value) + gap)
        elif value is not None:
            times.append(min(value, LONGEST_PAST // DAY * 24) * max(periods[name], gap) + gap)
    return max(times)


def _longest(window: Duration) -> timedelta:
    days = window.years * 366 + window.months * 31 + window.days
    return timedelta(days=min(days, LONGEST_PAST.days)) + timedelta(
        hours=min(window.hours, LONGEST_PAST // timedelta(hours=1))
    )


def _reach(span: Span, evening: Evening) -> timedelta:
    now = span.start + (evening.day + 1) * DAY
    return now - min(evening.kept, default=now)


def _work(year: Sequence[Evening]) -> dict[str, frozenset[str]]:
    work: dict[str, frozenset[str]] = {}
    for rules in _rule_sets(year):
        for rule in rules:
            work[rule] = work.get(rule, rules) & rules
    return {rule: others - {rule} for rule, others in work.items()}


def _needed(year: Sequence[Evening]) -> Iterator[str]:
    for rules in _rule_sets(year):
        if len(rules) == 1:
            yield from rules


def _rule_sets(year: Sequence[Evening]) -> set[frozenset[str]]:
    """Return each set of rules that together keep some image on some day."""
    reasons = {why for evening in year for why in evening.kept.values()}
    return {frozenset(map(rule_of, why)) for why in reasons}
