"""Listings of volumes and images: pages, filters, order, and what they refuse."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.seeds import OTHER_PROJECT
from tests.sandbox.things import Visibility
from volume_images.dialect import Dialect

Connect = Callable[..., Any]
DB01 = "16369c5d-384d-4e64-b37a-56d898769362"


def plant(cloud: CloudSandbox, count: int = 4) -> list[str]:
    """Plant images `image-0` (the newest) to `image-N`, a day apart; return their ids."""
    now = cloud.clock.now().replace(microsecond=0)
    return [
        cloud.world.plant_image(
            name=f"image-{number}",
            created_at=now - timedelta(days=number),
            volume_id=DB01,
            tags=[f"n={number}", "even=yes" if number % 2 == 0 else "even=no"],
            protected=number == 3,
        ).id
        for number in range(count)
    ]


def names(answer: Any) -> list[str]:  # noqa: ANN401 - a response
    assert answer.status_code == 200, answer.text
    return [entry["name"] for entry in answer.json().get("images", answer.json().get("volumes"))]


def test_cinder_walks_by_marker_and_tells_of_a_next_page(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(openstack_cloud)
    path = "/volume/v3/{pid}/volumes/detail"
    first = api("GET", path, params={"limit": 3}).json()
    [link] = first["volumes_links"]
    rest = api.session.get(link["href"], timeout=5).json()
    assert len({volume["id"] for volume in first["volumes"] + rest["volumes"]}) == 5
    assert "volumes_links" not in rest
    unknown = api("GET", path, params={"marker": "no-such"})
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"name": "db01-data"}, 1),
        ({"status": "in-use"}, 0),
        ({"metadata": "{'backup': 'daily'}"}, 5),
        ({"metadata": "{'backup': 'weekly'}"}, 0),
        ({"limit": "0"}, 0),
        ({"offset": "3"}, 2),
        ({"sort": "name:asc", "limit": "1"}, 1),
    ],
)
def test_cinder_filters(
    openstack_cloud: CloudSandbox, connect: Connect, query: dict[str, str], count: int
) -> None:
    answer = connect(openstack_cloud)("GET", "/volume/v3/{pid}/volumes/detail", params=query)
    assert len(names(answer)) == count


@pytest.mark.parametrize("query", [{"limit": "-1"}, {"sort": "colour:asc"}, {"sort_dir": "up"}])
def test_bad_arguments_of_a_volume_listing_are_400(
    cloud: CloudSandbox, connect: Connect, query: dict[str, str]
) -> None:
    answer = connect(cloud)("GET", "/volume/v3/{pid}/volumes/detail", params=query)
    assert answer.status_code == 400


def test_evs_counts_pages_and_tags(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    api = connect(huawei_cloud)
    path = "/volume/v2/{pid}/cloudvolumes/detail"
    page = api("GET", path, params={"limit": 2, "offset": 4}).json()
    assert (page["count"], len(page["volumes"])) == (5, 1)
    assert page["volumes"][0]["tags"] == {"backup": "daily"}
    assert names(api("GET", path, params={"offset": 5})) == []
    assert names(api("GET", path, params={"ids": f"['{DB01}', 'other']"})) == ["db01-data"]
    assert names(api("GET", path, params={"id": DB01})) == ["db01-data"]
    too_many = api("GET", path, params={"limit": 1001})
    assert (too_many.status_code, too_many.json()["error"]["code"]) == (400, "EVS.2142")


def test_evs_s_links_lead_nowhere(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    answer = connect(huawei_cloud)("GET", "/volume/v3/{pid}/volumes/detail?limit=2")
    assert "localdomain" in answer.json()["volumes_links"][0]["href"]


def test_evs_shows_a_volume_under_each_of_its_names(
    huawei_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(huawei_cloud)
    paths = ["v2/{pid}/cloudvolumes", "v2/{pid}/os-vendor-volumes", "v3/{pid}/volumes"]
    shown = [api("GET", f"/volume/{path}/{DB01}").json()["volume"]["name"] for path in paths]
    assert shown == ["db01-data"] * 3
    tags = api("GET", f"/volume/v2/{{pid}}/cloudvolumes/{DB01}/tags").json()
    assert tags == {"tags": [{"key": "backup", "value": "daily"}]}
    missing = api("GET", "/volume/v2/{pid}/cloudvolumes/none")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "EVS.5404")
    missing = api("GET", "/volume/v3/{pid}/volumes/none")
    assert (missing.status_code, list(missing.json())) == (404, ["itemNotFound"])


def test_glance_walks_by_relative_links(openstack_cloud: CloudSandbox, connect: Connect) -> None:
    plant(openstack_cloud, 5)
    api = connect(openstack_cloud)
    path: str | None = "/v2/images?limit=2&name=" + quote("in:image-0,image-1,image-2,image-3")
    walked = []
    while path is not None:
        page = api("GET", f"/image{path}").json()
        walked.append([image["name"] for image in page["images"]])
        path = page.get("next")
    assert walked == [["image-0", "image-1"], ["image-2", "image-3"], []]


def test_glance_pages_have_25_images_and_at_most_1000(
    openstack_cloud: CloudSandbox, connect: Connect
) -> None:
    plant(openstack_cloud, 1001)
    api = connect(openstack_cloud)
    assert len(names(api("GET", "/image/v2/images"))) == 25
    assert len(names(api("GET", "/image/v2/images?limit=5000"))) == 1000


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=IMAGE-1", [1]),
        ("name=image", []),
        ("status=active", [0, 1, 2, 3]),
        ("status=in:queued,killed", []),
        ("status=nonsense", []),
        ("tag=even%3Dyes", [0, 2]),
        ("tag=even%3Dyes&tag=n%3D2", [2]),
        ("protected=true", [3]),
        ("owner=nobody", []),
        ("visibility=shared", [0, 1, 2, 3]),
        ("visibility=private", []),
        ("created_at=gte:2026-03-01T02:05:00Z", [0, 1]),
        ("created_at=gt:2026-03-01T02:05:00Z", [0]),
        ("created_at=lt:2026-03-01T02:05:00Z", [2, 3]),
        ("created_at=lte:2026-03-01T02:05:00Z", [1, 2, 3]),
        ("created_at=2026-03-01T02:05:00Z", [1]),
        ("size_min=99999999999999", []),
        ("os_hidden=true", []),
        ("no_such_filter=1", []),
        ("limit=0", []),
        ("sort=created_at:asc&limit=1", [3]),
        ("sort_key=name&sort_dir=desc&limit=2", [3, 2]),
    ],
)
def test_glance_filters_and_sorts(
    openstack_cloud: CloudSandbox, connect: Connect, query: str, found: list[int]
) -> None:
    plant(openstack_cloud)
    answer = connect(openstack_cloud)("GET", f"/image/v2/images?{query}")
    assert names(answer) == [f"image-{number}" for number in found]


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=abc",
        "marker=unknown",
        "created_at=gte:yesterday",
        "created_at=foo:2026-01-01T00:00:00Z",
        "sort=nonsense:asc",
        "sort=name:sideways",
        "sort=name&sort_key=name",
        "protected=yes",
        "visibility=nonsense",
    ],
)
def test_glance_refuses_bad_arguments(
    openstack_cloud: CloudSandbox, connect: Connect, query: str
) -> None:
    plant(openstack_cloud)
    answer = connect(openstack_cloud)("GET", f"/image/v2/images?{query}")
    assert answer.status_code == 400
    assert answer.text.startswith("<html>")


def test_ims_walks_by_marker_to_an_empty_page(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    plant(huawei_cloud)
    api = connect(huawei_cloud)
    pages, marker = [], None
    while not pages or pages[-1]:
        params = {"limit": 3, "marker": marker} if marker else {"limit": 3}
        document = api("GET", "/image/v2/cloudimages", params=params).json()
        assert list(document) == ["images"]
        pages.append([image["name"] for image in document["images"]])
        marker = document["images"][-1]["id"] if document["images"] else None
    assert pages == [["image-0", "image-1", "image-2"], ["image-3"], []]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=image-1", [1]),
        ("name=IMAGE-1", []),
        ("tag=even%3Dyes", [0, 2]),
        ("protected=true", [3]),
        ("__imagetype=private", [0, 1, 2, 3]),
        ("__imagetype=gold", []),
        ("owner=0123456789abcdef0123456789abcdef", [0, 1, 2, 3]),
        ("owner=nobody", []),
        ("created_at=neq:2026-03-01T02:05:00Z", [0, 2, 3]),
        ("created_at=gt:2026-03-01T02:05:00Z", [0]),
        ("enterprise_project_id=all_granted_eps", [0, 1, 2, 3]),
        ("sort_key=created_at&sort_dir=asc&limit=1", [3]),
    ],
)
def test_ims_filters_and_sorts(
    huawei_cloud: CloudSandbox, connect: Connect, query: str, found: list[int]
) -> None:
    plant(huawei_cloud)
    answer = connect(huawei_cloud)("GET", f"/image/v2/cloudimages?{query}")
    assert names(answer) == [f"image-{number}" for number in found]


def test_ims_writes_its_numbers_as_strings(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    [image_id] = plant(huawei_cloud, 1)
    shown = connect(huawei_cloud)("GET", f"/image/v2/images/{image_id}").json()
    assert (shown["min_disk"], shown["size"]) == (40, 18)
    assert shown["__image_size"] == str(int(40 * 1024**3 * 0.3))
    assert shown["tags"] == ["n=0", "even=yes"]


@pytest.mark.parametrize(
    ("visibility", "members", "is_listed", "is_shown"),
    [
        (Visibility.PRIVATE, False, False, False),
        (Visibility.SHARED, False, False, False),
        (Visibility.SHARED, True, True, True),
        (Visibility.COMMUNITY, False, False, True),
        (Visibility.PUBLIC, False, True, True),
    ],
)
def test_images_of_another_project_show_only_as_far_as_they_are_shared(
    cloud: CloudSandbox,
    connect: Connect,
    visibility: Visibility,
    members: bool,  # noqa: FBT001 - a parameter of the table above
    is_listed: bool,  # noqa: FBT001
    is_shown: bool,  # noqa: FBT001
) -> None:
    image = cloud.world.plant_image(
        name="theirs",
        created_at=cloud.clock.now(),
        owner=OTHER_PROJECT,
        visibility=visibility,
        members=[cloud.project_id] if members else [],
    )
    api = connect(cloud)
    path = "cloudimages" if cloud.dialect is Dialect.HUAWEI else "images"
    assert names(api("GET", f"/image/v2/{path}")) == ["theirs"] * is_listed
    assert api("GET", f"/image/v2/images/{image.id}").ok is is_shown
