"""The export's status machine, what it refuses, and how each dialect says so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.cloud_server import CloudSandbox
from volume_images.dialect import Dialect

DB01 = "16369c5d-384d-4e64-b37a-56d898769362"
Connect = Callable[..., Any]


def message_of(answer: requests.Response) -> str:
    [error] = answer.json().values()
    return str(error["message"])


def test_time_alone_takes_an_export_through_its_statuses(
    cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(cloud)
    volume = cloud.world.volumes[DB01]
    image_id = api.export().json()["os-volume_upload_image"]["image_id"]
    image = cloud.world.images[image_id]
    seen = []
    for _ in range(4):
        cloud.world.settle()
        seen.append((volume.status, image.status))
        cloud.clock.advance(timedelta(seconds=20))
    assert seen == [
        ("uploading", "queued"),
        ("uploading", "saving"),
        ("uploading", "saving"),
        ("available", "active"),
    ]


def test_an_export_takes_as_long_as_it_is_told(cloud: CloudSandbox, connect: Connect) -> None:
    cloud.world.export_seconds = 3600
    connect(cloud).export(disk_format="raw")
    cloud.clock.advance(timedelta(seconds=3500))
    cloud.world.settle()
    assert cloud.world.volumes[DB01].status == "uploading"


def test_the_answer_holds_the_image_and_the_volume_type(
    huawei_cloud: CloudSandbox, connect: Connect
) -> None:
    answer = connect(huawei_cloud).export(disk_format="zvhd2", image_name="a.b-c_d 1")
    upload = answer.json()["os-volume_upload_image"]
    assert answer.status_code == 202
    assert (upload["id"], upload["size"], upload["status"]) == (DB01, 40, "uploading")
    assert (upload["disk_format"], upload["container_format"]) == ("zvhd2", "bare")
    assert upload["volume_type"]["name"] == "SSD"
    assert "volume_backend_name" in upload["volume_type"]["extra_specs"]
    assert not upload["updated_at"].endswith("Z")


def test_defaults_differ_by_dialect(cloud: CloudSandbox, connect: Connect) -> None:
    upload = connect(cloud).export().json()["os-volume_upload_image"]
    expected = "vhd" if cloud.dialect is Dialect.HUAWEI else "raw"
    assert upload["disk_format"] == expected


def test_a_volume_in_use_needs_force_and_returns_to_in_use(
    cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(cloud)
    volume = cloud.world.volumes[DB01]
    volume.server_id, volume.status = "server", "in-use"
    refused = api.export(disk_format="raw")
    assert refused.status_code == 400
    assert "status must be available" in message_of(refused)
    assert api.export(disk_format="raw", force=True).status_code == 202
    cloud.clock.advance(timedelta(minutes=2))
    cloud.world.settle()
    assert volume.status == "in-use"


def test_cinder_ignores_force_unless_it_is_enabled(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    openstack_cloud.world.force_upload = False
    openstack_cloud.world.set_volume_status(DB01, "in-use")
    refused = connect(openstack_cloud).export(force=True)
    assert message_of(refused) == f"Invalid volume: Volume {DB01} status must be available"


@pytest.mark.parametrize("status", ["uploading", "error", "attaching"])
def test_no_other_status_can_be_exported(
    cloud: CloudSandbox, connect: Connect, status: str
) -> None:
    cloud.world.set_volume_status(DB01, status)
    refused = connect(cloud).export(force=True)
    assert refused.status_code == 400
    assert "status must be available or in-use" in message_of(refused)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"__os_type": "linux"}, "'__os_type' was unexpected"),
        ({"surprise": 1}, "'surprise' was unexpected"),
        ({"visibility": "private"}, "'visibility' was unexpected"),
        ({"disk_format": "zvhd2"}, "'zvhd2' is not one of"),
        ({"container_format": "foo"}, "Unable to set 'container_format'"),
        ({"image_name": ""}, "should be non-empty"),
        ({"image_name": "n" * 256}, "is too long"),
        ({"image_name": 7}, "is not of type 'string'"),
        ({"force": "maybe"}, "'maybe' is not one of"),
    ],
)
def test_cinder_refuses_what_its_schema_does_not_know(
    openstack_cloud: CloudSandbox, connect: Connect, options: dict[str, Any], words: str
) -> None:
    answer = connect(openstack_cloud).export(**options)
    assert answer.status_code == 400
    assert list(answer.json()) == ["badRequest"]
    assert words in message_of(answer)


@pytest.mark.parametrize(
    "options",
    [
        {"image_name": ""},
        {"image_name": "n" * 129},
        {"image_name": "name!"},
        {"image_name": " name"},
        {"disk_format": "vmdk"},
        {"container_format": "docker"},
        {"__os_type": "bsd"},
        {"force": "yes"},
    ],
)
def test_evs_refuses_what_its_reference_does_not_list(
    huawei_cloud: CloudSandbox, connect: Connect, options: dict[str, Any]
) -> None:
    answer = connect(huawei_cloud).export(**options)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "EVS.5400"


def test_names_may_have_128_characters_on_evs_and_255_on_cinder(
    huawei_cloud: CloudSandbox, openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    assert connect(huawei_cloud).export(image_name="n" * 128).status_code == 202
    assert connect(openstack_cloud).export(image_name="n" * 255).status_code == 202


def test_evs_takes_the_export_in_v2_and_v3(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    assert connect(huawei_cloud).export(version="v2").status_code == 202


def test_evs_refuses_more_than_a_tebibyte(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    huawei_cloud.world.volumes[DB01].size_gib = 1025
    assert connect(huawei_cloud).export().status_code == 400


def test_a_full_image_quota_refuses_exports(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    huawei_cloud.world.image_quota = 0
    answer = connect(huawei_cloud).export()
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "IMG.0015")


def test_the_os_type_asked_for_counts_only_for_a_detached_volume_without_one(
    huawei_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(huawei_cloud)
    image_id = api.export(__os_type="windows").json()["os-volume_upload_image"]["image_id"]
    assert huawei_cloud.world.images[image_id].properties["__os_type"] == "Windows"
    huawei_cloud.clock.advance(timedelta(minutes=2))
    huawei_cloud.world.volumes[DB01].image_metadata["__os_type"] = "linux"
    image_id = api.export(__os_type="windows").json()["os-volume_upload_image"]["image_id"]
    assert huawei_cloud.world.images[image_id].properties["__os_type"] == "Linux"


def test_visibility_and_protection_need_a_newer_microversion(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    newer = {"OpenStack-API-Version": "volume 3.1"}
    answer = connect(openstack_cloud).export(headers=newer, visibility="private", protected=True)
    upload = answer.json()["os-volume_upload_image"]
    assert (upload["visibility"], upload["protected"]) == ("private", True)
    unknown = {"OpenStack-API-Version": "volume 3.999"}
    assert connect(openstack_cloud).export(headers=unknown).status_code == 406


def test_a_failed_cinder_export_leaves_only_a_message(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(openstack_cloud)
    answer = api.export(disk_format="vhd")
    image_id = answer.json()["os-volume_upload_image"]["image_id"]
    openstack_cloud.clock.advance(timedelta(minutes=2))
    assert api("GET", f"/image/v2/images/{image_id}").status_code == 404
    assert openstack_cloud.world.volumes[DB01].status == "available"
    [message] = api(
        "GET",
        f"/volume/v3/{{pid}}/messages?resource_uuid={DB01}",
        headers={"OpenStack-API-Version": "volume 3.5"},
    ).json()["messages"]
    assert message["user_message"].startswith("copy volume to image:Failed")
    assert message["request_id"] == answer.headers["X-Openstack-Request-Id"]


def test_a_status_that_a_test_sets_stays(cloud: CloudSandbox, connect: Connect) -> None:
    image_id = connect(cloud).export().json()["os-volume_upload_image"]["image_id"]
    cloud.world.set_image_status(image_id, "killed")
    cloud.clock.advance(timedelta(minutes=2))
    cloud.world.settle()
    assert cloud.world.images[image_id].status == "killed"
    assert cloud.world.volumes[DB01].status == "available"


def test_an_unknown_volume_is_404(cloud: CloudSandbox, connect: Connect) -> None:
    answer = connect(cloud).export("00000000-0000-4000-8000-000000000000")
    assert answer.status_code == 404


def test_another_project_in_the_path_is_400(cloud: CloudSandbox, connect: Connect) -> None:
    answer = connect(cloud)("GET", "/volume/v3/ffff/volumes/detail")
    assert answer.status_code == 400
    assert "Common.0018" in answer.text or "Malformed request url" in answer.text


@pytest.mark.parametrize("body", [b"{nope", b"{}", b'{"os-volume_upload_image": {}, "x": {}}'])
def test_a_malformed_body_is_400(cloud: CloudSandbox, connect: Connect, body: bytes) -> None:
    answer = connect(cloud)("POST", f"/volume/v3/{{pid}}/volumes/{DB01}/action", data=body)
    assert answer.status_code == 400


def test_only_an_administrator_resets_a_status(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    openstack_cloud.world.set_volume_status(DB01, "uploading")
    path = f"/volume/v3/{{pid}}/volumes/{DB01}/action"
    body = {"os-reset_status": {"status": "available"}}
    assert connect(openstack_cloud)("POST", path, json=body).status_code == 403
    assert connect(openstack_cloud, "restore")("POST", path, json=body).status_code == 202
    assert openstack_cloud.world.volumes[DB01].status == "available"
