"""Filters, order and pages of image listings."""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.sandbox.world import SandboxImage, Visibility

SORT_KEYS = (
    "name",
    "status",
    "container_format",
    "disk_format",
    "size",
    "id",
    "created_at",
    "updated_at",
)
OPERATORS: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}


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


def is_one_of(value: str, wanted: str) -> bool:
    """Compare with `x` or `in:x,y`, as MySQL does: capitals make no difference."""
    if wanted.startswith("in:"):
        choices = [choice.strip().strip('"') for choice in wanted.removeprefix("in:").split(",")]
    else:
        choices = [wanted]
    return value.casefold() in {choice.casefold() for choice in choices}


def at_time(moment: datetime, wanted: str) -> bool:
    """Compare with `gte:2026-03-02T00:00:00Z` at whole seconds. Raises BadListing."""
    name, colon, rest = wanted.partition(":")
    compare = OPERATORS.get(name)
    if compare is None:
        if colon and name.isalpha():
            raise BadListing("Unable to filter on a unknown operator.")
        compare, rest = operator.eq, wanted
    try:
        other = datetime.fromisoformat(rest)
    except ValueError as error:
        message = 'Bad "created_at" query filter format. Use ISO 8601 DateTime notation.'
        raise BadListing(message) from error
    other = other if other.tzinfo else other.replace(tzinfo=UTC)
    return compare(moment.replace(microsecond=0), other)


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
    last = replace(wanted[0], key="created_at"), replace(wanted[0], key="id")
    result = list(images)
    for order in reversed([*wanted, *last]):
        result.sort(key=_sort_key(order.key), reverse=order.descending)
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


def _sort_key(name: str) -> Callable[[SandboxImage], tuple[str, int, datetime]]:
    def key(image: SandboxImage) -> tuple[str, int, datetime]:
        text, number, moment = "", 0, datetime.min.replace(tzinfo=UTC)
        match name:
            case "size":
                number = image.size_bytes or 0
            case "created_at":
                moment = image.created_at.replace(microsecond=0)
            case "updated_at":
                moment = image.updated_at.replace(microsecond=0)
            case _:
                text = str(getattr(image, name))
        return text, number, moment

    return key
