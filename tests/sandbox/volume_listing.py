"""Filters, order and pages of volume listings."""

import ast
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from tests.sandbox.answers import Refusal
from tests.sandbox.things import SandboxVolume
from tests.sandbox.wire import Request

MAX_PAGE = 1000
SORT_KEYS: Mapping[str, Callable[[SandboxVolume], str | int | datetime]] = {
    "id": lambda volume: volume.id,
    "status": lambda volume: volume.status,
    "size": lambda volume: volume.size_gib,
    "created_at": lambda volume: volume.created_at,
    "updated_at": lambda volume: volume.updated_at,
    "name": lambda volume: volume.name,
}
BadArgument = Callable[[str, str], Refusal]
"""Makes the dialect's refusal from the argument's name and what is wrong with it."""


def matching(
    volumes: Mapping[str, SandboxVolume], request: Request, bad: BadArgument
) -> list[SandboxVolume]:
    """Return the volumes that the request's filters let through, in its order."""
    tests: Mapping[str, Callable[[SandboxVolume, str], bool]] = {
        "name": lambda volume, text: volume.name == text,
        "status": lambda volume, text: volume.status == text,
        "availability_zone": lambda volume, text: volume.zone == text,
        "size": lambda volume, text: str(volume.size_gib) == text,
        "metadata": _has_metadata,
    }
    found = list(volumes.values())
    for name, text in request.arguments:
        if name in tests:
            found = [volume for volume in found if tests[name](volume, text)]
    key, _, direction = (request.argument("sort") or "").partition(":")
    key = key or request.argument("sort_key") or "created_at"
    direction = direction or request.argument("sort_dir") or "desc"
    if key not in SORT_KEYS:
        raise bad("sort_key", "Invalid sort key")
    if direction not in {"asc", "desc"}:
        raise bad("sort_dir", "Unknown sort direction, must be 'desc' or 'asc'.")
    sort_key = SORT_KEYS[key]
    return sorted(
        found, key=lambda volume: (sort_key(volume), volume.id), reverse=direction == "desc"
    )


def number(request: Request, name: str, default: int, bad: BadArgument) -> int:
    """Read an argument that counts from zero."""
    text = request.argument(name)
    if text is None:
        return default
    if not re.fullmatch("-?[0-9]+", text):
        raise bad(name, f"{name} param must be an integer")
    if text.startswith("-"):
        raise bad(name, f"{name} param must be positive")
    return int(text)


def page(
    found: list[SandboxVolume], *, marker: str | None, offset: int, limit: int
) -> list[SandboxVolume] | None:
    """Cut a page out; None when no volume of the listing is the marker."""
    start = 0
    if marker is not None:
        ids = [volume.id for volume in found]
        if marker not in ids:
            return None
        start = ids.index(marker) + 1
    return found[start + offset : start + offset + limit]


def _has_metadata(volume: SandboxVolume, text: str) -> bool:
    try:
        wanted = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return isinstance(wanted, dict) and all(
        volume.tags.get(key) == value for key, value in wanted.items()
    )
