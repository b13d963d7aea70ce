"""A listing is whole, or it is an error: never a part of it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volume_images.cloud import listings
from volume_images.cloud.listings import Page, walk
from volume_images.cloud.session import Params
from volume_images.errors import CloudUnavailable, IncompleteListing, NotFound, Refused


@dataclass(frozen=True)
class Thing:
    id: str


def things(names: str) -> list[Thing]:
    return [Thing(name) for name in names]


def page(names: str, following: str | None = None, total: int | None = None) -> Page[Thing]:
    return Page(things(names), None if following is None else {"marker": following}, total)


def reader(*pages: Page[Thing] | Exception) -> Callable[[Params], Page[Thing]]:
    script = list(pages)

    def read(_: Params) -> Page[Thing]:
        step = script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    return read


def names(*pages: Page[Thing] | Exception) -> str:
    return "".join(thing.id for thing in walk(reader(*pages), {}, "GET things"))


def test_pages_are_walked_to_the_end() -> None:
    assert names(page("ab", "b"), page("c", "c"), page("")) == "abc"


def test_a_listing_may_be_empty() -> None:
    assert names(page("")) == ""


@pytest.mark.parametrize(
    "broken",
    [
        [page("ab", "b"), page("ab", "b")],
        [page("ab", "b"), page("bc", "c")],
        [page("ab", "b"), page("cd", "d"), page("a")],
        [page("ab", "b"), page("c", "b")],
        [page("ab", "b"), Refused("marker deleted", status=400)],
        [page("ab", "b"), NotFound("marker deleted", status=404)],
        [page("ab", "2", total=3), page("c", total=4)],
    ],
    ids=["same page", "overlap", "backwards", "same marker", "400", "404", "count changed"],
)
def test_a_broken_walk_is_made_again_three_times(broken: list[Page[Thing] | Exception]) -> None:
    whole = [page("ab", "b"), page("c")]
    assert names(*broken, *whole) == "abc"
    assert names(*broken, *broken, *whole) == "abc"
    with pytest.raises(IncompleteListing, match=r"GET things: .*the last of 3 walks"):
        names(*broken, *broken, *broken, *whole)


def test_a_refused_first_page_is_a_refusal_and_no_broken_walk() -> None:
    with pytest.raises(Refused):
        names(Refused("no right to list", status=403))


def test_a_dead_cloud_ends_the_walk_at_once() -> None:
    with pytest.raises(CloudUnavailable):
        names(page("a", "a"), CloudUnavailable("down"))


def test_a_listing_without_an_end_is_left() -> None:
    count = 0

    def endless(_: Params) -> Page[Thing]:
        nonlocal count
        count += 1
        return Page([], {"marker": str(count)})

    with pytest.raises(IncompleteListing, match="no end within 1000 pages"):
        walk(endless, {}, "GET things")
    assert count == listings.WALKS * (listings.LONGEST_WALK_PAGES + 1)


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=60), st.integers(1, 9))
def test_every_thing_is_there_once_whatever_the_page_size(ids: list[int], size: int) -> None:
    def read(asked: Params) -> Page[Thing]:
        start = int(asked.get("offset", "0"))
        items = [Thing(str(each)) for each in ids[start : start + size]]
        following = {"offset": str(start + size)} if items else None
        return Page(items, following, len(ids))

    assert [int(thing.id) for thing in walk(read, {}, "GET things")] == ids
