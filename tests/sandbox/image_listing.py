"""Filters, order and pages of image listings."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tests.sandbox.things import SandboxImage, Visibility

SORT_KEYS: Mapping[str, Callable[[SandboxImage], Any]] = {
    "name": lambda image: image.name,
    "status": lambda image: str(image.status),
    "container_format": lambda image: image.container_format,
    "disk_format": lambda image: image.disk_format,
    "size": lambda image: image.size_bytes or 0,
    "id": lambda image: image.id,
    "created_at": lambda image: image.created_at.replace(microsecond=0),
    "updated_at": lambda image: image.updated_at.replace(microsecond=0),
}
TIMES: Mapping[str, Callable[[SandboxImage], datetime]] = {
    "created_at": lambda image: image.created_at,
    "updated_at": lambda image: image.updated_at,
}
OPERATORS: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}


Filter = Callable[[SandboxImage], bool]


class BadListing(ValueError):
    """An argument of a listing is refused; the message is Glance's."""


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key and whether it runs downwards."""

    key: str
    descending: bool


def visible(image: SandboxImage, project_id: str) -> bool:
    """Tell whether the project may read the image by its id."""
    return (
        image.owner == project_id
        or image.visibility in {Visibility.PUBLIC, Visibility.COMMUNITY}
        or (image.visibility is Visibility.SHARED and project_id in image.members)
    )


def listed(image: SandboxImage, project_id: str) -> bool:
    """Tell whether a listing without a visibility filter shows the image to the project."""
    foreign = image.owner != project_id
    return visible(image, project_id) and not (foreign and image.visibility is Visibility.COMMUNITY)


def one_of(wanted: str) -> Callable[[str], bool]:
    """Read `x` or `in:x,y`; compared as MySQL does: capitals make no difference."""
    if wanted.startswith("in:"):
        words = [word.strip().strip('"') for word in wanted.removeprefix("in:").split(",")]
    else:
        words = [wanted]
    choices = frozenset(word.casefold() for word in words)
    return lambda value: value.casefold() in choices


def at_time(wanted: str) -> Callable[[datetime], bool]:
    """Read `gte:2026-03-02T00:00:00Z`; compared at whole seconds. Raises BadListing."""
    name, colon, rest = wanted.partition(":")
    compare = OPERATORS.get(name)
    if compare is None:
        if colon and name.isalpha():
            raise BadListing("Unable to filter on a unknown operator.")
        compare, rest = operator.eq, wanted
    try:
        given = datetime.fromisoformat(rest)
    except ValueError as error:
        message = 'Bad "created_at" query filter format. Use ISO 8601 DateTime notation.'
        raise BadListing(message) from error
    limit = given if given.tzinfo else given.replace(tzinfo=UTC)
    return lambda moment: compare(moment.replace(microsecond=0), limit)


def whole_number(text: str | None, default: int) -> int:
    """Read a limit. Raises BadListing."""
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise BadListing("limit param must be an integer") from error
    if value < 0:
        raise BadListing("limit param must be positive")
    return value


def orders(arguments: Sequence[tuple[str, str]]) -> list[Order]:
    """Read `sort=name:asc,...` or the older sort_key and sort_dir. Raises BadListing."""
    new = [text for name, text in arguments if name == "sort"]
    keys = [text for name, text in arguments if name == "sort_key"]
    directions = [text for name, text in arguments if name == "sort_dir"]
    if new and (keys or directions):
        raise BadListing("Old and new sorting syntax cannot be combined")
    if new:
        pairs = [part.partition(":")[::2] for text in new for part in text.split(",")]
    else:
        keys = keys or ["created_at"]
        if len(directions) not in {0, 1, len(keys)}:
            raise BadListing("Number of sort dirs does not match the number of sort keys")
        missing = len(keys) - len(directions)
        directions += (directions[-1:] or ["desc"]) * missing
        pairs = list(zip(keys, directions, strict=True))
    return [_order(key.strip(), direction.strip() or "desc") for key, direction in pairs]


def in_order(images: Iterable[SandboxImage], wanted: Sequence[Order]) -> list[SandboxImage]:
    """Sort by the orders given, then by age and id, in the direction of the first."""
    keys = {order.key for order in wanted}
    last = [replace(wanted[0], key=key) for key in ("created_at", "id") if key not in keys]
    result = list(images)
    for order in reversed([*wanted, *last]):
        result.sort(key=SORT_KEYS[order.key], reverse=order.descending)
    return result


def after_marker(images: list[SandboxImage], marker: str | None) -> list[SandboxImage]:
    """Return what follows the marker. Raises BadListing when the listing does not have it."""
    if marker is None:
        return images
    ids = [image.id for image in images]
    if marker not in ids:
        raise BadListing(f"No image found with ID {marker}")
    return images[ids.index(marker) + 1 :]


def _order(key: str, direction: str) -> Order:
    if key not in SORT_KEYS:
        message = f"Invalid sort key: {key}. It must be one of the following: "
        raise BadListing(message + ", ".join(SORT_KEYS) + ".")
    if direction not in {"asc", "desc"}:
        raise BadListing(f"Invalid sort direction: {direction}")
    return Order(key, descending=direction == "desc")
