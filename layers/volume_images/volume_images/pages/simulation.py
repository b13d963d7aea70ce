"""A forecast as a page: calendars of what is kept and what expires, and of what differs."""

from calendar import day_name, month_name
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from volume_images.forecast import Alternative, Forecast, PolicyForecast, spelled_rules
from volume_images.overview.spelling import spell_reach
from volume_images.pages.rendering import render
from volume_images.simulate import DAY, DayEnd, Lifetime, Simulation, Span

MOST_LISTED = 500
"""Kept images listed with their reasons; beyond, a list helps nobody."""

LEAST_HEIGHT = 10
"""The top of a chart's scale at least: a line about three images is no mountain."""

Group = tuple[int, int, int, int]
"""Images of a cell with one fate: the days made, expired and gone (-1: never), how many."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of a calendar. `state` is a style of the page, `says` is for people."""

    day: int
    column: int
    state: str
    says: str


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a calendar; `says` sums it up for who cannot see it."""

    name: str
    cells: tuple[Cell, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Images over time as two lines of an SVG, `days` wide and `top` high."""

    days: int
    top: int
    images: str
    kept: str


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image that the rules keep when the span ends, and why."""

    slot: str
    age: str
    reasons: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A policy beside its rival: both in numbers, and a calendar of the difference."""

    other: Alternative
    rules: Mapping[str, str]
    months: tuple[Month, ...]
    lost: tuple[str, ...]
    gained: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyPart:
    """A policy's part of the page; `groups` are the cells' images in the order of the cells."""

    forecast: PolicyForecast
    rules: Mapping[str, str]
    months: tuple[Month, ...]
    groups: tuple[tuple[Group, ...], ...]
    chart: Chart
    kept: tuple[KeptImage, ...]
    comparison: Comparison | None


def simulation_page(forecast: Forecast) -> str:
    """Return the page: one HTML file, complete in itself, that also reads without its script."""
    parts = [_part(policy, forecast.span) for policy in forecast.policies]
    dates = [forecast.span.date_of(day) for day in range(forecast.span.days)]
    facts = {
        "dates": [day.isoformat() for day in dates],
        "policies": [
            {
                "cells": part.groups,
                "ends": [_numbers(part.forecast, end) for end in part.forecast.simulation.day_ends],
            }
            for part in parts
        ],
    }
    return render(
        "simulation.html",
        style="simulation.css",
        script="simulation.js",
        forecast=forecast,
        parts=parts,
        facts=facts,
        first=dates[0].isoformat(),
        last=dates[-1].isoformat(),
        weekdays=[name[:2] for name in day_name],
        grace=f"{forecast.grace / timedelta(hours=1):g} h",
        most_listed=MOST_LISTED,
        age=spell_reach,
        numbers=_numbers,
    )


def _part(policy: PolicyForecast, span: Span) -> PolicyPart:
    zone = ZoneInfo(policy.policy.timezone)
    by_day: defaultdict[date, list[Lifetime]] = defaultdict(list)
    for image in policy.simulation.images:
        by_day[image.slot.astimezone(zone).date()].append(image)
    days = _calendar_days(span, list(by_day))
    last = span.days - 1
    return PolicyPart(
        forecast=policy,
        rules=spelled_rules(policy.policy),
        months=_months(days, {day: _fate(by_day[day], last) for day in days}),
        groups=tuple(_groups(by_day[day]) for day in days),
        chart=_chart(policy.simulation),
        kept=tuple(_kept(policy.simulation, zone)),
        comparison=_comparison(policy, policy.against, days, zone) if policy.against else None,
    )


def _numbers(policy: PolicyForecast, end: DayEnd) -> tuple[int, int, str, str]:
    """Return what the page says of a day's end: images kept and announced, the oldest, GiB."""
    gib = policy.gib_of(end.images)
    oldest = "none"
    if end.oldest is not None:
        oldest = f"{end.oldest.astimezone(ZoneInfo(policy.policy.timezone)):%Y-%m-%d}"
    return end.kept, end.announced, oldest, "not known" if gib is None else f"{gib:,.0f}"


def _calendar_days(span: Span, images: Iterable[date]) -> list[date]:
    """Return the days of the span; a time zone may add one with an image at either end."""
    inside = {span.date_of(0), span.date_of(span.days - 1)}
    first, last = min(inside.union(images)), max(inside.union(images))
    return [first + place * DAY for place in range((last - first).days + 1)]


def _months(
    days: Sequence[date], fates: Mapping[date, tuple[str, Mapping[str, int]]]
) -> tuple[Month, ...]:
    months = []
    for (year, month), group in groupby(days, key=lambda day: (day.year, day.month)):
        name = f"{month_name[month]} {year}"
        total: Counter[str] = Counter()
        cells = []
        for day in group:
            state, counts = fates[day]
            total.update(counts)
            says = f"{day.isoformat()}: {_said(counts)}"
            cells.append(Cell(day.day, day.isoweekday(), state, says))
        months.append(Month(name, tuple(cells), f"{name}: {_said(total)}"))
    return tuple(months)


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "no image"


def _fate(images: Sequence[Lifetime], day: int) -> tuple[str, Mapping[str, int]]:
    """Say what is there of a calendar day's images when a day of the span ends."""
    counts = Counter(_state(image, day) for image in images)
    states = ("kept", "announced", "deleted")
    state = next((name for name in states if counts[name]), "none")
    return state, {name: counts[name] for name in states}


def _state(image: Lifetime, day: int) -> str:
    if image.expired is None or image.gone is None or day < image.expired:
        return "kept"
    return "announced" if day < image.gone else "deleted"


def _groups(images: Iterable[Lifetime]) -> tuple[Group, ...]:
    counts = Counter(
        (
            image.made,
            -1 if image.expired is None else image.expired,
            -1 if image.gone is None else image.gone,
        )
        for image in images
    )
    return tuple((*fate, count) for fate, count in counts.items())


def _chart(simulation: Simulation) -> Chart:
    ends = simulation.day_ends
    return Chart(
        days=len(ends),
        top=max(LEAST_HEIGHT, simulation.most),
        images=_line(end.images for end in ends),
        kept=_line(end.kept for end in ends),
    )


def _line(counts: Iterable[int]) -> str:
    """Spell a stepped line; only where the count changes there is a point."""
    points: list[str] = []
    before, day = 0, 0
    for day, count in enumerate(counts):
        if count != before:
            points.append(f"H{day}V{count}")
        before = count
    return f"M0 0{''.join(points)}H{day + 1}V0Z"


def _kept(simulation: Simulation, zone: ZoneInfo) -> Iterable[KeptImage]:
    for image in simulation.images[::-1]:
        if image.expired is None:
            yield KeptImage(
                slot=_moment(image.slot, zone),
                age=spell_reach(simulation.span.end - image.slot),
                reasons=", ".join(image.reasons),
            )


def _comparison(
    policy: PolicyForecast, other: Alternative, days: Sequence[date], zone: ZoneInfo
) -> Comparison:
    counts: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for our, their in zip(policy.simulation.images, other.simulation.images, strict=True):
        fate = {
            (True, True): "kept by both",
            (True, False): "lost",
            (False, True): "gained",
            (False, False): "kept by none",
        }[our.expired is None, their.expired is None]
        counts[our.slot.astimezone(zone).date()][fate] += 1
    return Comparison(
        other=other,
        rules=spelled_rules(other.rival.policy),
        months=_months(days, {day: _differs(counts[day]) for day in days}),
        lost=tuple(_moment(slot, zone) for slot in other.difference.lost),
        gained=tuple(_moment(slot, zone) for slot in other.difference.gained),
    )


def _differs(counts: Mapping[str, int]) -> tuple[str, Mapping[str, int]]:
    states = {
        "lost": "lost",
        "gained": "gained",
        "kept by both": "kept",
        "kept by none": "deleted",
    }
    if counts["lost"] and counts["gained"]:
        return "moved", counts
    return next((state for fate, state in states.items() if counts[fate]), "none"), counts


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"
