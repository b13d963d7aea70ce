"""Which images of ours do not say so yet, and which of them can be asked to now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.export.changes import Marked
from volume_images.export.settling import Sight
from volume_images.export.state import ExportState, Unmarked
from volume_images.model import GONE_STATUSES, PENDING_STATUSES, ImageMark, ImageStatus

MARK_EVERY = timedelta(hours=1)
"""When a mark that failed is tried again, where nothing else brings a look sooner."""

MARK_FOR = timedelta(days=1)
"""How long a mark is tried: an image is ours by its name all the same."""

_BEYOND_MARKING = GONE_STATUSES | {ImageStatus.KILLED}


@dataclass(frozen=True, slots=True)
class Marking:
    """One image to mark; only one that we started is, never one that is ours by name alone."""

    image_id: str
    unmarked: Unmarked
    mark: ImageMark


def marks_over(state: ExportState, sight: Sight, now: datetime) -> list[Marked]:
    """Forget the images that are marked by now, whoever did it, and those beyond it."""

    def over(image_id: str, unmarked: Unmarked) -> bool:
        image = sight.listed.get(image_id)
        settled = image is not None and (
            image.deployment is not None or image.status in _BEYOND_MARKING
        )
        return settled or now > unmarked.since + MARK_FOR

    return [Marked(image_id) for image_id, each in state.unmarked.items() if over(image_id, each)]


def marks_due(state: ExportState, sight: Sight, deployment_id: str) -> Sequence[Marking]:
    """Return the marks to set now: of new images at once, and again when they are settled.

    In between there is no use: a cloud that refuses tags of an unfinished image goes on to.
    """

    def may_be_taken(image_id: str) -> bool:
        image = sight.listed.get(image_id)
        return image is None or image.status not in PENDING_STATUSES

    return [
        Marking(
            image_id,
            unmarked,
            ImageMark(
                deployment_id=deployment_id,
                group=unmarked.group,
                slot=unmarked.slot,
            ),
        )
        for image_id, unmarked in state.unmarked.items()
        if may_be_taken(image_id)
    ]
