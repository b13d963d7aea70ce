"""How an export may end, for its image and for its volume."""

from dataclasses import dataclass
from enum import StrEnum


class ImageFate(StrEnum):
    """What becomes of the image that an export writes."""

    ACTIVE = "active"
    FAILED = "failed"
    """It is gone at the end, and Cinder has a message about that: how exports fail there."""

    KILLED = "killed"
    """It is there, with the status `killed`."""

    VANISHED = "vanished"
    """It is gone at the end, and nothing says why."""

    STUCK = "stuck"
    """It never ends."""


class VolumeFate(StrEnum):
    """What becomes of the volume."""

    RELEASED = "released"
    UPLOADING = "uploading"
    """It never leaves that status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How an export ends; `seconds` is how long it takes, None for what the world has set."""

    image: ImageFate = ImageFate.ACTIVE
    volume: VolumeFate = VolumeFate.RELEASED
    seconds: float | None = None


GOOD = Fate()
