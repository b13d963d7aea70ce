"""Creating and removing volumes, as Cinder and EVS (in Cinder's form) answer it."""

from collections.abc import Mapping
from typing import Any

from tests.sandbox.answers import Refusal, cinder_error
from tests.sandbox.image_listing import visible
from tests.sandbox.things import SandboxVolume
from tests.sandbox.wire import Answer, BadJson, Request
from tests.sandbox.world import World
from volume_images.model import ImageStatus

DELETABLE = frozenset({"available", "error", "error_restoring", "error_extending"})
SMALLEST_GIB_OF_EVS = 10


def create(request: Request, world: World, smallest_gib: int) -> SandboxVolume:
    """Create what the request asks for. Raises Refusal."""
    given = _fields(request)
    size_gib = given.get("size")
    if isinstance(size_gib, bool) or not isinstance(size_gib, int) or size_gib < smallest_gib:
        raise cinder_error(400, "badRequest", f"Invalid volume size: {size_gib!r}")
    image_id = given.get("imageRef")
    image = world.images.get(image_id) if isinstance(image_id, str) else None
    if image_id is not None and (image is None or not visible(image, world.project_id)):
        message = "Invalid image identifier or unable to access requested image."
        raise cinder_error(400, "badRequest", message)
    if image is not None and image.status != ImageStatus.ACTIVE:
        raise cinder_error(
            400, "badRequest", f"Invalid input received: Image {image.id} is not active."
        )
    if image is not None and image.min_disk_gib > size_gib:
        message = (
            f"Invalid input received: Volume size {size_gib}GB cannot be smaller than the image"
            f" minDisk size {image.min_disk_gib}GB."
        )
        raise cinder_error(400, "badRequest", message)
    return world.create_volume(
        name=str(given.get("name") or ""),
        size_gib=size_gib,
        zone=str(given.get("availability_zone") or ""),
        volume_type=str(given.get("volume_type") or ""),
        image=image,
    )


def remove(volume: SandboxVolume, world: World) -> Answer:
    """Remove a volume that nothing uses. Raises Refusal."""
    if volume.status not in DELETABLE:
        message = (
            "Invalid volume: Volume status must be available or error or error_restoring or"
            " error_extending and must not be migrating, attached, belong to a group, have"
            " snapshots or be disassociated from snapshots after volume transfer."
        )
        raise cinder_error(400, "badRequest", message)
    world.forget_volume(volume.id)
    return Answer(202, b"", {"Content-Type": "application/json"})


def _fields(request: Request) -> Mapping[str, Any]:
    try:
        body = request.json()
    except BadJson as error:
        raise _malformed() from error
    given = body.get("volume") if isinstance(body, Mapping) else None
    if not isinstance(given, Mapping):
        raise _malformed()
    return given


def _malformed() -> Refusal:
    return cinder_error(400, "badRequest", "Malformed request body")
