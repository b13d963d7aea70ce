"""Bytes that went into a volume come out of its image, and back into a new volume."""

import hashlib
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.openstack_site import IMAGES
from tests.openstack.run_site import RunSite, last_nights, made, slot_of, wait_until_gone
from volume_images.model import ImageStatus, NewVolume, VolumeStatus

pytestmark = pytest.mark.openstack

GIB = 1024**3
KNOWN_BYTES = 1024 * 1024


def test_a_raw_image_and_a_volume_made_of_it_are_the_volume_byte_by_byte(runs: RunSite) -> None:
    volume_id, image = exported_with_known_bytes(runs, "raw")
    assert (image["size"], image["virtual_size"]) == (GIB, GIB)
    assert image["os_hash_value"] == sha512(runs.bytes_of(volume_id))
    a_volume_made_of_it_is_the_first_one(runs, volume_id, image)


def test_a_qcow2_image_and_a_volume_made_of_it_hold_the_bytes_of_the_volume(
    runs: RunSite, tmp_path: Path
) -> None:
    volume_id, image = exported_with_known_bytes(runs, "qcow2")
    downloaded = download(runs, image["id"], tmp_path / "image.qcow2")
    assert sha512(downloaded) == image["os_hash_value"]
    assert downloaded.stat().st_size == image["size"] < image["virtual_size"] == GIB
    compare = ["qemu-img", "compare", "-f", "qcow2", "-F", "raw"]
    subprocess.run([*compare, downloaded, runs.bytes_of(volume_id)], check=True)
    a_volume_made_of_it_is_the_first_one(runs, volume_id, image)


def exported_with_known_bytes(runs: RunSite, disk_format: str) -> tuple[str, dict[str, Any]]:
    """Export a volume; return its id and the image."""
    volume_id = runs.cloud.volumes[2]
    runs.configure({volume_id: "db01-log"}, disk_format)
    [slot] = last_nights(1)
    write_known_bytes(runs.bytes_of(volume_id))
    runs.export(slot)
    [image] = runs.images()
    assert (image["status"], image["disk_format"]) == (ImageStatus.ACTIVE, disk_format)
    assert slot_of(image) == slot
    assert image["os_hash_algo"] == "sha512"
    return volume_id, image


def a_volume_made_of_it_is_the_first_one(
    runs: RunSite, volume_id: str, image: dict[str, Any]
) -> None:
    cloud = runs.cloud_to_restore()
    wanted = NewVolume(name="restored", size_gib=1, image_id=image["id"])
    restored = made(cloud, cloud.restoring.create(wanted))
    assert (restored.status, restored.size_gib) == (VolumeStatus.AVAILABLE, 1)
    copy = runs.bytes_of(restored.id)
    assert copy.stat().st_size == GIB
    assert sha512(copy) == sha512(runs.bytes_of(volume_id))

    assert cloud.restoring.delete(restored.id)
    wait_until_gone(cloud, restored.id)
    assert not copy.exists()
    assert not cloud.restoring.delete(restored.id)


def write_known_bytes(volume: Path) -> None:
    """Write bytes that no image can hold yet, as a server would that has the volume attached."""
    with volume.open("r+b") as file:
        file.write(secrets.token_bytes(KNOWN_BYTES))


def download(runs: RunSite, image_id: str, to: Path) -> Path:
    url = f"{IMAGES}/{image_id}/file"
    with runs.cloud.call("GET", url, stream=True) as answer, to.open("wb") as file:
        file.writelines(answer.iter_content(1024 * 1024))
    return to


def sha512(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
