"""Delete what is due, group by group, reading everything again first.

Between the listing and a DELETE minutes pass and people act: nothing is deleted on old facts.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from volume_images.cleanup.deciding import BEING_RESTORED, overdue_pins
from volume_images.cleanup.due import Deletion, DueGroup
from volume_images.cleanup.outcomes import Attempt
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    NotFound,
    Throttled,
)
from volume_images.model import GONE_STATUSES, Image
from volume_images.protocols import Images
from volume_images.report import ImageResult
from volume_images.side_by_side import each

CHECKED_FIELDS = (
    "name",
    "owner",
    "status",
    "virtual_bytes",
    "size_bytes",
    "min_disk_gib",
    "protected",
    "pinned",
    "deployment",
)


@dataclass(slots=True)
class Permit:
    """Holds as long as this run may delete in a cloud; a cloud's outage ends it for good."""

    in_time: Callable[[], bool]
    ended_by: CloudError | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def holds(self) -> bool:
        """Whether another DELETE may begin."""
        return self.ended_by is None and self.in_time()

    def end(self, error: CloudError) -> None:
        """Stop this cloud's deletions; the first error stays."""
        with self._lock:
            self.ended_by = self.ended_by or error


def delete_due(
    images: Images, due: Sequence[DueGroup], permit: Permit, *, at_once: int
) -> tuple[Attempt, ...]:
    """Delete what is due, in that order: `at_once` groups side by side, one image after another.

    What is not among the attempts was not tried: it stays announced, and due.
    """
    done = each(due, lambda group: _delete_group(images, group, permit), at_once)
    return tuple(attempt for attempts in done for attempt in attempts)


def drop_overdue_pins(images: Images, seen: Iterable[Image], now: datetime) -> None:
    """Remove what killed restores left on images: such a pin holds nothing any more.

    A cloud that does not take that now is asked again by the next run.
    """
    with suppress(CloudError):
        for image in seen:
            for pin in overdue_pins(image, now):
                images.drop_restore_pin(image.id, pin)


def changes(listed: Image, current: Image | None) -> str:
    """Name what is no longer as it was listed; empty when nothing is."""
    if current is None:
        return "not found"
    return ", ".join(
        name for name in CHECKED_FIELDS if getattr(listed, name) != getattr(current, name)
    )


def _delete_group(images: Images, group: DueGroup, permit: Permit) -> list[Attempt]:
    if not permit.holds():
        return []
    try:
        fault = _floor_fault(images, group.floor)
    except (CloudUnavailable, Throttled, CredentialError) as error:
        permit.end(error)
        return []
    except CloudError as error:
        fault = f"floor not read: {error}"
    if fault:
        return [
            Attempt(deletion.image.id, ImageResult.NOT_DELETED, fault)
            for deletion in group.deletions
        ]
    attempts: list[Attempt] = []
    for deletion in group.deletions:
        if not permit.holds():
            break
        attempts.append(_attempt(images, deletion, permit))
    return attempts


def _floor_fault(images: Images, floor: Sequence[Image]) -> str:
    for listed in floor:
        changed = changes(listed, images.get(listed.id))
        if changed:
            return f"floor image {listed.id} changed: {changed}"
    return ""


def _attempt(images: Images, deletion: Deletion, permit: Permit) -> Attempt:
    try:
        result, reason = _delete(images, deletion)
    except NotFound as error:
        result, reason = ImageResult.GONE, str(error)
    except (CloudUnavailable, Throttled, CredentialError) as error:
        permit.end(error)
        result, reason = ImageResult.NOT_DELETED, str(error)
    except CloudError as error:
        result, reason = ImageResult.NOT_DELETED, str(error)
    return Attempt(deletion.image.id, result, reason)


def _delete(images: Images, deletion: Deletion) -> tuple[ImageResult, str]:
    listed = deletion.image
    current = images.get(listed.id)
    if current is None or current.status in GONE_STATUSES:
        return ImageResult.GONE, "not found" if current is None else current.status
    changed = changes(listed, current)
    if changed:
        return ImageResult.CHANGED, f"changed: {changed}"
    if set(current.restore_pins) - set(listed.restore_pins):
        return ImageResult.CHANGED, f"changed: {BEING_RESTORED}"
    if images.members(listed.id):
        return ImageResult.CHANGED, "members"
    if deletion.winner is not None:
        lost = changes(deletion.winner, images.get(deletion.winner.id))
        if lost:
            return ImageResult.NOT_DELETED, f"kept image {deletion.winner.id} changed: {lost}"
    if images.delete(listed.id):
        return ImageResult.DELETED, deletion.standing.reason
    return ImageResult.GONE, "not found"
