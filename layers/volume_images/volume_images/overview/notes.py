"""What there is to know of a volume under a policy, in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import assert_never

from volume_images.overview.images import Going
from volume_images.overview.spelling import counted, in_utc, spell_span
from volume_images.overview.volumes import Condition, Presence, SeriesView, Trouble, VolumeView
from volume_images.report import ExportResult

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
