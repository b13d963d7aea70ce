"""Images that people name: by an id, or by a name that several may have, or none."""

from collections.abc import Iterable
from typing import NoReturn

from volume_images.errors import CloudUnavailable, InputError

NONE_OF_OURS = "no image of this name or id carries a name and an owner of ours"


def refuse_namesakes(wanted: str, ids: Iterable[str]) -> None:
    """Raise InputError if these are the ids of several images: which one is meant is not known."""
    found = sorted(ids)
    if len(found) > 1:
        raise InputError(
            f"{wanted}: several images have this name: name one by its id: {', '.join(found)}"
        )


def refuse_absent(wanted: str, unseen: Iterable[str], why: str = NONE_OF_OURS) -> NoReturn:
    """Raise for an image that was not found; `unseen` are the clouds not looked at, each with why.

    Raises CloudUnavailable if it may be in one of them, and InputError if it is nowhere.
    """
    if elsewhere := "; ".join(unseen):
        raise CloudUnavailable(f"{wanted}: not found, but not looked at: {elsewhere}")
    raise InputError(f"{wanted}: {why}")
