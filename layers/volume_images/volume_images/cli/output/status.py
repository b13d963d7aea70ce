"""How a fleet stands, for people: what needs a look first, then a line for each policy."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from volume_images.cli.output.grid import Column, cell, grid, paragraph
from volume_images.cli.output.report_table import SHORT_ID, WIDE
from volume_images.overview.fleet import CloudView, FleetView, PolicyView
from volume_images.overview.notes import CONDITIONS, age_of, next_of, notes_of, style_of
from volume_images.overview.spelling import counted, in_utc, or_dash, plain, spell_size, spell_span
from volume_images.overview.volumes import Attention, Condition, SeriesView, VolumeView

MOST_ROWS = 50
"""More of one kind than a person looks into at once; `--all` has the others."""

Row = tuple[VolumeView, SeriesView]


def status_text(view: FleetView, width: int, *, everything: bool) -> RenderableType:
    """Return what is to be looked at, or every volume, then the policies and a line in sum."""
    names = _names(view)
    parts: list[Text] = [line for cloud in view.clouds for line in _cloud_lines(cloud, view, width)]
    rows = sorted(
        ((volume, one) for volume, one in view.series if everything or _is_listed(volume, one)),
        key=lambda row: _urgency(*row),
    )
    shown = rows if everything else rows[:MOST_ROWS]
    if shown:
        parts += [_series_grid(shown, names, view, width), *_more(rows, shown), Text()]
    bare = [volume for volume in view.volumes if volume.is_unprotected]
    shown_bare = bare if everything else bare[:MOST_ROWS]
    if shown_bare:
        parts.append(Text("In a cloud and under no policy:", "bold"))
        parts += [_unprotected_grid(shown_bare, view, width), *_more(bare, shown_bare), Text()]
    parts += [_policy_grid(view.policies, view.at, width), Text()]
    parts += _orphans(view, names, width, everything=everything)
    parts.append(paragraph(_summary(view, everything=everything), width))
    return Group(*parts)


def _is_listed(volume: VolumeView, series: SeriesView) -> bool:
    """Whether a volume is shown by default; those of a cloud not asked are told of all at once."""
    return series.condition is not Condition.NOT_KNOWN and bool(_of_row(volume, series))


def _of_row(volume: VolumeView, series: SeriesView) -> list[Attention]:
    """Return why one row needs a look: for itself, or for its volume whatever the policy."""
    of_others = {one for other in volume.covered for one in other.attention}
    of_series = set(series.attention)
    return [one for one in volume.attention if one in of_series or one not in of_others]


def _urgency(volume: VolumeView, series: SeriesView) -> tuple[bool, int, str, str, str, str]:
    order = list(Attention)
    wanted = _of_row(volume, series)
    first = order.index(wanted[0]) if wanted else len(order)
    return not series.stale, first, volume.cloud, volume.name, volume.id, series.policy


def _names(view: FleetView) -> dict[tuple[str, str], str]:
    """Call each volume by its name; with part of its id where two have one name."""
    uses = Counter(volume.name for volume in view.volumes)
    return {
        (volume.cloud, volume.id): volume.name
        if volume.name and uses[volume.name] == 1
        else f"{volume.name} {volume.id[:SHORT_ID]}".strip()
        for volume in view.volumes
    }


def _cloud_lines(cloud: CloudView, view: FleetView, width: int) -> Iterator[Text]:
    name = cloud.outcome.cloud
    if not cloud.was_asked:
        count = sum(volume.cloud == name for volume in view.volumes)
        said = (
            f"cloud {name} could not be asked, so of its volumes nothing is known"
            f" ({count} by config and state): {cloud.outcome.result}: {cloud.outcome.reason}"
        )
        yield paragraph(plain(said), width, "red")
    for remark in cloud.remarks:
        yield paragraph(plain(remark), width, "red")
    if not cloud.was_asked or cloud.remarks:
        yield Text()


def _more(rows: Sequence[object], shown: Sequence[object]) -> list[Text]:
    left = len(rows) - len(shown)
    return [Text(f"and {left} more: --all shows them")] if left else []


def _series_grid(
    rows: Sequence[Row], names: dict[tuple[str, str], str], view: FleetView, width: int
) -> Text:
    several, wide = len(view.clouds) > 1, width >= WIDE
    columns = [
        *([Column("cloud", wraps=True)] if several else []),
        Column("volume", wraps=True),
        Column("policy", wraps=True),
        Column("state", wraps=True),
        *([Column("newest good")] if wide else []),
        Column("age", right=True),
        Column("max", right=True),
        Column("images", right=True),
        Column("next"),
        Column("what to know", wraps=True, below=True),
    ]
    cells = [
        [
            *([cell(volume.cloud)] if several else []),
            cell(names[volume.cloud, volume.id]),
            cell(series.policy),
            cell(CONDITIONS[series.condition], style_of(volume, series)),
            *([cell(or_dash(series.newest_slot))] if wide else []),
            cell(age_of(series, view.at)),
            cell(spell_span(series.max_age) if series.max_age else "-"),
            cell(str(series.good)),
            cell(next_of(series)),
            cell("; ".join(notes_of(volume, series, view.at))),
        ]
        for volume, series in rows
    ]
    return grid(columns, cells, width)


def _unprotected_grid(volumes: Sequence[VolumeView], view: FleetView, width: int) -> Text:
    several = len(view.clouds) > 1
    columns = [
        *([Column("cloud", wraps=True)] if several else []),
        Column("volume", wraps=True),
        Column("id"),
        Column("status"),
        Column("size", right=True),
        Column("images", right=True),
    ]
    cells = [
        [
            *([cell(volume.cloud)] if several else []),
            cell(volume.name or "-"),
            cell(volume.id),
            cell(volume.status),
            cell(f"{volume.size_gib} GiB"),
            cell(str(len(volume.images))),
        ]
        for volume in volumes
    ]
    return grid(columns, cells, width)


def _orphans(
    view: FleetView, names: dict[tuple[str, str], str], width: int, *, everything: bool
) -> list[Text]:
    """Tell of images that no policy keeps any more: they, too, may be about to go."""
    rows = [
        (volume, series)
        for volume in view.volumes
        for series in volume.series
        if not series.is_covered
    ]
    if not rows:
        return []
    images = sum(len(series.images) for _, series in rows)
    going = sum(len(series.going) for _, series in rows)
    said = f"{counted(images, 'orphaned image')}, under no policy any more; {going} to go"
    if not everything:
        return [paragraph(f"{said}: --all shows them", width), Text()]
    columns = [
        Column("volume", wraps=True),
        Column("id"),
        Column("policy", wraps=True),
        Column("images", right=True),
        Column("what to know", wraps=True, below=True),
    ]
    cells = [
        [
            cell(names[volume.cloud, volume.id]),
            cell(volume.id),
            cell(series.policy),
            cell(str(len(series.images))),
            cell("; ".join(notes_of(volume, series, view.at))),
        ]
        for volume, series in rows
    ]
    return [paragraph(f"{said}:", width, "bold"), grid(columns, cells, width), Text()]


def _policy_grid(policies: Sequence[PolicyView], now: datetime, width: int) -> Text:
    """Draw a line for each policy; columns that say nothing of any are left out."""
    counted = {
        "stale": [policy.conditions.get(Condition.STALE, 0) for policy in policies],
        "never exported": [
            policy.conditions.get(Condition.NEVER_EXPORTED, 0) for policy in policies
        ],
        "not known": [policy.conditions.get(Condition.NOT_KNOWN, 0) for policy in policies],
        "under way": [policy.pending for policy in policies],
        "requests": [policy.waiting for policy in policies],
    }
    told = {title: counts for title, counts in counted.items() if any(counts)}
    columns = [
        Column("policy", wraps=True),
        Column("volumes", right=True),
        Column("fresh", right=True),
        *(Column(title, wraps=True, right=True) for title in told),
        Column("", wraps=True, below=True),
    ]
    cells = [
        [
            cell(policy.name),
            cell(str(policy.volumes)),
            cell(str(policy.conditions.get(Condition.FRESH, 0))),
            *(cell(str(counts[place])) for counts in told.values()),
            cell("; ".join(_in_sum(policy, now))),
        ]
        for place, policy in enumerate(policies)
    ]
    return grid(columns, cells, width)


def _in_sum(policy: PolicyView, now: datetime) -> Iterator[str]:
    if policy.oldest_newest_slot:
        yield f"oldest {spell_span(now - policy.oldest_newest_slot)}"
    if policy.next_slot:
        yield f"next {in_utc(policy.next_slot)}"
    stored = f" of {spell_size(policy.stored_bytes)}" if policy.stored_bytes else ""
    yield counted(policy.images, "image") + stored
    if policy.first_goes:
        yield f"{policy.announced} announced, the first goes {in_utc(policy.first_goes)}"
    if policy.going > policy.announced:
        yield f"{policy.going - policy.announced} expired, to be announced"


def _summary(view: FleetView, *, everything: bool) -> str:
    found = Counter(one for volume in view.volumes for one in volume.attention)
    counts = ", ".join(
        f"{found[one]} {one.value.replace('_', ' ')}" for one in Attention if found[one]
    )
    fine = sum(not volume.attention for volume in view.volumes)
    said = f"{counted(len(view.volumes), 'volume')} at {in_utc(view.at)}: " + ", ".join(
        part for part in (counts, f"{fine} in order") if part
    )
    hint = "" if everything else "; --all shows every volume, volume-images list VOLUME its images"
    return said + hint
