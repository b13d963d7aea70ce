"""Everything is read again before it is deleted; what changed is left, and an outage ends it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from volume_images.cleanup.deleting import Permit, delete_due
from volume_images.cleanup.due import Deletion, DueGroup, Standing
from volume_images.cleanup.outcomes import Attempt
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    NotFound,
    Refused,
    Throttled,
)
from volume_images.model import Image, RestorePin
from volume_images.report import ImageResult

NOW = datetime(2026, 3, 10, tzinfo=UTC)
STANDING = Standing(NOW - timedelta(days=3), NOW, "expired")


def listed(image_id: str) -> Image:
    return Image(
        id=image_id,
        name=f"name-{image_id}",
        status="active",
        owner="us",
        created_at=NOW,
        virtual_bytes=1,
    )


OLD, OLDER, FLOOR, WINNER = (listed(name) for name in ("old", "older", "floor", "winner"))


class Shelf:
    """Images in memory; `errors` are what reading (`get`) or deleting (`delete`) one answers."""

    def __init__(
        self, *images: Image, errors: Mapping[tuple[str, str], CloudError] | None = None
    ) -> None:
        self.images = {image.id: image for image in images}
        self.shared: set[str] = set()
        self.errors = errors or {}
        self.asked: list[tuple[str, str]] = []

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        return [one for one in self.images.values() if one.created_at >= (created_since or NOW)]

    def get(self, image_id: str) -> Image | None:
        self._ask("get", image_id)
        return self.images.get(image_id)

    def members(self, image_id: str) -> Sequence[str]:
        self._ask("members", image_id)
        return ("somebody",) if image_id in self.shared else ()

    def delete(self, image_id: str) -> bool:
        self._ask("delete", image_id)
        return self.images.pop(image_id, None) is not None

    def _ask(self, what: str, image_id: str) -> None:
        self.asked.append((what, image_id))
        if (what, image_id) in self.errors:
            raise self.errors[what, image_id]


def group(*images: Image, winner: Image | None = None) -> DueGroup:
    return DueGroup(
        (FLOOR,),
        tuple(Deletion(image, winner, STANDING) for image in images),
    )


def permit() -> Permit:
    return Permit(lambda: True)


def delete(shelf: Shelf, *groups: DueGroup, allowed: Permit | None = None) -> tuple[Attempt, ...]:
    return delete_due(shelf, groups, allowed or permit(), at_once=1)


def test_the_floor_is_read_again_first_then_each_image_right_before_its_delete() -> None:
    shelf = Shelf(OLD, OLDER, FLOOR)

    attempts = delete(shelf, group(OLDER, OLD))

    assert attempts == (
        Attempt("older", ImageResult.DELETED, "expired"),
        Attempt("old", ImageResult.DELETED, "expired"),
    )
    assert shelf.asked == [
        ("get", "floor"),
        ("get", "older"),
        ("members", "older"),
        ("delete", "older"),
        ("get", "old"),
        ("members", "old"),
        ("delete", "old"),
    ]


@pytest.mark.parametrize(
    ("floor", "said"),
    [
        ((), "floor image floor changed: not found"),
        ((replace(FLOOR, status="deactivated"),), "floor image floor changed: status"),
        ((replace(FLOOR, owner="x", name="y"),), "floor image floor changed: name, owner"),
    ],
)
def test_nothing_of_a_group_is_deleted_when_its_floor_changed(
    floor: tuple[Image, ...], said: str
) -> None:
    shelf = Shelf(OLD, OLDER, *floor)

    attempts = delete(shelf, group(OLD, OLDER))

    assert attempts == (
        Attempt("old", ImageResult.NOT_DELETED, said),
        Attempt("older", ImageResult.NOT_DELETED, said),
    )
    assert shelf.images.keys() >= {"old", "older"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "renamed"}, "name"),
        ({"owner": "them"}, "owner"),
        ({"status": "saving"}, "status"),
        ({"virtual_bytes": 2}, "virtual_bytes"),
        ({"size_bytes": 2}, "size_bytes"),
        ({"min_disk_gib": 2}, "min_disk_gib"),
        ({"protected": True}, "protected"),
        ({"pinned": True}, "pinned"),
        ({"deployment": "ffffffffffff"}, "deployment"),
    ],
)
def test_an_image_that_changed_since_it_was_listed_is_left_and_the_others_go_on(
    change: dict[str, object], said: str
) -> None:
    shelf = Shelf(replace(OLD, **change), OLDER, FLOOR)

    attempts = delete(shelf, group(OLD, OLDER))

    assert attempts == (
        Attempt("old", ImageResult.CHANGED, f"changed: {said}"),
        Attempt("older", ImageResult.DELETED, "expired"),
    )


def test_an_image_with_members_is_never_deleted() -> None:
    shelf = Shelf(OLD, FLOOR)
    shelf.shared.add("old")

    assert delete(shelf, group(OLD)) == (Attempt("old", ImageResult.CHANGED, "members"),)


@pytest.mark.parametrize(
    ("shelf", "reason"),
    [
        (Shelf(FLOOR), "not found"),
        (Shelf(FLOOR, replace(OLD, status="pending_delete")), "pending_delete"),
    ],
)
def test_an_image_that_is_not_there_any_more_counts_as_gone(shelf: Shelf, reason: str) -> None:
    assert delete(shelf, group(OLD)) == (Attempt("old", ImageResult.GONE, reason),)


def test_a_delete_that_finds_nothing_counts_as_gone() -> None:
    class Racing(Shelf):
        def members(self, image_id: str) -> Sequence[str]:
            del self.images[image_id]
            return super().members(image_id)

    assert delete(Racing(OLD, FLOOR), group(OLD)) == (
        Attempt("old", ImageResult.GONE, "not found"),
    )


@pytest.mark.parametrize(
    ("winner", "said"),
    [((), "not found"), ((replace(WINNER, status="deactivated"),), "status")],
)
def test_a_duplicate_stays_when_the_image_that_has_its_slot_changed(
    winner: tuple[Image, ...], said: str
) -> None:
    shelf = Shelf(OLD, FLOOR, *winner)

    attempts = delete(shelf, group(OLD, winner=WINNER))

    assert attempts == (
        Attempt("old", ImageResult.NOT_DELETED, f"kept image winner changed: {said}"),
    )
    assert "old" in shelf.images


def test_a_duplicate_goes_while_the_image_that_has_its_slot_is_as_it_was() -> None:
    shelf = Shelf(OLD, FLOOR, WINNER)

    attempts = delete(shelf, group(OLD, winner=WINNER))

    assert attempts == (Attempt("old", ImageResult.DELETED, "expired"),)
    assert shelf.asked[-2:] == [("get", "winner"), ("delete", "old")]


def test_an_image_that_vanishes_while_its_members_are_read_counts_as_gone() -> None:
    shelf = Shelf(OLD, FLOOR, errors={("members", "old"): NotFound("no such image", status=404)})

    assert delete(shelf, group(OLD)) == (Attempt("old", ImageResult.GONE, "404: no such image"),)


def test_a_refusal_concerns_one_image_and_the_others_go_on() -> None:
    shelf = Shelf(OLD, OLDER, FLOOR, errors={("delete", "old"): Refused("in use", status=409)})

    attempts = delete(shelf, group(OLD, OLDER))

    assert attempts == (
        Attempt("old", ImageResult.NOT_DELETED, "409: in use"),
        Attempt("older", ImageResult.DELETED, "expired"),
    )


def test_a_floor_that_cannot_be_read_stops_its_group_and_no_other() -> None:
    other = DueGroup((), group(OLDER).deletions)
    shelf = Shelf(OLD, OLDER, FLOOR, errors={("get", "floor"): Refused("no", status=403)})

    attempts = delete(shelf, group(OLD), other)

    assert attempts == (
        Attempt("old", ImageResult.NOT_DELETED, "floor not read: 403: no"),
        Attempt("older", ImageResult.DELETED, "expired"),
    )


@pytest.mark.parametrize(
    "outage",
    [CloudUnavailable("down"), Throttled("slow down"), CredentialError("refused")],
)
@pytest.mark.parametrize("where", [("get", "old"), ("delete", "old"), ("get", "floor")])
def test_an_outage_ends_the_deletions_of_this_cloud(
    outage: CloudError, where: tuple[str, str]
) -> None:
    shelf = Shelf(OLD, OLDER, FLOOR, errors={where: outage})
    allowed = permit()

    attempts = delete(shelf, group(OLD, OLDER), group(OLDER), allowed=allowed)

    expected = (
        () if where[1] == "floor" else (Attempt("old", ImageResult.NOT_DELETED, str(outage)),)
    )
    assert attempts == expected
    assert allowed.ended_by is outage
    assert "older" in shelf.images


def test_nothing_begins_after_its_time() -> None:
    shelf = Shelf(OLD, OLDER, FLOOR)
    in_time = iter([True, True, False])

    attempts = delete(shelf, group(OLD, OLDER), allowed=Permit(lambda: next(in_time)))

    assert attempts == (Attempt("old", ImageResult.DELETED, "expired"),)


def test_an_image_whose_restore_has_begun_meanwhile_is_left() -> None:
    pinned = replace(OLD, restore_pins=(RestorePin(NOW, "run"),))
    assert delete(Shelf(pinned, FLOOR), group(OLD)) == (
        Attempt("old", ImageResult.CHANGED, "changed: being restored"),
    )


def test_a_floor_may_be_restored_and_an_overdue_pin_may_go_meanwhile() -> None:
    floor = replace(FLOOR, restore_pins=(RestorePin(NOW, "run"),))
    overdue = replace(OLD, restore_pins=(RestorePin(NOW - timedelta(days=8), "killed"),))
    assert delete(Shelf(OLD, floor), group(overdue)) == (
        Attempt("old", ImageResult.DELETED, "expired"),
    )
