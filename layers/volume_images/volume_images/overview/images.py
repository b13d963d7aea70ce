"""One image as people look at it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from volume_images.recognition import ImageState
from volume_images.report import ImageResult, iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """Since when an image is expired, when it goes at the earliest, and by which config version.

    Without `is_announced`, no cleanup has announced it yet: the next one will, and the grace
    counts from then.
    """

    since: datetime
    deletes_at: datetime
    reason: str
    config_version: str
    is_announced: bool

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "since": self.since.isoformat(),
            "deletes_at": self.deletes_at.isoformat(),
            "reason": self.reason,
            "config_version": self.config_version,
            "announced": self.is_announced,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """One image of ours: what it holds, how it is, and what the next cleanup says of it.

    `captured_at` is when the cloud created it, `slot` what it is for; sizes are None where the
    cloud does not tell. `stuck_since` is when its export was found never to end,
    `restore_runs` are the runs that hold it while they restore it.
    """

    id: str
    name: str
    policy: str
    requested: bool
    slot: datetime
    captured_at: datetime
    size_bytes: int | None
    virtual_bytes: int | None
    state: ImageState
    why: str
    result: ImageResult
    reasons: str
    going: Going | None = None
    stuck_since: datetime | None = None
    pinned: bool = False
    protected: bool = False
    restore_runs: tuple[str, ...] = ()
    in_floor: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "image_id": self.id,
            "image_name": self.name,
            "policy": self.policy,
            "requested": self.requested,
            "slot": self.slot.isoformat(),
            "captured_at": self.captured_at.isoformat(),
            "size_bytes": self.size_bytes,
            "virtual_bytes": self.virtual_bytes,
            "state": self.state.value,
            "why": self.why,
            "result": self.result.value,
            "reasons": self.reasons,
            "going": self.going.as_json() if self.going else None,
            "stuck_since": iso(self.stuck_since),
            "pinned": self.pinned,
            "protected": self.protected,
            "restore_runs": list(self.restore_runs),
            "floor": self.in_floor,
        }
