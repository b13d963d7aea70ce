"""What there is to know of a volume under a policy, in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import assert_never

from volume_images.overview.images import Going, ImageView
from volume_images.overview.spelling import counted, in_utc, spell_span
from volume_images.overview.volumes import Condition, Presence, SeriesView, Trouble, VolumeView
from volume_images.report import ExportResult
from volume_images.retention.judging import EXPIRED

CONDITIONS: Mapping[Condition | None, str] = {
    Condition.FRESH: "fresh",
    Condition.STALE: "stale",
    Condition.NEVER_EXPORTED: "never exported",
    Condition.NOT_KNOWN: "not known",
    None: "orphaned",
}

SHORT_VERSION = 12
"""Of a config's version; `--json` has it whole."""


def style_of(volume: VolumeView, series: SeriesView) -> str:
    """Return the colour of a series: red is what makes `status` end with 1."""
    match series.condition:
        case Condition.NOT_KNOWN | Condition.STALE:
            return "red"
        case Condition.NEVER_EXPORTED:
            return "red" if series.stale else "yellow"
        case Condition.FRESH:
            return "yellow" if series.attention or volume.attention else "green"
        case None:
            return "yellow"
        case never:
            assert_never(never)


def age_of(series: SeriesView, now: datetime) -> str:
    """Return the age of the newest good image; a dash where there is none."""
    return spell_span(now - series.newest_slot) if series.newest_slot else "-"


def next_of(series: SeriesView) -> str:
    """Return when the next export is expected."""
    if series.due_slot:
        return "now"
    return in_utc(series.next_slot) if series.next_slot else "-"


def told(volume: VolumeView, series: SeriesView, now: datetime) -> str:
    """Return all that there is to say of a volume under a policy, as one sentence."""
    parts = [f"{series.policy}: {CONDITIONS[series.condition]}"]
    if series.newest_slot:
        limit = f" of at most {spell_span(series.max_age)}" if series.max_age else ""
        parts.append(f"the newest good image is {age_of(series, now)} old{limit}")
    if series.is_covered:
        parts.append(f"next {next_of(series)}")
    return "; ".join((*parts, *notes_of(volume, series, now)))


def notes_of(volume: VolumeView, series: SeriesView, now: datetime) -> Iterator[str]:
    """Yield what the columns do not tell, the most urgent first."""
    if series.trouble:
        yield _trouble(series.trouble)
    if volume.presence is Presence.GONE:
        yield "the volume is gone from its cloud"
    if volume.left_uploading:
        yield "the volume is uploading, and no export of ours is under way"
    stuck = [image.stuck_since for image in series.images if image.stuck_since]
    if stuck:
        yield f"{len(stuck)} stuck since {in_utc(min(stuck))}"
    yield from (f"safety stop: {stop}" for stop in series.safety_stops)
    if series.condition is Condition.NEVER_EXPORTED and series.first_seen:
        yield f"first seen {spell_span(now - series.first_seen)} ago"
    if series.condition is Condition.NOT_KNOWN and series.newest_slot:
        yield "as cleanup saw it last"
    if series.due_slot:
        yield f"{in_utc(series.due_slot)} is due"
    for pending in series.pending:
        kind = "request of " if pending.requested else ""
        yield f"{kind}{in_utc(pending.slot)} under way since {in_utc(pending.since)}"
    if series.waiting:
        yield f"{counted(len(series.waiting), 'request')} waiting"
    yield from _going([image.going for image in series.going if image.going])


def group_of(image: ImageView) -> str:
    """Return what an image was made under: a policy, or requests under it."""
    return f"{image.policy}.request" if image.requested else image.policy


def fate_of(image: ImageView) -> str:
    """Return what becomes of an image, and why."""
    return "; ".join(_fate(image))


def _fate(image: ImageView) -> Iterator[str]:
    if image.going is None:
        yield image.reasons
    else:
        when = in_utc(image.going.deletes_at)
        yield f"goes {when}" if image.going.is_announced else "for the next cleanup to announce"
        if image.going.reason != EXPIRED[0]:
            yield image.going.reason
    marks = {"pinned": image.pinned, "protected": image.protected}
    yield from (mark for mark, set_on in marks.items() if set_on and mark not in image.reasons)
    if image.restore_runs:
        yield f"held by restore {', '.join(image.restore_runs)}"


def _trouble(trouble: Trouble) -> str:
    if trouble.result is ExportResult.MISSED:
        return f"missed {in_utc(trouble.at)}: {trouble.reason}"
    times = f" {trouble.in_a_row} times in a row" if trouble.in_a_row > 1 else ""
    return f"{trouble.result}{times}: {trouble.reason}, {in_utc(trouble.at)}"


def _going(going: list[Going]) -> Iterator[str]:
    announced = [one for one in going if one.is_announced]
    if announced:
        first = announced[0]
        yield (
            f"{len(announced)} announced, the first goes {in_utc(first.deletes_at)}"
            f" by config {first.config_version[:SHORT_VERSION]}"
        )
    if len(announced) < len(going):
        yield f"{len(going) - len(announced)} expired, for the next cleanup to announce"
