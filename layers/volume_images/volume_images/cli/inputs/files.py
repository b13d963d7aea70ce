"""Files that a person names: read whole, up to a limit."""

import json
from pathlib import Path
from typing import Any

from volume_images.errors import InputError


def read_file(path: Path, limit: int) -> bytes:
    """Read at most `limit` bytes. Raises InputError."""
    try:
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(body) > limit:
        raise InputError(f"{path}: larger than {limit} bytes")
    return body


def read_json(path: Path, limit: int) -> Any:  # noqa: ANN401 - JSON
    """Read a JSON document of at most `limit` bytes. Raises InputError."""
    try:
        return json.loads(read_file(path, limit))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
