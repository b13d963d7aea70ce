"""Outcomes about one slot of a group."""

from datetime import datetime

from volume_images.model import GroupKey
from volume_images.report import NO_DETAILS, Details, ExportResult, Outcome


def outcome_about(
    cloud: str,
    group: GroupKey,
    slot: datetime,
    result: ExportResult,
    reason: str,
    *,
    image: tuple[str, str] = ("", ""),
    details: Details = NO_DETAILS,
) -> Outcome:
    """Return what became of a slot; `image` is its image's id and name."""
    return Outcome(
        cloud=cloud,
        policy=group.policy_segment,
        volume_id=group.volume_id,
        slot=slot,
        result=result,
        reason=reason,
        image_id=image[0],
        image_name=image[1],
        details=details,
    )


def group_of(outcome: Outcome) -> str:
    """Return the group of such an outcome, as a state writes it."""
    return f"{outcome.policy}/{outcome.volume_id}"
