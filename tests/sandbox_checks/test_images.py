"""Changing images: deletion and its refusals, tags, patches, members, quota."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.seeds import OTHER_PROJECT
from tests.sandbox.things import SandboxImage, Visibility

Connect = Callable[..., Any]
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
JSON = {"Accept": "application/json"}


def plant(cloud: CloudSandbox, **attributes: Any) -> SandboxImage:  # noqa: ANN401 - plant_image's
    return cloud.world.plant_image(name="x", created_at=cloud.clock.now(), **attributes)


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_deleted_image_is_gone(cloud: CloudSandbox, connect: Connect) -> None:
    api, image = connect(cloud, "cleanup"), plant(cloud)
    assert api("DELETE", f"/image/v2/images/{image.id}").status_code == 204
    assert api("GET", f"/image/v2/images/{image.id}").status_code == 404


def test_glance_refuses_to_delete_what_it_must_not(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(openstack_cloud)
    protected = plant(openstack_cloud, protected=True)
    public = plant(openstack_cloud, owner=OTHER_PROJECT, visibility=Visibility.PUBLIC)
    private = plant(openstack_cloud, owner=OTHER_PROJECT, visibility=Visibility.PRIVATE)
    answers = [
        api("DELETE", f"/image/v2/images/{image_id}", headers=JSON)
        for image_id in (protected.id, public.id, private.id, "none")
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 404, 404]
    assert answers[0].json() == {
        "message": f"Image {protected.id} is protected and cannot be deleted.<br /><br />\n\n\n",
        "code": "403 Forbidden",
        "title": "Forbidden",
    }
    html = api("DELETE", f"/image/v2/images/{protected.id}")
    assert html.text.startswith("<html>\n <head>\n  <title>403 Forbidden</title>")


def test_glance_deletes_an_image_that_is_being_written(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    image = plant(openstack_cloud, status="saving")
    answer = connect(openstack_cloud)("DELETE", f"/image/v2/images/{image.id}")
    assert answer.status_code == 204


def test_ims_refuses_to_delete_with_its_own_codes(
    huawei_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(huawei_cloud)
    us = [huawei_cloud.project_id]
    images = [
        plant(huawei_cloud, protected=True),
        plant(huawei_cloud, status="saving"),
        plant(huawei_cloud, owner=OTHER_PROJECT, visibility=Visibility.SHARED, members=us),
        plant(huawei_cloud, owner=OTHER_PROJECT, visibility=Visibility.PUBLIC),
        plant(huawei_cloud, owner=OTHER_PROJECT),
    ]
    answers = [api("DELETE", f"/image/v2/images/{image.id}") for image in images]
    assert [code(answer) for answer in answers] == [
        (400, "IMG.0028"),
        (400, "IMG.0090"),
        (400, "IMG.0092"),
        (400, "IMG.0094"),
        (400, "IMG.0027"),
    ]


def test_glance_patches_only_with_its_own_media_type(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    api, image = connect(openstack_cloud), plant(openstack_cloud)
    path = f"/image/v2/images/{image.id}"
    change = [
        {"op": "replace", "path": "/name", "value": "y"},
        {"op": "add", "path": "/app", "value": "db"},
        {"op": "replace", "path": "/protected", "value": True},
    ]
    assert api("PATCH", path, json=change).status_code == 415
    changed = api("PATCH", path, json=change, headers=PATCH).json()
    assert (changed["name"], changed["app"], changed["protected"]) == ("y", "db", True)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"op": "replace", "path": "/id", "value": "x"}, 403),
        ({"op": "remove", "path": "/absent"}, 409),
        ({"op": "replace", "path": "/absent", "value": "x"}, 409),
        ({"op": "add", "path": "/protected", "value": "yes"}, 400),
        ({"op": "move", "path": "/name"}, 400),
    ],
)
def test_glance_refuses_bad_patches(
    openstack_cloud: CloudSandbox, connect: Connect, change: dict[str, str], status: int
) -> None:
    image = plant(openstack_cloud)
    answer = connect(openstack_cloud)(
        "PATCH", f"/image/v2/images/{image.id}", json=[change], headers=PATCH
    )
    assert answer.status_code == status


def test_words_are_put_on_an_image_once(cloud: CloudSandbox, connect: Connect) -> None:
    api, image = connect(cloud), plant(cloud)
    path = f"/image/v2/images/{image.id}/tags/a-word"
    assert [api("PUT", path).status_code for _ in range(2)] == [204, 204]
    assert image.tags == ["a-word"]
    assert [api("DELETE", path).status_code for _ in range(2)] == [204, 404]


def test_glance_takes_128_tags(openstack_cloud: CloudSandbox, connect: Connect) -> None:
    image = plant(openstack_cloud, tags=[f"tag-{number}" for number in range(128)])
    answer = connect(openstack_cloud)("PUT", f"/image/v2/images/{image.id}/tags/one-more")
    assert answer.status_code == 413


def test_ims_tags_are_keys_with_values(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    api, image = connect(huawei_cloud), plant(huawei_cloud, tags=["kept=1"])
    path = f"/image/v2/{{pid}}/images/{image.id}/tags"
    pairs = [{"key": "a", "value": "1"}, {"key": "b", "value": ""}]
    for action in ("create", "create"):
        made = api("POST", f"{path}/action", json={"action": action, "tags": pairs})
        assert made.status_code == 204
    assert image.tags == ["kept=1", "a=1", "b="]
    api("POST", path, json={"tag": {"key": "a", "value": "2"}})
    api("POST", f"{path}/action", json={"action": "delete", "tags": [{"key": "b", "value": ""}]})
    assert api("GET", path).json() == {
        "tags": [{"key": "kept", "value": "1"}, {"key": "a", "value": "2"}]
    }
    assert [api("DELETE", f"{path}/a").status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    "pairs",
    [
        [{"key": "", "value": ""}],
        [{"key": "k" * 37, "value": ""}],
        [{"key": "k", "value": "v" * 44}],
        [{"key": f"k{number}", "value": ""} for number in range(11)],
    ],
)
def test_ims_limits_tags(
    huawei_cloud: CloudSandbox, connect: Connect, pairs: list[dict[str, str]]
) -> None:
    image = plant(huawei_cloud)
    path = f"/image/v2/{{pid}}/images/{image.id}/tags/action"
    answer = connect(huawei_cloud)("POST", path, json={"action": "create", "tags": pairs})
    assert code(answer) == (400, "IMG.0115")


def test_ims_updates_only_active_images_and_never_their_protection(
    huawei_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(huawei_cloud)
    active, queued = plant(huawei_cloud), plant(huawei_cloud, status="queued")
    rename = [{"op": "replace", "path": "/name", "value": "y"}]
    protect = [{"op": "add", "path": "/protected", "value": True}]
    absent = [{"op": "replace", "path": "/colour", "value": "red"}]
    path = f"/image/v2/cloudimages/{active.id}"
    assert api("PATCH", path, json=rename).json()["name"] == "y"
    assert code(api("PATCH", f"/image/v2/cloudimages/{queued.id}", json=rename)) == (
        400,
        "IMG.0046",
    )
    assert code(api("PATCH", path, json=protect)) == (400, "IMG.0035")
    assert code(api("PATCH", path, json=absent)) == (400, "IMG.0035")


def test_members_are_listed(cloud: CloudSandbox, connect: Connect) -> None:
    image = plant(cloud, visibility=Visibility.SHARED, members=["someone"])
    members = connect(cloud)("GET", f"/image/v2/images/{image.id}/members").json()["members"]
    assert [member["member_id"] for member in members] == ["someone"]


def test_the_quota_counts_our_images(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    huawei_cloud.world.image_quota = 20
    plant(huawei_cloud)
    plant(huawei_cloud, owner=OTHER_PROJECT, visibility=Visibility.PUBLIC)
    [resource] = connect(huawei_cloud)("GET", "/image/v1/cloudimages/quota").json()["quotas"][
        "resources"
    ]
    assert (resource["type"], resource["used"], resource["quota"]) == ("image", 1, 20)
