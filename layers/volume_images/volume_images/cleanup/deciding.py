"""What becomes of one image, once it is known what its group's rules say of it."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import assert_never

from volume_images.cleanup.plan import Expired, Failed, Kept
from volume_images.model import Image, RestorePin
from volume_images.recognition import ImageState, Recognised
from volume_images.report import ImageResult
from volume_images.retention.judging import Candidate, State, Verdict
from volume_images.schedule import SLOT_AHEAD

Decision = Kept | Expired | Failed

BEING_RESTORED = "being restored"
RESTORE_PIN_LASTS = timedelta(days=7)
"""No restore takes as long: an older pin was left by one that was killed."""


def decide(
    image: Recognised,
    verdict: Verdict | None,
    stuck: Mapping[str, datetime],
    by_id: Mapping[str, Image],
    now: datetime,
) -> Decision:
    """Decide about one image of a judged group; what is not good never goes by retention."""
    failed = _failed(image, stuck)
    if failed is not None:
        return _unless_restored(failed, now)
    if image.state is ImageState.GOOD and verdict is not None and not verdict.keep:
        winner = by_id[verdict.duplicate_of] if verdict.duplicate_of else None
        return _unless_restored(Expired(image, ", ".join(verdict.reasons), winner), now)
    reasons = verdict.reasons if verdict is not None else ()
    return keep(image, ", ".join(reasons))


def decide_orphan(
    image: Recognised,
    why: str,
    stuck: Mapping[str, datetime],
    going: Collection[str],
    now: datetime,
) -> Decision:
    """Decide about one image of an orphaned group that is judged; `why` it is an orphan."""
    failed = _failed(image, stuck)
    if failed is not None:
        return _unless_restored(failed, now)
    if image.image.id in going:
        return _unless_restored(Expired(image, why, None), now)
    return keep(image, ", ".join((*_held(image), why)))


def keep(image: Recognised, reason: str) -> Kept:
    """Keep an image; one that nobody can say anything good of is reported as what it is."""
    match image.state:
        case ImageState.GONE:
            return Kept(image, ImageResult.GONE, image.image.status)
        case ImageState.UNKNOWN:
            return Kept(image, ImageResult.UNKNOWN, f"unknown: {image.why}")
        case ImageState.GOOD | ImageState.PENDING | ImageState.FAILED:
            return Kept(image, ImageResult.KEPT, reason)
        case never:
            assert_never(never)


def may_expire(image: Recognised, now: datetime) -> bool:
    """Whether an orphan counts among the newest, and may go."""
    in_time = image.name.slot <= now + SLOT_AHEAD
    return image.state is ImageState.GOOD and not _held(image) and in_time


def overdue_pins(image: Image, now: datetime) -> tuple[RestorePin, ...]:
    """Return the pins that restores left behind: they hold the image no longer."""
    return tuple(pin for pin in image.restore_pins if now - pin.since > RESTORE_PIN_LASTS)


def candidate(image: Recognised) -> Candidate:
    """Return what the rules of retention look at."""
    return Candidate(
        id=image.image.id,
        time=image.name.slot,
        created_at=image.image.created_at,
        state=State(image.state.value),
        pinned=image.image.pinned,
        protected=image.image.protected,
        why=image.why,
    )


def _failed(image: Recognised, stuck: Mapping[str, datetime]) -> Failed | None:
    """Say whether an image is of an export that failed, or never ends; a held one stays."""
    if image.state is ImageState.FAILED:
        failed = Failed(image, None)
    elif image.state is ImageState.PENDING and image.image.id in stuck:
        failed = Failed(image, stuck[image.image.id])
    else:
        return None
    return None if _held(image) else failed


def _unless_restored(decision: Expired | Failed, now: datetime) -> Decision:
    """Keep what is just being restored; it takes its place among the others all the same."""
    image = decision.recognised
    if len(overdue_pins(image.image, now)) < len(image.image.restore_pins):
        return Kept(image, ImageResult.KEPT, BEING_RESTORED)
    return decision


def _held(image: Recognised) -> tuple[str, ...]:
    """Say what holds an image, whatever any rule says."""
    marks = {"pinned": image.image.pinned, "protected": image.image.protected}
    return tuple(mark for mark, applies in marks.items() if applies)
