"""Images as Glance and IMS write them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from tests.sandbox.things import SandboxImage, Visibility
from volume_images.model import ImageStatus


def instant(moment: datetime) -> str:
    """Write a time as image services do: whole seconds and a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def glance_document(image: SandboxImage) -> dict[str, Any]:
    """Write an image as Glance v2 does."""
    active = image.status == ImageStatus.ACTIVE
    document: dict[str, Any] = {
        **image.properties,
        "name": image.name,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility,
        "size": image.size_bytes,
        "virtual_size": image.virtual_bytes,
        "status": image.status,
        "checksum": _digest("md5", image) if active else None,
        "protected": image.protected,
        "min_ram": 0,
        "min_disk": image.min_disk_gib,
        "owner": image.owner,
        "os_hidden": False,
        "os_hash_algo": "sha512" if active else None,
        "os_hash_value": _digest("sha512", image) if active else None,
        "id": image.id,
        "created_at": instant(image.created_at),
        "updated_at": instant(image.updated_at),
        "tags": list(image.tags),
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }
    if active:
        document["stores"] = "files"
    return document


def ims_document(image: SandboxImage, project_id: str) -> dict[str, Any]:
    """Write an image as IMS does: numbers as strings, tags as `key=value`."""
    document: dict[str, Any] = {
        "__os_type": "Linux",
        **image.properties,
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "owner": image.owner,
        "created_at": instant(image.created_at),
        "updated_at": instant(image.updated_at),
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility,
        "protected": image.protected,
        "min_disk": image.min_disk_gib,
        "min_ram": 0,
        "max_ram": "",
        "tags": list(image.tags),
        "virtual_env_type": "FusionCompute",
        "enterprise_project_id": "0",
        "tag_resource_type": "private_image",
        "__imagetype": image_type(image, project_id),
        "__image_source_type": "uds",
        "__isregistered": "True",
        "__os_bit": "64",
        "__platform": "Other",
        "__support_kvm": "true",
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }
    if image.status == ImageStatus.ACTIVE:
        document["active_at"] = instant(image.updated_at)
        document["size"] = 18  # not the image's size: a real listing has such small numbers
        document["__image_size"] = str(image.size_bytes or 0)
        document["checksum"] = _digest("md5", image)
    return document


def image_type(image: SandboxImage, project_id: str) -> str:
    """Say what IMS calls `__imagetype`, as this project sees it."""
    if image.owner == project_id:
        return "private"
    return "gold" if image.visibility is Visibility.PUBLIC else "shared"


def member_document(image: SandboxImage, member: str) -> dict[str, Any]:
    """Write one project that an image is shared with."""
    return {
        "member_id": member,
        "image_id": image.id,
        "status": "accepted",
        "created_at": instant(image.created_at),
        "updated_at": instant(image.created_at),
        "schema": "/v2/schemas/member",
    }


def _digest(algorithm: str, image: SandboxImage) -> str:
    """Hash what stands for the stored bytes; an image that was planted has bytes of its own."""
    stored = f"{image.disk_format} {image.size_bytes} {image.content or image.id}"
    return hashlib.new(algorithm, stored.encode(), usedforsecurity=False).hexdigest()
