"""Making one volume of one image: pinned meanwhile, created once, followed until it is there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    LostAnswer,
    Refused,
    Throttled,
    VolumeImagesError,
)
from volume_images.model import Image, ImageStatus, NewVolume, RestorePin, Volume, VolumeStatus
from volume_images.patience import Patience
from volume_images.protocols import Clock, RestoreCloud

HOUR = 3600.0
MINUTE = 60.0
PATIENCE = HOUR
PATIENCE_PER_GIB = MINUTE
SHOWS_WITHIN = 2 * MINUTE
"""A volume shows in listings this long after it was asked for, or never will."""


class RestoreFailed(VolumeImagesError):
    """No volume came of an image; the message says what there is of it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How a new volume is, so many seconds after it was asked for."""

    volume_id: str
    status: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """Who makes a volume, where, and who hears of it.

    `may_wait` is asked at each look: False ends the wait. `warn` hears what a person should know,
    `tell` each look at the volume.
    """

    cloud: RestoreCloud
    clock: Clock
    run_id: str
    warn: Callable[[str], None]
    tell: Callable[[Progress], None] = lambda _: None
    may_wait: Callable[[], bool] = lambda: True


def make_volume(making: Making, image: Image, new: NewVolume) -> Volume:
    """Make a volume of an image, which is pinned until that is done, has failed or is stopped.

    Raises RestoreFailed and CloudError.
    """
    with _pinned(making, image):
        return _followed(making, _created(making, new), new)


def patience_for(size_gib: int) -> float:
    """Return how many seconds a new volume is waited for, at the most."""
    return PATIENCE + PATIENCE_PER_GIB * size_gib


@contextmanager
def _pinned(making: Making, image: Image) -> Iterator[None]:
    """Keep cleanup from deleting an image that is being read.

    Who may not tag restores all the same: that the volume comes back matters more.
    """
    images = making.cloud.images
    pin = RestorePin.parse(making.run_id)
    assert pin is not None
    refused = False
    try:
        try:
            images.set_restore_pin(image.id, pin)
        except CloudError as error:
            refused = isinstance(error, CredentialError | Refused)
            making.warn(f"image {image.id} is not pinned, cleanup may delete it meanwhile: {error}")
        _check_it_is_there(making, image)
        yield
    finally:
        if not refused:
            _unpin(making, image, pin)


def _check_it_is_there(making: Making, image: Image) -> None:
    """Look once more: cleanup may have been quicker than the pin."""
    now = making.cloud.images.get(image.id)
    if now is None or now.status != ImageStatus.ACTIVE:
        said = f"its status is {now.status}" if now else "it was deleted"
        raise RestoreFailed(f"image {image.id}: {said} meanwhile: restore another one")


def _unpin(making: Making, image: Image, pin: RestorePin) -> None:
    try:
        making.cloud.images.drop_restore_pin(image.id, pin)
    except CloudError as error:
        making.warn(f"image {image.id} stays pinned for 7 days: the pin cannot be removed: {error}")


def _created(making: Making, new: NewVolume) -> str:
    """POST the volume once; where the answer is lost, its name says whether it was carried out."""
    try:
        return making.cloud.restoring.create(new)
    except LostAnswer as lost:
        for _ in Patience(making.clock, SHOWS_WITHIN).tries():
            found = _ids_named(making.cloud, new.name)
            if found:
                return found[0]
        raise RestoreFailed(
            f"volume {new.name}: the cloud's answer was lost, and no volume of this name shows:"
            f" look for it before you restore again ({lost})"
        ) from lost


def _ids_named(cloud: RestoreCloud, name: str) -> list[str]:
    try:
        return [volume.id for volume in cloud.volumes.all() if volume.name == name]
    except CloudError:
        return []  # the next look may be luckier, and another POST is no way out


def _followed(making: Making, volume_id: str, new: NewVolume) -> Volume:
    """Look at a new volume until it is available; one that failed is left to be looked at."""
    patience = patience_for(new.size_gib)
    for seconds in Patience(making.clock, patience).tries():
        volume = _seen(making.cloud, volume_id, seconds)
        if volume is not None:
            making.tell(Progress(volume_id, volume.status, seconds))
            if volume.status == VolumeStatus.AVAILABLE:
                return volume
            if volume.status.startswith("error"):
                raise RestoreFailed(
                    f"volume {volume_id}: ended in status {volume.status}: the cloud could not make"
                    f" it of image {new.image_id}"
                )
        if not making.may_wait():
            raise RestoreFailed(f"volume {volume_id}: not available after {seconds:.0f} s")
    raise RestoreFailed(f"volume {volume_id}: not available after {patience:.0f} s")


def _seen(cloud: RestoreCloud, volume_id: str, seconds: float) -> Volume | None:
    """Look at a new volume; a cloud that is away for a moment is asked again."""
    try:
        volume = cloud.volumes.get(volume_id)
    except (CloudUnavailable, Throttled):
        return None
    if volume is None and seconds > SHOWS_WITHIN:
        raise RestoreFailed(f"volume {volume_id}: it was deleted while it was made")
    return volume
