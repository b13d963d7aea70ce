"""`restore` and `drill` on the real OpenStack: bytes come back, and nothing else stays."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.openstack.run_site import (
    RunSite,
    last_nights,
    made,
    slot_of,
    wait_until_gone,
    wait_until_later,
)
from tests.openstack.test_round_trip import sha512, write_known_bytes
from volume_images.cli import main
from volume_images.cli.exit_codes import ExitCode
from volume_images.model import ImageStatus, NewVolume
from volume_images.restore.drill_names import drill_volume_name
from volume_images.settings import Settings

pytestmark = pytest.mark.openstack

Captured = pytest.CaptureFixture[str]


def ran(capsys: Captured, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == ExitCode.FINE
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def tags(runs: RunSite) -> list[str]:
    return [tag for image in runs.images() for tag in image["tags"] if "restore" in tag]


@pytest.mark.parametrize("disk_format", ["raw", "qcow2"])
def test_a_volume_comes_back_byte_by_byte_and_can_be_exported_itself(
    runs: RunSite, capsys: Captured, disk_format: str
) -> None:
    volume_id = runs.cloud.volumes[0]
    runs.configure({volume_id: "db01-data"}, disk_format)
    write_known_bytes(runs.bytes_of(volume_id))
    runs.export(*last_nights(1))

    document = ran(capsys, "restore", "db01-data", "--name", "db01-again")

    restored = document["restored"]["volume_id"]
    assert (document["old_volume_id"], document["warnings"]) == (volume_id, [])
    assert (document["name"], document["size_gib"]) == ("db01-again", 1)
    assert sha512(runs.bytes_of(restored)) == sha512(runs.bytes_of(volume_id))
    assert tags(runs) == []

    runs.configure({restored: "db01-again"}, "qcow2")  # raw takes as long as the rest
    runs.export(*last_nights(1))
    assert [image["status"] for image in runs.images()] == [ImageStatus.ACTIVE] * 2


def test_as_of_brings_back_the_bytes_of_that_time(runs: RunSite, capsys: Captured) -> None:
    volume_id = runs.cloud.volumes[1]
    runs.configure({volume_id: "web01-root"}, "qcow2")
    first, second = last_nights(2)
    write_known_bytes(runs.bytes_of(volume_id))
    before = sha512(runs.bytes_of(volume_id))
    runs.export(first)
    [early] = runs.images()
    captured = datetime.fromisoformat(early["created_at"])
    wait_until_later(captured)
    write_known_bytes(runs.bytes_of(volume_id))
    runs.export(second)
    _, late = runs.images()
    assert datetime.fromisoformat(late["created_at"]) > captured

    document = ran(capsys, "restore", volume_id, "--as-of", captured.isoformat())

    assert datetime.fromisoformat(document["slot"]) == slot_of(early) == first
    assert sha512(runs.bytes_of(document["restored"]["volume_id"])) == before


def test_clouds_yaml_and_the_name_of_an_image_are_enough(runs: RunSite, capsys: Captured) -> None:
    volume_id = runs.cloud.volumes[2]
    runs.configure({volume_id: "db01-log"}, "qcow2")
    write_known_bytes(runs.bytes_of(volume_id))
    runs.export(*last_nights(1))
    [image] = runs.images()
    (runs.folder / "config.yaml").unlink()

    document = ran(capsys, "restore", "--clouds-yaml", "openstack-demo", "--image", image["name"])

    restored = document["restored"]["volume_id"]
    assert sha512(runs.bytes_of(restored)) == sha512(runs.bytes_of(volume_id))
    assert (document["old_volume_id"], document["warnings"], tags(runs)) == (volume_id, [], [])


def test_a_drill_passes_removes_its_volume_and_what_a_killed_one_left(
    runs: RunSite, capsys: Captured
) -> None:
    volume_id = runs.cloud.volumes[0]
    runs.configure({volume_id: "db01-data"}, "qcow2")
    runs.export(*last_nights(1))
    long_ago = datetime.now(UTC) - timedelta(days=3)
    name = drill_volume_name(
        Settings.parse(runs.env).deployment_id, f"{long_ago:%Y%m%dT%H%M%SZ}-5f0c1a9e", "daily"
    )
    cloud = runs.cloud_to_restore()
    left = made(cloud, cloud.restoring.create(NewVolume(name=name, size_gib=1)))

    document = ran(capsys, "drill")

    [outcome] = document["outcomes"]
    assert (outcome["result"], outcome["reason"], outcome["volume_id"]) == (
        "passed",
        "whole",
        volume_id,
    )
    assert outcome["details"]["checksum"] == "unchanged"
    assert document["gauges"]["DrillLeftovers"] == 1
    wait_until_gone(cloud, left.id)
    assert runs.cloud.other_volumes() == {}
    assert (tags(runs), len(runs.images())) == ([], 1)
    [report] = runs.reports("drill")
    assert report["run_id"] == document["run_id"]
