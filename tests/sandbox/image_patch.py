"""JSON patches of images: `[{"op": "replace", "path": "/name", "value": "x"}]`."""

from typing import Any

from tests.sandbox.things import SandboxImage, Visibility

READ_ONLY = frozenset(
    {
        "id",
        "owner",
        "status",
        "size",
        "virtual_size",
        "checksum",
        "created_at",
        "updated_at",
        "self",
        "file",
        "schema",
        "os_hash_algo",
        "os_hash_value",
        "stores",
        "direct_url",
    }
)

TYPED = frozenset({"name", "protected", "visibility", "tags"})


class BadPatch(ValueError):
    """A patch is refused, with this HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def apply_patch(image: SandboxImage, changes: object) -> None:
    """Apply every change to the image. Raises BadPatch."""
    if not isinstance(changes, list):
        raise BadPatch(400, "Request body must be a JSON array of operation objects.")
    for change in changes:
        match change:
            case {"op": "add" | "replace" as operation, "path": str(path), "value": value}:
                _put(image, path.removeprefix("/"), value, must_exist=operation == "replace")
            case {"op": "remove", "path": str(path)}:
                _remove(image, path.removeprefix("/"))
            case _:
                raise BadPatch(400, "Operations must be add, replace or remove, with a path.")


def _put(image: SandboxImage, name: str, value: Any, *, must_exist: bool) -> None:  # noqa: ANN401
    match name, value:
        case "name", str():
            image.name = value
        case "protected", bool():
            image.protected = value
        case "visibility", str() if value in set(Visibility):
            image.visibility = Visibility(value)
        case "tags", list():
            image.tags = [str(tag) for tag in value]
        case _ if name in READ_ONLY:
            raise BadPatch(403, f"Attribute '{name}' is read-only.")
        case _ if name in TYPED or not isinstance(value, str):
            raise BadPatch(400, f"Invalid value for '{name}'.")
        case _ if must_exist and name not in image.properties:
            raise BadPatch(409, f"Property {name} does not exist.")
        case _:
            image.properties[name] = value


def _remove(image: SandboxImage, name: str) -> None:
    if name in READ_ONLY:
        raise BadPatch(403, f"Attribute '{name}' is read-only.")
    if name not in image.properties:
        raise BadPatch(409, f"Property {name} does not exist.")
    del image.properties[name]
