"""What exactly is asked, and what becomes of answers that no good cloud gives."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.cloud.scripted import (
    ACTION,
    IMAGE,
    IMAGE_PATH,
    IMAGES_PATH,
    NOW,
    PROJECT,
    VOLUME,
    VOLUME_PATH,
    VOLUMES_PATH,
    ScriptedCloud,
    accepted,
    export_request,
    image_document,
    refusal,
    volume_document,
)
from tests.sandbox.wire import json_answer
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, IncompleteListing, Refused
from volume_images.model import ExportAnswer, VolumeType

CLOUD_IMAGES = "/image/v2/cloudimages"
MESSAGES = f"/volume/v3/{PROJECT}/messages"


@pytest.fixture
def openstack() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as running:
        yield running


@pytest.fixture
def huawei() -> Iterator[ScriptedCloud]:
    with ScriptedCloud(dialect=Dialect.HUAWEI) as running:
        yield running


def sent(cloud: ScriptedCloud) -> object:
    return cloud.seen[-1].json()


def test_the_export_of_the_evs_page(huawei: ScriptedCloud) -> None:
    """Request and answer of "Exporting EVS Disk Data as an Image", field by field."""
    huawei.script("POST", ACTION, json_answer(202, accepted()))
    answer = huawei.open().volumes.export(
        export_request(image_name="sxmatch2", force=True, disk_format="vhd", os_type="linux")
    )
    assert sent(huawei) == {
        "os-volume_upload_image": {
            "image_name": "sxmatch2",
            "force": True,
            "container_format": "bare",
            "disk_format": "vhd",
            "__os_type": "linux",
        }
    }
    assert huawei.seen[-1].header("Content-Type") == "application/json"
    assert answer == ExportAnswer(
        volume_id=VOLUME,
        image_id=IMAGE,
        image_name="evs-ims-test1027",
        status="uploading",
        size_gib=40,
        disk_format="vhd",
        container_format="bare",
        description="",
        updated_at=datetime(2018, 1, 11, 1, 50, 25, 800931, tzinfo=UTC),
        volume_type=VolumeType(
            id="8247b6ed-37f0-4c48-8ef1-f0027fb332bc",
            name="SATA",
            description="None",
            is_public=True,
            qos_specs_id=None,
            extra_specs={"volume_backend_name": "<or> SATA", "XX:availability_zone": "dc1"},
        ),
    )


def test_no_os_type_is_sent_when_none_is_set(huawei: ScriptedCloud) -> None:
    huawei.script("POST", ACTION, json_answer(202, accepted(volume_type=None)))
    answer = huawei.open().volumes.export(export_request(os_type=None))
    assert "__os_type" not in str(sent(huawei))
    assert answer.volume_type is None


def test_cinder_is_never_sent_an_os_type(openstack: ScriptedCloud) -> None:
    openstack.script("POST", ACTION, json_answer(202, accepted(volume_type={"id": "1"})))
    answer = openstack.open().volumes.export(export_request(os_type="windows"))
    assert "__os_type" not in str(sent(openstack))
    assert answer.volume_type is not None
    assert answer.volume_type.is_public is None


def test_an_id_cannot_change_the_address(openstack: ScriptedCloud) -> None:
    assert openstack.open().volumes.get("../../x?y#z") is None
    assert openstack.seen[-1].path == f"/volume/v3/{PROJECT}/volumes/..%2F..%2Fx%3Fy%23z"


def test_cinder_pages_go_on_while_a_link_says_so_and_its_host_is_ignored(
    openstack: ScriptedCloud,
) -> None:
    other = VOLUME.replace("1", "2")
    link = [{"rel": "next", "href": "http://volume.localdomain.com:8776/v3/p?marker=x"}]
    openstack.script(
        "GET",
        VOLUMES_PATH,
        json_answer(200, {"volumes": [volume_document()], "volumes_links": link}),
        json_answer(200, {"volumes": [volume_document(id=other)]}),
    )
    assert [volume.id for volume in openstack.open().volumes.all()] == [VOLUME, other]
    queries = [each.query for each in openstack.seen[1:]]
    assert queries == ["limit=1000", f"limit=1000&marker={VOLUME}"]


def test_glances_next_gives_a_marker_and_no_address(openstack: ScriptedCloud) -> None:
    away = "https://evil.example.org/v2/images?limit=1&marker=i1"
    openstack.script(
        "GET",
        IMAGES_PATH,
        json_answer(200, {"images": [image_document(id="i1")], "next": away}),
        json_answer(200, {"images": [image_document(id="i2")]}),
    )
    images = openstack.open().images.all(NOW)
    assert [image.id for image in images] == ["i1", "i2"]
    first, second = (dict(each.arguments) for each in openstack.seen[1:])
    assert first == {
        "owner": PROJECT,
        "limit": "1000",
        "sort_key": "created_at",
        "sort_dir": "desc",
        "created_at": "gte:2026-03-02T02:05:00Z",
    }
    assert second == {**first, "marker": "i1"}


@pytest.mark.parametrize("following", ["/v2/images?limit=1", "http://[", "next"])
def test_a_next_page_without_a_marker_is_malformed(
    openstack: ScriptedCloud, following: str
) -> None:
    page = {"images": [image_document()], "next": following}
    openstack.script("GET", IMAGES_PATH, json_answer(200, page))
    images = openstack.open().images
    with pytest.raises(CloudUnavailable, match="holds no marker"):
        images.all()


def test_a_marker_that_was_deleted_starts_the_walk_anew(openstack: ScriptedCloud) -> None:
    """Glance answers 400 for a marker that it does not know any more."""
    gone = refusal(400, {"message": "No image found with ID i1", "code": "400 Bad Request"})
    page = {"images": [image_document(id="i1")], "next": "/v2/images?marker=i1"}
    last = json_answer(200, {"images": [image_document(id="i2")]})
    openstack.script("GET", IMAGES_PATH, json_answer(200, page), gone, last)
    assert [image.id for image in openstack.open().images.all()] == ["i2"]
    openstack.script("GET", IMAGES_PATH, *[json_answer(200, page), gone] * 3)
    images = openstack.open().images
    with pytest.raises(IncompleteListing, match="No image found"):
        images.all()


def test_ims_pages_end_with_an_empty_one(huawei: ScriptedCloud) -> None:
    huawei.script(
        "GET",
        CLOUD_IMAGES,
        json_answer(200, {"images": [image_document(id="i1"), image_document(id="i2")]}),
        json_answer(200, {"images": []}),
    )
    assert len(huawei.open().images.all()) == 2
    first, second = (dict(each.arguments) for each in huawei.seen[1:])
    assert first == {
        "owner": PROJECT,
        "__imagetype": "private",
        "limit": "500",
        "sort_key": "created_at",
        "sort_dir": "desc",
    }
    assert second == {**first, "marker": "i2"}


def test_evs_pages_end_at_the_total_or_with_an_empty_one(huawei: ScriptedCloud) -> None:
    path = f"/volume/v2/{PROJECT}/cloudvolumes/detail"
    huawei.script("GET", path, json_answer(200, {"count": 1, "volumes": [volume_document()]}))
    volumes = huawei.open().volumes
    assert len(volumes.all()) == 1
    assert len(huawei.paths("GET")) == 1
    huawei.script(
        "GET",
        path,
        json_answer(200, {"volumes": [volume_document()]}),
        json_answer(200, {"volumes": []}),
    )
    assert len(volumes.all()) == 1
    assert huawei.seen[-1].query == "limit=1000&offset=1"


@pytest.mark.parametrize(
    "changes",
    [{"id": 7}, {"created_at": None}, {"name": []}, {"size": "huge"}, {"tags": [1]}],
)
def test_a_malformed_image_is_named(openstack: ScriptedCloud, changes: dict[str, object]) -> None:
    images = [image_document(), image_document(**{"id": "i2", **changes})]
    openstack.script("GET", IMAGES_PATH, json_answer(200, {"images": images}))
    opened = openstack.open()
    with pytest.raises(CloudUnavailable, match=rf"images\[1\]\.{next(iter(changes))}"):
        opened.images.all()


def test_ims_strings_are_read_as_what_they_mean(huawei: ScriptedCloud) -> None:
    document = image_document(
        __image_size="12929990656",
        min_disk=80,
        size="unavailable",
        protected="True",
        tags=["a=b"],
        max_ram="",
    )
    huawei.script("GET", CLOUD_IMAGES, json_answer(200, {"images": [document]}))
    image = huawei.open().images.get(IMAGE)
    assert image is not None
    assert (image.size_bytes, image.min_disk_gib) == (12_929_990_656, 80)
    assert image.protected


def test_an_empty_ims_listing_does_not_prove_that_an_image_is_gone(
    huawei: ScriptedCloud,
) -> None:
    huawei.script("GET", CLOUD_IMAGES, json_answer(200, {"images": []}))
    huawei.script(
        "GET", IMAGE_PATH, json_answer(200, image_document()), refusal(404, {"message": "gone"})
    )
    images = huawei.open().images
    assert images.get(IMAGE) is not None
    assert images.get(IMAGE) is None


def test_another_image_than_was_asked_for_is_no_answer(
    huawei: ScriptedCloud, openstack: ScriptedCloud
) -> None:
    other = image_document(id="other")
    huawei.script("GET", CLOUD_IMAGES, json_answer(200, {"images": [other]}))
    openstack.script("GET", IMAGE_PATH, json_answer(200, other))
    for cloud in (huawei, openstack):
        images = cloud.open().images
        with pytest.raises(CloudUnavailable, match="answered another image"):
            images.get(IMAGE)


def test_a_gateway_without_such_an_api_does_not_prove_that_a_volume_is_gone(
    huawei: ScriptedCloud,
) -> None:
    path = f"/volume/v2/{PROJECT}/cloudvolumes/{VOLUME}"
    huawei.script("GET", path, refusal(404, {"error_code": "APIGW.0101", "error_msg": "no API"}))
    volumes = huawei.open().volumes
    with pytest.raises(Refused, match="no API"):
        volumes.get(VOLUME)


NOT_SHARED = refusal(403, {"message": "Only shared images have members.", "code": "403 Forbidden"})


def test_glance_forbids_to_ask_for_members_of_an_image_that_has_none(
    openstack: ScriptedCloud,
) -> None:
    openstack.script("GET", f"{IMAGE_PATH}/members", NOT_SHARED)
    openstack.script(
        "GET",
        IMAGE_PATH,
        json_answer(200, image_document(visibility="private")),
        json_answer(200, image_document(visibility="shared")),
    )
    images = openstack.open().images
    assert images.members(IMAGE) == ()
    with pytest.raises(Refused):
        images.members(IMAGE)


def message(event: str, at: str, text: str, volume: str = VOLUME) -> dict[str, str]:
    return {
        "id": "m",
        "event_id": event,
        "created_at": at,
        "user_message": text,
        "resource_uuid": volume,
    }


def test_the_newest_message_about_this_export_counts(openstack: ScriptedCloud) -> None:
    messages = [
        message("VOLUME_VOLUME_003_004", "2026-03-02T02:06:00.000000", "first"),
        message("VOLUME_VOLUME_003_004", "2026-03-02T02:07:00.000000", "newest\nof all"),
        message("VOLUME_VOLUME_002_001", "2026-03-02T02:08:00.000000", "attach"),
        message("VOLUME_VOLUME_003_004", "2026-03-02T02:09:00.000000", "x", volume="other"),
    ]
    openstack.script("GET", MESSAGES, json_answer(200, {"messages": messages}))
    assert openstack.open().volumes.failure_message(VOLUME, NOW) == "newest of all"
    asked = openstack.seen[-1]
    assert asked.header("OpenStack-API-Version") == "volume 3.5"
    assert asked.query == f"resource_uuid={VOLUME}"


def test_a_message_counts_though_the_clock_of_the_cloud_is_a_little_behind(
    openstack: ScriptedCloud,
) -> None:
    """Cinder rounds to the second: what fails at once is recorded as from before it began."""
    for at, found in [("02:05:30", "soon"), ("02:03:30", "")]:
        told = message("VOLUME_VOLUME_003_004", f"2026-03-02T{at}.000000", "soon")
        openstack.script("GET", MESSAGES, json_answer(200, {"messages": [told]}))
        since = datetime(2026, 3, 2, 2, 5, 31, tzinfo=UTC)
        assert openstack.open().volumes.failure_message(VOLUME, since) == found


@pytest.mark.parametrize("status", [403, 404, 406])
def test_a_cinder_without_messages_has_none(openstack: ScriptedCloud, status: int) -> None:
    openstack.script("GET", MESSAGES, refusal(status, {"computeFault": {"message": "x"}}))
    assert openstack.open().volumes.failure_message(VOLUME, NOW) == ""


def test_every_request_asks_for_json(openstack: ScriptedCloud) -> None:
    """Glance answers errors in HTML otherwise."""
    openstack.script("GET", VOLUME_PATH, json_answer(200, {"volume": volume_document()}))
    opened = openstack.open()
    opened.volumes.get(VOLUME)
    opened.images.get(IMAGE)
    assert {request.header("Accept") for request in openstack.seen} == {"application/json"}
