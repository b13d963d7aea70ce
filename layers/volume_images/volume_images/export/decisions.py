"""What stands against starting one owed slot: done, missed, busy, spaced, refused, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.export.changes import Accounted, Miss, Refuse
from volume_images.export.draft import Change
from volume_images.export.owed import Owed
from volume_images.export.preflight import facts, obstacle
from volume_images.export.scene import Scene
from volume_images.export.state import (
    ExportState,
    Missed,
    Record,
    Refusal,
    slot_key,
)
from volume_images.model import GroupKey
from volume_images.recognition import ImageState, Recognised
from volume_images.report import NO_DETAILS, Details, ExportResult, Outcome
from volume_images.schedule import SLOT_AHEAD

SPACING = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=3), timedelta(hours=6))
"""How long to wait after one, two, three, and more failures in a row."""

RETRY = timedelta(hours=1)
"""When a refusal, or a POST without an answer, is tried again with the same facts."""


_BLOCKING = (ImageState.GOOD, ImageState.PENDING, ImageState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a slot is not started now, what to remember, and when to look at it again."""

    outcome: Outcome
    changes: tuple[Change, ...] = ()
    look_at: datetime | None = None


def decide(owed: Owed, scene: Scene) -> Decision | None:
    """Return what stands against starting this slot now; None when nothing does."""
    return (
        _done(owed, scene)
        or _on_its_way(owed, scene)
        or _too_late(owed, scene)
        or _not_reachable(owed, scene)
        or _spaced(owed, scene)
        or _refused_before(owed, scene)
        or _obstructed(owed, scene)
    )


def blocking(images: Sequence[Recognised], state: ExportState, slot: datetime) -> Recognised | None:
    """Return the image of exactly this slot that forbids another one: a good one, if there is."""
    exact = [
        one
        for one in images
        if one.name.slot == slot and one.state in _BLOCKING and one.image.id not in state.stuck
    ]
    return min(exact, key=lambda one: _BLOCKING.index(one.state), default=None)


def later(images: Sequence[Recognised], slot: datetime, now: datetime) -> Recognised | None:
    """Return an image of a later slot, good or in flight, that makes this one superfluous."""
    return next(
        (
            one
            for one in images
            if slot < one.name.slot <= now + SLOT_AHEAD
            and one.state in (ImageState.GOOD, ImageState.PENDING)
        ),
        None,
    )


def _done(owed: Owed, scene: Scene) -> Decision | None:
    images = scene.groups.get(owed.group, ())
    exact = blocking(images, scene.state, owed.slot)
    found = exact or later(images, owed.slot, scene.now)
    if found is None:
        return _remembered(owed, scene) if scene.volumes is None else None
    named = (found.image.id, found.image.name)
    if found.state is ImageState.GOOD:
        reason = "already_exported" if exact else "later_image"
        done = scene.outcome(owed.group, owed.slot, ExportResult.DONE, reason, named)
        return Decision(done, (Accounted(owed.group, owed.slot),))
    if scene.now > owed.start_by and not _is_followed(owed, scene):
        return None  # nobody waits for it any more: the slot is missed, unless it turns good
    if found.state is ImageState.UNKNOWN:
        unknown = scene.outcome(
            owed.group, owed.slot, ExportResult.UNKNOWN, "image_unknown", named, {"why": found.why}
        )
        return Decision(unknown, look_at=scene.now + RETRY)
    pending = scene.outcome(owed.group, owed.slot, ExportResult.DEFERRED, "uploading", named)
    return Decision(pending, look_at=scene.now)


def _remembered(owed: Owed, scene: Scene) -> Decision | None:
    good = scene.state.record(owed.group).newest_good
    if good is None or good.slot < owed.slot:
        return None
    done = scene.outcome(
        owed.group, owed.slot, ExportResult.DONE, "already_exported", (good.image_id, "")
    )
    return Decision(done, (Accounted(owed.group, owed.slot),))


def _is_followed(owed: Owed, scene: Scene) -> bool:
    entry = scene.busy.get(owed.group.volume_id)
    return entry is not None and (entry.group, entry.slot) == (owed.group, owed.slot)


def _on_its_way(owed: Owed, scene: Scene) -> Decision | None:
    entry = scene.busy.get(owed.group.volume_id)
    if entry is None:
        return None
    reason = "uploading" if _is_followed(owed, scene) else "volume_uploading"
    deferred = scene.outcome(
        owed.group,
        owed.slot,
        ExportResult.DEFERRED,
        reason,
        (entry.image_id, entry.image_name),
    )
    return Decision(deferred, look_at=scene.now)


def _too_late(owed: Owed, scene: Scene) -> Decision | None:
    if scene.now <= owed.start_by:
        return None
    return miss(scene, owed.group, owed.slot, why_not(scene.state.record(owed.group), "too_late"))


def miss(scene: Scene, group: GroupKey, slot: datetime, reason: str) -> Decision:
    """Give a slot up: it will not be started any more."""
    outcome = scene.outcome(group, slot, ExportResult.MISSED, reason)
    return Decision(outcome, (Miss(Missed(group=group, slot=slot, reason=reason)),))


def why_not(record: Record, otherwise: str) -> str:
    """Return the newest reason why nothing came of a group's attempts."""
    if record.failure:
        return record.failure
    return record.refusal.reason if record.refusal else otherwise


def _not_reachable(owed: Owed, scene: Scene) -> Decision | None:
    if scene.volumes is None:
        return _defer(owed, scene, "cloud_unavailable", scene.now)
    if scene.state.paused_until is not None and scene.now < scene.state.paused_until:
        return _defer(owed, scene, "cloud_paused", scene.state.paused_until)
    if slot_key(owed.group, owed.slot) in scene.posted:
        return _defer(owed, scene, "already_tried", scene.now)
    return None


def _spaced(owed: Owed, scene: Scene) -> Decision | None:
    record = scene.state.record(owed.group)
    waits = []
    if record.failures and record.failed_at is not None:
        waits.append(record.failed_at + SPACING[min(record.failures, len(SPACING)) - 1])
    if record.unanswered_at is not None:
        waits.append(record.unanswered_at + RETRY)
    if not waits or max(waits) <= scene.now:
        return None
    return _defer(owed, scene, "next_attempt", max(waits), {"failures": record.failures})


def _refused_before(owed: Owed, scene: Scene) -> Decision | None:
    refusal = scene.state.record(owed.group).refusal
    if (
        refusal is None
        or scene.now >= refusal.at + RETRY
        or refusal.config_version != scene.config_version
        or refusal.facts != _facts(owed, scene)
    ):
        return None
    outcome = scene.outcome(owed.group, owed.slot, ExportResult.REFUSED, refusal.reason)
    return Decision(outcome, look_at=refusal.at + RETRY)


def _obstructed(owed: Owed, scene: Scene) -> Decision | None:
    assert scene.volumes is not None
    if owed.group.volume_id in scene.unread:
        return _defer(owed, scene, "volume_not_read", scene.now)
    options = scene.config.policies[owed.group.policy].export
    cloud = scene.config.clouds[scene.cloud]
    found = obstacle(scene.volumes.get(owed.group.volume_id), options, cloud)
    if found is None:
        return None
    if found.passing:
        return _defer(owed, scene, found.reason, scene.now, found.details)
    return refuse(owed, scene, found.reason, found.details)


def refuse(owed: Owed, scene: Scene, reason: str, details: Details = NO_DETAILS) -> Decision:
    """Refuse a slot until its facts or the config change, or an hour has passed."""
    refusal = Refusal(
        reason=reason,
        facts=_facts(owed, scene),
        config_version=scene.config_version,
        at=scene.now,
    )
    outcome = scene.outcome(owed.group, owed.slot, ExportResult.REFUSED, reason, details=details)
    return Decision(outcome, (Refuse(owed.group, refusal),), scene.now + RETRY)


def _defer(
    owed: Owed, scene: Scene, reason: str, until: datetime, details: Details = NO_DETAILS
) -> Decision:
    if until > scene.now:
        details = {**details, "until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    outcome = scene.outcome(owed.group, owed.slot, ExportResult.DEFERRED, reason, details=details)
    return Decision(outcome, look_at=min(until, max(owed.start_by, scene.now)))


def _facts(owed: Owed, scene: Scene) -> str:
    return facts((scene.volumes or {}).get(owed.group.volume_id))
