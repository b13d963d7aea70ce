"""The families of clouds, and what their members can do; how they are spoken to is in `cloud`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class DiskFormat(StrEnum):
    """The disk formats that any dialect knows."""

    VHD = "vhd"
    ZVHD = "zvhd"
    ZVHD2 = "zvhd2"
    RAW = "raw"
    QCOW2 = "qcow2"
    VMDK = "vmdk"
    VDI = "vdi"
    VHDX = "vhdx"


class Dialect(StrEnum):
    """Which family of clouds an endpoint belongs to: they differ in paths, fields and defaults."""

    HUAWEI = "huawei"
    OPENSTACK = "openstack"

    @property
    def traits(self) -> "Traits":
        """Return what clouds of this family can do."""
        return _TRAITS[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What clouds of one family can do, by their documents.

    `default_format` is what they take when none is given; sent all the same, since documents
    disagree. `smallest_gib` and `largest_gib` are of volumes: to be made, and to be exported.
    `domains` are where their vendors serve what the config can name by a region alone.
    """

    disk_formats: tuple[DiskFormat, ...]
    default_format: DiskFormat
    smallest_gib: int
    largest_gib: int | None
    exports_in_jobs: bool
    knows_os_type: bool
    takes_access_keys: bool
    converts_encrypted: bool
    new_volumes_need_a_place: bool
    domains: tuple[str, ...]


_TRAITS: Mapping[Dialect, Traits] = {
    # EVS and IMS API references, "Constraints"; "Regions and Endpoints" of Huawei Cloud, of Huawei
    # Cloud Europe, and of Open Telekom Cloud
    Dialect.HUAWEI: Traits(
        disk_formats=(
            DiskFormat.VHD,
            DiskFormat.ZVHD,
            DiskFormat.ZVHD2,
            DiskFormat.RAW,
            DiskFormat.QCOW2,
        ),
        default_format=DiskFormat.VHD,
        smallest_gib=10,
        largest_gib=1024,
        exports_in_jobs=True,
        knows_os_type=True,
        takes_access_keys=True,
        converts_encrypted=True,
        new_volumes_need_a_place=True,
        domains=("myhuaweicloud.com", "myhuaweicloud.eu", "otc.t-systems.com"),
    ),
    # Cinder API reference. Cinder takes vhd, too, answers 202, and then fails; encrypted volumes
    # it uploads as they are, raw and bare, or not at all
    Dialect.OPENSTACK: Traits(
        disk_formats=(
            DiskFormat.RAW,
            DiskFormat.QCOW2,
            DiskFormat.VMDK,
            DiskFormat.VDI,
            DiskFormat.VHDX,
        ),
        default_format=DiskFormat.RAW,
        smallest_gib=1,
        largest_gib=None,
        exports_in_jobs=False,
        knows_os_type=False,
        takes_access_keys=False,
        converts_encrypted=False,
        new_volumes_need_a_place=False,
        domains=(),
    ),
}
