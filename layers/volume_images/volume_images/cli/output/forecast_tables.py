"""A forecast as tables."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from volume_images.cli.output.grid import cell
from volume_images.forecast import Forecast, PolicyForecast
from volume_images.overview.spelling import spell_reach
from volume_images.simulate import Span

MOST_ROWS = 14
"""Rows of the table over time: one a month for 400 days."""


def forecast_tables(forecast: Forecast) -> RenderableType:
    """Return the tables: each policy, what is there over time, each cloud, and what differs."""
    parts: list[RenderableType] = [_policies(forecast), Text(), _over_time(forecast)]
    if forecast.clouds:
        parts += [Text(), _clouds(forecast)]
    if any(policy.against for policy in forecast.policies):
        parts += [Text(), _differences(forecast)]
    parts += [Text(), *(cell(note) for note in forecast.notes)]
    return Group(*parts)


def _policies(forecast: Forecast) -> Table:
    span = forecast.span
    table = _table(
        "policy", "volumes", title=f"Each volume, when {span.date_of(span.days - 1)} ends"
    )
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
            spell_reach(span.end - last.oldest) if last.oldest else "-",
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
    for day in _sampled(forecast.span):
        ends = [(policy, policy.simulation.day_ends[day]) for policy in forecast.policies]
        oldest = min((end.oldest for _, end in ends if end.oldest), default=None)
        kept = sum(policy.volume_count * end.kept for policy, end in ends)
        announced = sum(policy.volume_count * end.announced for policy, end in ends)
        row = [str(kept), str(announced), str(kept + announced)]
        if forecast.knows_sizes:
            row.append(f"{sum(policy.gib_of(end.images) or 0 for policy, end in ends):,.0f}")
        row.append(f"{oldest:%Y-%m-%d}" if oldest else "-")
        table.add_row(str(forecast.span.date_of(day)), *row)
    return table


def _sampled(span: Span) -> list[int]:
    """Choose days to show: evenly spaced, the last one always, by the month where that fits."""
    step = max(1, -(-span.days // MOST_ROWS))
    return list(range(span.days - 1, -1, -step))[::-1]


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
            str(forecast.span.date_of(cloud.images.index(max(cloud.images)))),
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
    for policy in forecast.policies:
        if policy.against is None:
            continue
        other, difference = policy.against, policy.against.difference
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
