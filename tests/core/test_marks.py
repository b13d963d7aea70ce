"""Which images are asked to say that they are ours, when, and for how long."""

import pytest

from tests.core.export_samples import (
    DAILY,
    DB,
    DEPLOYMENT,
    HOUR,
    IDENTITY,
    MINUTE,
    NOW,
    SLOT,
    image,
    state,
    under_way,
    volume,
)
from volume_images.export.changes import Marked, MarkLater
from volume_images.export.consequences import changes_of
from volume_images.export.draft import changed
from volume_images.export.marks import MARK_FOR, marks_due, marks_over
from volume_images.export.settling import Sight, adopted, settle
from volume_images.export.state import ExportState, Unmarked
from volume_images.model import Image, ImageMark
from volume_images.recognition import recognise

UNMARKED = Unmarked(group=DAILY, slot=SLOT, since=NOW)
WAITING = state(unmarked={"image-1": UNMARKED})


def sight(*images: Image) -> Sight:
    return Sight(identity=IDENTITY, volumes={DB: volume()}, listed={one.id: one for one in images})


def seen(status: str = "active", deployment: str | None = None) -> Sight:
    shown = image(status=status, image_id="image-1")
    return sight(
        Image(
            id=shown.id,
            name=shown.name,
            status=status,
            owner=shown.owner,
            created_at=shown.created_at,
            deployment=deployment,
        )
    )


def test_a_mark_says_who_made_the_image_and_of_what() -> None:
    (due,) = marks_due(WAITING, sight(), DEPLOYMENT)
    assert due.image_id == "image-1"
    assert due.mark == ImageMark(deployment_id=DEPLOYMENT, group=DAILY, slot=SLOT)


@pytest.mark.parametrize(
    ("shown", "count"),
    [
        (sight(), 1),
        (seen("queued"), 0),
        (seen("saving"), 0),
        (seen("active"), 1),
    ],
)
def test_an_image_is_marked_when_it_is_new_and_when_it_is_settled(shown: Sight, count: int) -> None:
    assert len(marks_due(WAITING, shown, DEPLOYMENT)) == count


@pytest.mark.parametrize(
    ("shown", "over"),
    [
        (sight(), False),
        (seen("active"), False),
        (seen("queued"), False),
        (seen("active", DEPLOYMENT), True),
        (seen("active", "ffffffffffff"), True),
        (seen("killed"), True),
        (seen("deleted"), True),
    ],
)
def test_what_says_whose_it_is_or_never_will_is_forgotten(shown: Sight, over: bool) -> None:  # noqa: FBT001
    assert marks_over(WAITING, shown, NOW) == ([Marked("image-1")] if over else [])


def test_no_mark_is_tried_for_ever() -> None:
    assert marks_over(WAITING, sight(), NOW + MARK_FOR) == []
    assert marks_over(WAITING, sight(), NOW + MARK_FOR + MINUTE) == [Marked("image-1")]


def test_a_mark_that_failed_keeps_since_when_it_is_tried() -> None:
    again = UNMARKED.model_copy(update={"since": NOW + HOUR, "failure": "IMG.0046"})
    (kept,) = changed(WAITING, [MarkLater("image-1", again)]).unmarked.values()
    assert (kept.since, kept.failure) == (NOW, "IMG.0046")


def test_the_image_of_an_intent_whose_answer_was_lost_is_marked_when_it_is_found() -> None:
    entry = under_way(image_id="")
    known = state(under_way={entry.image_name: entry})
    shown = image(status="saving", image_id="image-9")
    found = Sight(identity=IDENTITY, volumes={}, listed={shown.name: shown})
    changes = changes_of([settle(entry, found, NOW)], known, NOW)
    assert list(changed(known, changes).unmarked) == ["image-9"]


def test_an_image_that_is_ours_by_name_alone_is_followed_and_not_marked() -> None:
    """It could be another deployment's, which has not marked it yet."""
    stray = image(SLOT, "saving", image_id="image-7")
    ours = recognise(stray, IDENTITY, {DB: volume()})
    assert ours is not None
    entries = adopted(state(), [ours], {}, "run-2")
    changes = changes_of([settle(one, sight(stray), NOW) for one in entries], state(), NOW)
    followed: ExportState = changed(state(), changes)
    assert len(followed.under_way) == 1
    assert followed.unmarked == {}
