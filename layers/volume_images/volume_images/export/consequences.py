"""What each settled export means: the outcome to report, and what to remember."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from volume_images.export.changes import (
    Accounted,
    Fail,
    Follow,
    FoundGood,
    Leave,
    MarkLater,
    RunLate,
    Stick,
    Unanswered,
    Unstick,
)
from volume_images.export.draft import Change
from volume_images.export.outcomes import outcome_about
from volume_images.export.settling import Settled, Settlement, Sight
from volume_images.export.state import ExportState, NewestGood, Stuck, Unmarked
from volume_images.model import PENDING_STATUSES
from volume_images.report import NO_DETAILS, ExportResult, Outcome

_FAILURES: Mapping[Settlement, str] = {
    Settlement.FAILED: "export_failed",
    Settlement.VANISHED: "image_vanished",
    Settlement.GONE: "image_deleted",
    Settlement.STUCK: "stuck",
}


def outcome_of(one: Settled, cloud: str) -> Outcome:
    """Say what became of an export."""
    match one.settlement:
        case Settlement.GOOD:
            result, reason = ExportResult.DONE, "active"
        case Settlement.PENDING:
            result, reason = ExportResult.DEFERRED, "uploading"
        case Settlement.HELD:
            result, reason = ExportResult.DEFERRED, "intended"
        case Settlement.UNKNOWN | Settlement.LATE:
            result, reason = ExportResult.UNKNOWN, "image_unknown"
        case Settlement.NO_ANSWER:
            result, reason = ExportResult.UNKNOWN, "answer_lost"
        case failed:
            result, reason = ExportResult.FAILED, _FAILURES[failed]
    return outcome_about(
        cloud,
        one.entry.group,
        one.entry.slot,
        result,
        reason,
        image=(one.image.id if one.image else one.entry.image_id, one.entry.image_name),
        details={"why": one.why} if one.why else NO_DETAILS,
    )


def changes_of(settled: Sequence[Settled], state: ExportState, now: datetime) -> list[Change]:
    """Return what to remember of the exports under way."""
    return [
        change
        for one in settled
        for change in (*_changes(one, state, now), *_found(one, state, now))
    ]


def stuck_changes(state: ExportState, sight: Sight) -> list[Unstick]:
    """Forget stuck images that are gone, or pending no more."""
    found = {
        image_id: sight.listed.get(image_id) or sight.images_read.get(image_id)
        for image_id in state.stuck
        if image_id in sight.listed or image_id in sight.images_read
    }
    return [
        Unstick(image_id)
        for image_id, image in found.items()
        if image is None or image.status not in PENDING_STATUSES
    ]


def _changes(one: Settled, state: ExportState, now: datetime) -> list[Change]:
    entry = one.entry
    leave = Leave(entry.image_name)
    match one.settlement:
        case Settlement.GOOD:
            assert one.image is not None
            good = NewestGood(
                slot=entry.slot, image_id=one.image.id, created_at=one.image.created_at
            )
            return [leave, FoundGood(entry.group, good), Accounted(entry.group, entry.slot)]
        case Settlement.PENDING:
            image_id = one.image.id if one.image else entry.image_id
            followed = entry.model_copy(update={"image_id": image_id})
            known = state.under_way.get(entry.image_name)
            return [] if followed == known else [Follow(followed)]
        case Settlement.HELD:
            return []
        case Settlement.LATE:
            assert one.image is not None
            followed = entry.model_copy(update={"image_id": one.image.id})
            known = state.late.get(entry.image_name)
            return [] if followed == known else [RunLate(followed)]
        case Settlement.UNKNOWN:
            return [leave]
        case Settlement.NO_ANSWER:
            return [leave, Unanswered(entry.group, entry.intended_at)]
        case Settlement.STUCK:
            assert one.image is not None
            stuck = Stuck(
                group=entry.group, slot=entry.slot, image_name=entry.image_name, found_at=now
            )
            return [Stick(one.image.id, stuck), _failure(one, state, now)]
        case Settlement.FAILED | Settlement.VANISHED | Settlement.GONE:
            return [leave, _failure(one, state, now)]


def _found(one: Settled, state: ExportState, now: datetime) -> Sequence[MarkLater]:
    """Have the image marked that an intent of ours turns out to have made."""
    known = state.under_way.get(one.entry.image_name)
    if known is None or known.image_id or one.image is None:
        return ()
    unmarked = Unmarked(group=known.group, slot=known.slot, since=now)
    return (MarkLater(one.image.id, unmarked),)


def _failure(one: Settled, state: ExportState, now: datetime) -> Fail:
    failures = state.record(one.entry.group).failures + 1
    return Fail(one.entry.group, failures, now, _FAILURES[one.settlement])
