"""Marking the images that we made: what fails is tried again, and never an export's outcome."""

from collections.abc import Callable, Sequence
from threading import Event

from volume_images.errors import CloudError, CloudUnavailable, Throttled
from volume_images.export.changes import Marked, MarkLater
from volume_images.export.draft import Change
from volume_images.export.marks import Marking
from volume_images.protocols import Cloud
from volume_images.side_by_side import each


def mark_all(
    cloud: Cloud, markings: Sequence[Marking], at_once: int, in_time: Callable[[], bool]
) -> list[Change]:
    """Tag each image, side by side; after the cloud is found down or busy, leave the rest."""
    down = Event()

    def mark(one: Marking) -> Sequence[Change]:
        if down.is_set() or not in_time():
            return ()
        try:
            cloud.images.mark(one.image_id, one.mark)
        except CloudError as error:
            if isinstance(error, CloudUnavailable | Throttled):
                down.set()
            failed = one.unmarked.model_copy(update={"failure": str(error)})
            return (MarkLater(one.image_id, failed),)
        return (Marked(one.image_id),)

    return [change for changes in each(markings, mark, at_once) for change in changes]
