"""A forecast as tables for people, and as a document for scripts."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from volume_images.cli.output.grid import cell
from volume_images.forecast import (
    Alternative,
    CloudForecast,
    Forecast,
    PolicyForecast,
    spelled_rules,
)
from volume_images.simulate import DAY, Lifetime, Simulation, Span

MOST_ROWS = 14
"""Rows of the table over time: one a month for 400 days."""


def forecast_table(forecast: Forecast) -> RenderableType:
    """Return the tables: each policy, what is there over time, each cloud, and what differs."""
    parts: list[RenderableType] = [_policies(forecast), Text(), _over_time(forecast)]
    if forecast.clouds:
        parts += [Text(), _clouds(forecast)]
    if any(policy.against for policy in forecast.policies):
        parts += [Text(), _differences(forecast)]
    parts += [Text(), *(cell(note) for note in forecast.notes)]
    return Group(*parts)


def forecast_document(forecast: Forecast) -> dict[str, Any]:
    """Return the whole forecast; counts of a policy are those of one volume, GiB those of all."""
    return {
        "config": forecast.source,
        "against": forecast.against or None,
        "from": _day(forecast.span, 0),
        "days": forecast.span.days,
        "grace_hours": forecast.grace / timedelta(hours=1),
        "policies": [_policy_document(policy) for policy in forecast.policies],
        "clouds": [_cloud_document(cloud, forecast.span) for cloud in forecast.clouds],
        "notes": list(forecast.notes),
    }


def sample_days(span: Span) -> list[int]:
    """Choose days to show: evenly spaced, the last one always, by the month where that fits."""
    step = max(1, -(-span.days // MOST_ROWS))
    return list(range(span.days - 1, -1, -step))[::-1]


def spell_age(moment: datetime | None, now: datetime) -> str:
    """Say how long ago something was: in days, and in years where it is long ago."""
    if moment is None:
        return "-"
    return spell_reach(now - moment)


def spell_reach(reach: timedelta) -> str:
    """Spell a long time shortly."""
    days = reach // DAY
    if days < 2:  # noqa: PLR2004 - of few days, hours are of interest
        return f"{reach // timedelta(hours=1)} h"
    return f"{days} d" if days < 730 else f"{days / 365.25:.1f} y"  # noqa: PLR2004 - two years


def _policies(forecast: Forecast) -> Table:
    table = _table("policy", "volumes", title=f"Each volume, when {_last(forecast.span)} ends")
    for head in ("kept", "announced", "most", "in the long run", "reaches back"):
        table.add_column(head, justify="right")
    if forecast.knows_sizes:
        table.add_column("GiB, all volumes", justify="right")
    for policy in forecast.policies:
        last = policy.simulation.last
        cells = [
            str(last.kept),
            str(last.announced),
            str(policy.simulation.most),
            f"{policy.steady.most}{' and growing' if policy.steady.still_grows else ''}",
            spell_age(last.oldest, forecast.span.end),
        ]
        if forecast.knows_sizes:
            cells.append(_gib(policy, last.images))
        table.add_row(
            cell(policy.name), str(sum(policy.volumes.values()) or "?"), *map(cell, cells)
        )
    return table


def _over_time(forecast: Forecast) -> Table:
    table = _table("day", title="All volumes, over time")
    for head in ("kept", "announced", "images"):
        table.add_column(head, justify="right")
    if forecast.knows_sizes:
        table.add_column("GiB", justify="right")
    table.add_column("oldest kept")
    for day in sample_days(forecast.span):
        ends = [(policy, policy.simulation.day_ends[day]) for policy in forecast.policies]
        oldest = min((end.oldest for _, end in ends if end.oldest), default=None)
        kept = sum(policy.series * end.kept for policy, end in ends)
        announced = sum(policy.series * end.announced for policy, end in ends)
        row = [str(kept), str(announced), str(kept + announced)]
        if forecast.knows_sizes:
            row.append(f"{sum(policy.gib_of(end.images) or 0 for policy, end in ends):,.0f}")
        row.append(f"{oldest:%Y-%m-%d}" if oldest else "-")
        table.add_row(_day(forecast.span, day), *row)
    return table


def _clouds(forecast: Forecast) -> Table:
    table = _table("cloud", title="Each cloud")
    for head in ("quota", "most", "on"):
        table.add_column(head, justify="right")
    table.add_column("needed in the long run", overflow="fold")
    for cloud in forecast.clouds:
        need = cloud.need
        over = cloud.quota is not None and need.images > cloud.quota
        table.add_row(
            cell(cloud.name),
            str(cloud.quota or "not given"),
            str(max(cloud.images)),
            _day(forecast.span, cloud.images.index(max(cloud.images))),
            cell(
                f"{need.images}: {need.kept} kept, {need.announced} announced,"
                f" {need.requested} requested, {need.pending} under way",
                "red" if over else "",
            ),
        )
    return table


def _differences(forecast: Forecast) -> Table:
    table = _table("policy", "against", title=f"Against {forecast.against}, on the same slots")
    for head in ("kept", "theirs", "lost", "gained", "shorter", "longer", "most", "theirs"):
        table.add_column(head, justify="right")
    for policy, other in _compared(forecast):
        difference = other.difference
        numbers = (
            policy.simulation.last.kept,
            other.simulation.last.kept,
            len(difference.lost),
            len(difference.gained),
            len(difference.shorter),
            len(difference.longer),
            policy.simulation.most,
            other.simulation.most,
        )
        table.add_row(cell(policy.name), cell(other.rival.name), *map(str, numbers))
    return table


def _compared(forecast: Forecast) -> Iterator[tuple[PolicyForecast, Alternative]]:
    for policy in forecast.policies:
        if policy.against is not None:
            yield policy, policy.against


def _table(*columns: str, title: str) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        header_style="bold",
        padding=(0, 2, 0, 0),
        title=cell(title),
        title_justify="left",
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _gib(policy: PolicyForecast, images: int) -> str:
    gib = policy.gib_of(images)
    return "" if gib is None else f"{gib:,.0f}"


def _last(span: Span) -> str:
    return _day(span, span.days - 1)


def _day(span: Span, day: int) -> str:
    return date_of(span, day).isoformat()


def date_of(span: Span, day: int) -> date:
    """Return the date of a day in a span."""
    return (span.start + day * DAY).date()


def _policy_document(policy: PolicyForecast) -> dict[str, Any]:
    other = policy.against
    return {
        "policy": policy.name,
        "schedule": policy.policy.schedule,
        "timezone": policy.policy.timezone,
        "retention": spelled_rules(policy.policy),
        "volumes": dict(policy.volumes),
        **_simulation_document(policy.simulation),
        "gib": policy.gib_of(policy.simulation.last.images),
        "long_run": {
            "images": policy.steady.most,
            "reach_hours": policy.steady.reach / timedelta(hours=1),
            "still_grows": policy.steady.still_grows,
        },
        "over_time": [
            {
                "day": _day(policy.simulation.span, day),
                "kept": end.kept,
                "announced": end.announced,
                "gib": policy.gib_of(end.images),
                "oldest": _instant(end.oldest),
            }
            for day, end in enumerate(policy.simulation.day_ends)
        ],
        "images": [_image(image, policy.simulation.span) for image in policy.simulation.images],
        "against": None if other is None else _alternative_document(other),
    }


def _alternative_document(other: Alternative) -> dict[str, Any]:
    difference = other.difference
    return {
        "policy": other.rival.name,
        "retention": spelled_rules(other.rival.policy),
        **_simulation_document(other.simulation),
        "lost": list(map(_instant, difference.lost)),
        "gained": list(map(_instant, difference.gained)),
        "shorter": list(map(_instant, difference.shorter)),
        "longer": list(map(_instant, difference.longer)),
    }


def _simulation_document(simulation: Simulation) -> dict[str, Any]:
    return {
        "kept": simulation.last.kept,
        "announced": simulation.last.announced,
        "oldest": _instant(simulation.last.oldest),
        "most": {
            "images": simulation.most,
            "day": _day(simulation.span, simulation.fullest_day),
        },
    }


def _image(image: Lifetime, span: Span) -> dict[str, Any]:
    return {
        "slot": _instant(image.slot),
        "expired": None if image.expired is None else _day(span, image.expired),
        "gone": None if image.gone is None else _day(span, image.gone),
        "reasons": list(image.reasons),
    }


def _cloud_document(cloud: CloudForecast, span: Span) -> dict[str, Any]:
    most = max(cloud.images)
    return {
        "cloud": cloud.name,
        "quota": cloud.quota,
        "most": {"images": most, "day": _day(span, cloud.images.index(most))},
        "long_run": {
            "images": cloud.need.images,
            "kept": cloud.need.kept,
            "announced": cloud.need.announced,
            "requested": cloud.need.requested,
            "pending": cloud.need.pending,
        },
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
