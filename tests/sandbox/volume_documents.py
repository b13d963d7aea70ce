"""Volumes as Cinder and EVS write them."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from tests.sandbox.export_options import ExportOptions
from tests.sandbox.things import Message, SandboxImage, SandboxVolume
from volume_images.dialect import Dialect

TYPE_CREATED = "2015-05-24T14:47:22.132268"


def instant(moment: datetime) -> str:
    """Write a time as block storage does: naive UTC with microseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def volume_document(
    volume: SandboxVolume, *, project_id: str, url: str, dialect: Dialect
) -> dict[str, Any]:
    """Write a volume in full; `url` is the service's, with its version."""
    huawei = dialect is Dialect.HUAWEI
    encrypted = {"__system__encrypted": "1" if volume.encrypted else "0"}
    metadata = {"hw:passthrough": "false", **encrypted} if huawei else dict(volume.tags)
    document: dict[str, Any] = {
        "id": volume.id,
        "status": volume.status,
        "size": volume.size_gib,
        "availability_zone": volume.zone,
        "created_at": instant(volume.created_at),
        "updated_at": instant(volume.updated_at),
        "name": volume.name,
        "description": volume.description or None,
        "volume_type": volume.volume_type,
        "snapshot_id": None,
        "source_volid": None,
        "metadata": metadata,
        "links": links(volume, project_id, url),
        "user_id": "f" * 32,
        "bootable": "true" if volume.bootable else "false",
        "encrypted": volume.encrypted,
        "replication_status": None,
        "consistencygroup_id": None,
        "multiattach": False,
        "attachments": _attachments(volume),
        "os-vol-tenant-attr:tenant_id": project_id,
    }
    if volume.image_metadata:
        document["volume_image_metadata"] = dict(volume.image_metadata)
    return document


def cloud_volume_document(volume: SandboxVolume, *, project_id: str, url: str) -> dict[str, Any]:
    """Write a volume as EVS's own calls do: tags and more besides."""
    document = volume_document(volume, project_id=project_id, url=url, dialect=Dialect.HUAWEI)
    return {
        **document,
        "description": volume.description,
        "tags": dict(volume.tags),
        "wwn": f"wwn-{volume.id[:8]}",
        "enterprise_project_id": "0",
        "service_type": "EVS",
        "serial_number": volume.id[:20],
        "iops": None,
        "throughput": None,
    }


def links(volume: SandboxVolume, project_id: str, url: str) -> list[dict[str, str]]:
    """Write a volume's two links."""
    root = url.rpartition("/")[0]
    return [
        {"rel": "self", "href": f"{url}/{project_id}/volumes/{volume.id}"},
        {"rel": "bookmark", "href": f"{root}/{project_id}/volumes/{volume.id}"},
    ]


def upload_document(
    volume: SandboxVolume, image: SandboxImage, options: ExportOptions, dialect: Dialect
) -> dict[str, Any]:
    """Write the 202 answer to an export."""
    document: dict[str, Any] = {
        "id": volume.id,
        "updated_at": instant(volume.updated_at),
        "status": volume.status,
        "display_description": volume.description,
        "size": volume.size_gib,
        "volume_type": _volume_type(volume, dialect),
        "image_id": image.id,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "image_name": image.name,
    }
    if dialect is Dialect.OPENSTACK:
        document["display_description"] = volume.description or None
        document["protected"] = options.protected
        document["visibility"] = options.visibility
    return document


def _volume_type(volume: SandboxVolume, dialect: Dialect) -> dict[str, Any]:
    huawei = dialect is Dialect.HUAWEI
    specs = {
        "volume_backend_name": f"<or> FusionStorage_{volume.volume_type}",
        "availability-zone": volume.zone,
        "RESKEY:availability_zones": volume.zone,
        "os-vendor-extended:sold_out_availability_zones": "",
    }
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"type.{volume.volume_type}")),
        "name": volume.volume_type,
        "description": "None" if huawei else "Default Volume Type",
        "is_public": True,
        "extra_specs": specs if huawei else {},
        "qos_specs_id": None,
        "created_at": TYPE_CREATED,
        "updated_at": TYPE_CREATED,
        "deleted_at": None,
        "deleted": False,
    }


def _attachments(volume: SandboxVolume) -> list[dict[str, Any]]:
    if not volume.server_id:
        return []
    return [
        {
            "id": volume.id,
            "attachment_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, volume.id)),
            "volume_id": volume.id,
            "server_id": volume.server_id,
            "host_name": None,
            "device": volume.device or "/dev/vdb",
            "attached_at": instant(volume.created_at),
        }
    ]


def message_document(message: Message, url: str) -> dict[str, Any]:
    """Write what Cinder tells of a failed export; `url` is the project's."""
    return {
        "id": message.id,
        "event_id": "VOLUME_VOLUME_003_004",
        "user_message": "copy volume to image:Failed to upload volume to image at backend.",
        "message_level": "ERROR",
        "created_at": instant(message.created_at),
        "guaranteed_until": instant(message.created_at + timedelta(days=30)),
        "request_id": message.request_id,
        "links": [{"rel": "self", "href": f"{url}/messages/{message.id}"}],
        "resource_type": "VOLUME",
        "resource_uuid": message.volume_id,
    }
