"""Images that people name: by an id, or by a name that several may have."""

from collections.abc import Iterable

from volume_images.errors import InputError


def refuse_namesakes(wanted: str, ids: Iterable[str]) -> None:
    """Raise InputError if these are the ids of several images: which one is meant is not known."""
    found = sorted(ids)
    if len(found) > 1:
        raise InputError(
            f"{wanted}: several images have this name: name one by its id: {', '.join(found)}"
        )
