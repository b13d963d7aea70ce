"""Walking a listing to its end: a walk that is not surely whole is made again, three times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from volume_images.cloud.fields import Entry
from volume_images.cloud.session import CloudSession, Params
from volume_images.errors import IncompleteListing, NotFound, Refused

WALKS = 3
# 1,000 pages of 500 are far beyond any quota; more is a listing that does not end.
LONGEST_WALK_PAGES = 1_000


class Identified(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """The id under which the cloud knows it."""
        ...


T = TypeVar("T", bound=Identified)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; `following` asks for the next one and is None at the end.

    `total` is how many the whole listing holds, in the clouds that say so on each page.
    """

    items: Sequence[T]
    following: Params | None
    total: int | None = None


class _Broken(Exception):
    """This walk cannot be whole; another one may be."""


def whole_listing(
    session: CloudSession, start: tuple[str, Params], page: Callable[[Entry, Params], Page[T]]
) -> tuple[T, ...]:
    """Walk a listing from its address and first page, as a dialect reads its pages."""
    url, first = start
    return walk(lambda asked: page(session.read(url, asked), asked), first, f"GET {url}")


def walk(read: Callable[[Params], Page[T]], first: Params, where: str) -> tuple[T, ...]:
    """Return everything that a listing holds, each once.

    Raises IncompleteListing when every walk repeated something, went backwards or broke.
    """
    why = ""
    for _ in range(WALKS):
        try:
            return _walk_once(read, first)
        except _Broken as broken:
            why = str(broken)
    raise IncompleteListing(f"{where}: {why}, the last of {WALKS} walks; it is left alone for now")


def _walk_once(read: Callable[[Params], Page[T]], first: Params) -> tuple[T, ...]:
    page = read(first)
    seen = {item.id: item for item in page.items}
    for _ in range(LONGEST_WALK_PAGES):
        if page.following is None:
            return tuple(seen.values())
        asked, total = page.following, page.total
        try:
            page = read(asked)
        except (Refused, NotFound) as error:
            # The first page was answered: what is refused is the marker, deleted meanwhile.
            raise _Broken(f"a page was refused ({error.message})") from error
        if page.following == asked:
            raise _Broken("a page names itself as the next one")
        if page.total != total:
            raise _Broken("it changed while it was read")
        repeated = next((item.id for item in page.items if item.id in seen), None)
        if repeated is not None:
            raise _Broken(f"a page shows {repeated} again")
        seen.update((item.id, item) for item in page.items)
    raise _Broken(f"it has no end within {LONGEST_WALK_PAGES} pages")
