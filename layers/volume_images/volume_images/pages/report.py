"""How a fleet stands, as a page: what needs a look, what is stored, every volume's images."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from volume_images.overview.fleet import FleetView
from volume_images.overview.images import ImageView
from volume_images.overview.notes import SHORT_VERSION, fate_of, group_of, style_of, told
from volume_images.overview.spelling import counted, in_utc, or_dash, plain, spell_size, spell_span
from volume_images.overview.volumes import Attention, Condition, Presence, VolumeView
from volume_images.pages.rendering import render
from volume_images.pages.timeline import WIDTH, Mark, Scale, lines, mark_of, marks
from volume_images.report import SERVED_RESULTS

ImageFacts = tuple[int, int, int, int, int]
"""An image as the page's script reads it: the slot in minutes since 1970, its mark, its size in MiB
(-1: not told), and its fate and its group as places in the words."""

MOST_DRAWN = 10_000
"""Volumes drawn, those that need a look first: more make a file that no browser opens at ease."""

_ORDER = tuple(Attention)
_MARKS = tuple(Mark)
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Entry:
    """A volume on the page: in words with the style of each, and its images on the line of time."""

    name: str
    id: str
    where: str
    said: tuple["Said", ...]
    images: str
    lines: Mapping[Mark, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What there is to say of a volume under a policy: first in short, then the rest."""

    lead: str
    rest: str
    style: str


@dataclass(frozen=True, slots=True)
class Section:
    """Volumes under one heading; of very many, some are only counted."""

    anchor: str
    title: str
    volumes: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the images of a policy take, and how much of it goes; `share` is of the largest."""

    name: str
    images: int
    stored: str
    going: str
    share: float


@dataclass(frozen=True, slots=True)
class Words:
    """Each text once, by the place that others name it with."""

    places: dict[str, int]

    def place(self, text: str) -> int:
        """Return the place of a text, a new one for one not seen before."""
        return self.places.setdefault(text, len(self.places))


def report_page(view: FleetView, most: int = MOST_DRAWN) -> str:
    """Return the page: one HTML file, complete in itself, that also reads without its script.

    Beyond `most` volumes the rest are only counted, first those that need no look.
    """
    urgent = sorted((one for one in view.volumes if one.attention), key=_urgency)
    others = [one for one in view.volumes if not one.attention]
    scale = Scale.of(view.volumes, view.at)
    drawn = [
        _section("urgent", "Volumes that need a look", urgent, most, scale),
        _section("others", "Other volumes", others, most - len(urgent), scale),
    ]
    words = Words({})
    listed = [[_facts(image, words) for image in one.images] for one in (*urgent, *others)[:most]]
    return render(
        "report.html",
        style="report.css",
        script="report.js",
        view=view,
        at=in_utc(view.at),
        moment=view.at.astimezone(UTC).isoformat(),
        version=plain(view.config_version[:SHORT_VERSION]),
        totals=_totals(view),
        troubles=list(_troubles(view)),
        sections=drawn,
        stored=_stored(view),
        ticks=scale.ticks,
        width=WIDTH,
        marks=_MARKS,
        conditions=Condition,
        facts={"words": list(words.places), "marks": _MARKS, "volumes": listed},
        or_dash=or_dash,
        span=spell_span,
    )


def _urgency(volume: VolumeView) -> tuple[bool, int, str, str, str]:
    is_stale = any(series.stale for series in volume.covered)
    return (
        not is_stale,
        _ORDER.index(volume.attention[0]),
        volume.cloud,
        volume.name,
        volume.id,
    )


def _section(
    anchor: str, title: str, volumes: Sequence[VolumeView], most: int, scale: Scale
) -> Section:
    drawn = volumes[: max(0, most)]
    entries = tuple(_entry(volume, scale) for volume in drawn)
    return Section(anchor, title, len(volumes), entries)


def _entry(volume: VolumeView, scale: Scale) -> Entry:
    said = [
        _said(plain(told(volume, series, scale.now)), style_of(volume, series))
        for series in volume.series
    ]
    if volume.is_unprotected:
        said.append(_said("no policy covers it", "yellow"))
    return Entry(
        name=plain(volume.name or volume.id),
        id=plain(volume.id),
        where=plain(_where(volume)),
        said=tuple(said),
        images=_counts(volume.images),
        lines=lines(marks(volume), scale),
    )


def _said(text: str, style: str) -> Said:
    lead, separator, rest = text.partition("; ")
    return Said(lead, separator + rest, style)


def _where(volume: VolumeView) -> str:
    match volume.presence:
        case Presence.GONE:
            return f"{volume.cloud}, gone"
        case Presence.NOT_KNOWN:
            return volume.cloud
        case Presence.THERE:
            return f"{volume.cloud}, {volume.size_gib} GiB, {volume.status}"


def _counts(images: Sequence[ImageView]) -> str:
    """Say how many images there are of each kind."""
    found = Counter(mark_of(image) for image in images)
    kinds = ", ".join(f"{found[mark]} {mark}" for mark in _MARKS if found[mark])
    return f"{counted(len(images), 'image')}: {kinds}" if images else "no image"


def _facts(image: ImageView, words: Words) -> ImageFacts:
    return (
        int(image.slot.timestamp()) // 60,
        _MARKS.index(mark_of(image)),
        -1 if image.size_bytes is None else image.size_bytes // _MIB,
        words.place(plain(fate_of(image))),
        words.place(plain(group_of(image))),
    )


def _totals(view: FleetView) -> Mapping[str, int | str]:
    """Sum the fleet up: each volume counts once, with what is worst of it."""
    found: Counter[str] = Counter()
    for volume in view.volumes:
        conditions = {series.condition for series in volume.covered}
        if any(series.stale for series in volume.covered):
            found["stale"] += 1
        elif Condition.NOT_KNOWN in conditions:
            found["not known"] += 1
        elif Condition.NEVER_EXPORTED in conditions:
            found["never exported"] += 1
        elif conditions:
            found["fresh"] += 1
        elif volume.is_unprotected:
            found["under no policy"] += 1
    images = [image for volume in view.volumes for image in volume.images]
    kinds = ("stale", "not known", "never exported", "under no policy", "fresh")
    return {
        **{kind: found[kind] for kind in kinds if found[kind] or kind in ("stale", "fresh")},
        "images": len(images),
        "stored": _size(images),
    }


def _troubles(view: FleetView) -> Iterable[str]:
    """Say what is wrong with whole clouds."""
    for cloud in view.clouds:
        name = cloud.outcome.cloud
        said = f"{cloud.outcome.result}: {cloud.outcome.reason}"
        if not cloud.was_asked:
            yield plain(
                f"cloud {name} could not be asked, so of its volumes nothing is known: {said}"
            )
        elif cloud.outcome.result not in SERVED_RESULTS:
            yield plain(f"cloud {name}: {said}")
        yield from (plain(f"cloud {name}: {remark}") for remark in cloud.remarks)
        stops = Counter(cloud.safety_stops)
        yield from (
            plain(f"cloud {name}: safety stop: {stop} ({counted(count, 'group')})")
            for stop, count in stops.items()
        )


def _stored(view: FleetView) -> list[Stored]:
    """Add up what is stored by policy; what no policy covers any more comes last."""
    by_name: dict[str, list[ImageView]] = {policy.name: [] for policy in view.policies}
    orphaned: list[ImageView] = []
    for volume in view.volumes:
        for series in volume.series:
            (by_name[series.policy] if series.is_covered else orphaned).extend(series.images)
    rows = [*by_name.items(), *([("no policy now", orphaned)] if orphaned else [])]
    most = max((_bytes(images) for _, images in rows), default=0)
    return [
        Stored(
            name=name,
            images=len(images),
            stored=_size(images),
            going=_size([image for image in images if image.going]),
            share=round(100 * _bytes(images) / most, 1) if most else 0,
        )
        for name, images in rows
    ]


def _bytes(images: Iterable[ImageView]) -> int:
    return sum(image.size_bytes or 0 for image in images)


def _size(images: Sequence[ImageView]) -> str:
    """Spell the size of images, as far as the clouds tell it."""
    if images and all(image.size_bytes is None for image in images):
        return "not told"
    return spell_size(_bytes(images)) if images else "none"
