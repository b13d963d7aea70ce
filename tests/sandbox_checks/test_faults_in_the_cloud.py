"""What is wrong in the cloud itself: exports, listings, quotas, clocks."""

import email.utils
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.fates import ImageFate, VolumeFate
from tests.sandbox.faults import (
    BadPages,
    Ending,
    Fault,
    ImageQuota,
    InFlight,
    Latency,
    LostMarker,
    Overload,
    Reads,
    ShownLate,
    Skew,
    Slip,
)
from tests.sandbox.seeds import FIRST_VOLUMES
from tests.sandbox_checks.conftest import Api
from volume_images.dialect import Dialect

VOLUMES = "/volume/v3/{pid}/volumes/detail"
HOUR = timedelta(hours=1)
DB, WEB, LOG = (volume_id for volume_id, _, _ in FIRST_VOLUMES)


@pytest.fixture(scope="module", params=list(Dialect))
def still_cloud(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    """Start a cloud whose clock stands still until it is moved."""
    with CloudSandbox(dialect=request.param, volumes=6, running=lambda: 0.0) as cloud:
        yield cloud


@pytest.fixture
def api(still_cloud: CloudSandbox, connect: Callable[..., Api]) -> Api:
    still_cloud.reset()
    return connect(still_cloud)


def listing(api: Api) -> str:
    huawei = api.cloud.dialect is Dialect.HUAWEI
    return "/image/v2/cloudimages" if huawei else "/image/v2/images"


def image_ids(api: Api, **arguments: object) -> list[str]:
    pages = api("GET", listing(api), params=arguments).json()["images"]
    return [image["id"] for image in pages]


def exported(api: Api, *faults: Fault, volume_id: str = DB) -> str:
    """Export a volume under faults, and return the image's id."""
    with api.cloud.failing(*faults):
        answer = api.export(volume_id)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["os-volume_upload_image"]["image_id"])


def later(api: Api, volume_id: str = DB) -> tuple[str, set[str]]:
    """Let a day pass; return the volume's status and all statuses of images."""
    api.cloud.clock.advance(timedelta(days=1))
    volume = api("GET", f"/volume/v3/{{pid}}/volumes/{volume_id}").json()["volume"]
    images = api("GET", "/image/v2/images").json()["images"]
    return volume["status"], {image["status"] for image in images}


@pytest.mark.parametrize(
    ("fate", "left"),
    [
        (ImageFate.ACTIVE, {"active"}),
        (ImageFate.FAILED, set()),
        (ImageFate.VANISHED, set()),
        (ImageFate.KILLED, {"killed"}),
        (ImageFate.STUCK, {"queued"}),
    ],
)
def test_an_export_ends_as_it_is_fated_to(api: Api, fate: ImageFate, left: set[str]) -> None:
    exported(api, Ending(image=fate))
    assert later(api) == ("available", left)
    told = 1 if fate is ImageFate.FAILED else 0
    assert len(api.cloud.world.messages) == told


def test_a_volume_may_never_leave_uploading(api: Api) -> None:
    exported(api, Ending(volume=VolumeFate.UPLOADING))
    assert later(api) == ("uploading", {"active"})


def test_every_second_export_is_stuck_and_no_other_request_counts(api: Api) -> None:
    with api.cloud.failing(Ending(image=ImageFate.STUCK, every=2)):
        for volume_id in (DB, WEB, LOG):
            assert api("GET", VOLUMES).status_code == 200
            assert api.export(volume_id).status_code == 202
    assert later(api)[1] == {"active", "queued"}
    statuses = [image.status for image in api.cloud.world.images.values()]
    assert statuses.count("queued") == 1


def test_an_export_may_take_longer_than_others(api: Api) -> None:
    image_id = exported(api, Ending(seconds=7200))
    api.cloud.clock.advance(HOUR)
    assert api("GET", f"/image/v2/images/{image_id}").json()["status"] == "saving"
    api.cloud.clock.advance(HOUR)
    assert api("GET", f"/image/v2/images/{image_id}").json()["status"] == "active"


def test_a_new_image_is_shown_late_in_listings_and_by_id(api: Api) -> None:
    with api.cloud.failing(ShownLate(seconds=3600)):
        image_id = api.export().json()["os-volume_upload_image"]["image_id"]
        assert image_ids(api) == []
        assert api("GET", f"/image/v2/images/{image_id}").status_code == 404
        api.cloud.clock.advance(HOUR)
        assert image_ids(api) == [image_id]
        assert api("GET", f"/image/v2/images/{image_id}").json()["status"] == "queued"


@pytest.mark.parametrize(("reads", "listed", "by_id"), [("listings", 0, 200), ("by_id", 1, 404)])
def test_only_one_way_of_reading_may_be_late(api: Api, reads: str, listed: int, by_id: int) -> None:
    image_id = exported(api)
    with api.cloud.failing(ShownLate(seconds=3600, reads=Reads(reads))):
        assert len(image_ids(api)) == listed
        assert api("GET", f"/image/v2/images/{image_id}").status_code == by_id


def test_a_deleted_image_is_still_listed_for_a_while_and_cannot_be_deleted_again(
    api: Api,
) -> None:
    image_id = exported(api)
    api.cloud.clock.advance(HOUR)
    with api.cloud.failing(ShownLate(seconds=60, reads=Reads.LISTINGS)):
        assert api("DELETE", f"/image/v2/images/{image_id}").status_code == 204
        assert image_ids(api) == [image_id]
        assert api("DELETE", f"/image/v2/images/{image_id}").status_code in {400, 404}
        api.cloud.clock.advance(timedelta(minutes=1))
        assert image_ids(api) == []


def test_a_finished_image_is_listed_as_unfinished_for_a_while(api: Api) -> None:
    image_id = exported(api, Ending(seconds=3600))
    api.cloud.clock.advance(HOUR)
    with api.cloud.failing(ShownLate(seconds=60, reads=Reads.LISTINGS)):
        [listed] = api("GET", listing(api)).json()["images"]
        shown = api("GET", f"/image/v2/images/{image_id}").json()
        assert (listed["status"], shown["status"]) == ("saving", "active")
        api.cloud.clock.advance(timedelta(minutes=1))
        assert api("GET", listing(api)).json()["images"][0]["status"] == "active"


def three_images(api: Api) -> list[str]:
    """Plant images; return their ids, newest first."""
    hour = api.cloud.clock.now() - timedelta(days=9)
    return [
        api.cloud.world.plant_image(name="x", created_at=hour - number * HOUR).id
        for number in range(3)
    ]


def test_the_last_item_of_a_page_is_repeated_on_the_next(api: Api) -> None:
    newest, middle, oldest = three_images(api)
    with api.cloud.failing(BadPages(items=Slip.REPEATED)):
        first = image_ids(api, limit=2)
        assert first == [newest, middle]
        assert image_ids(api, limit=2, marker=first[-1]) == [middle, oldest]


def test_an_item_of_a_page_is_missing_but_is_there_by_id(api: Api) -> None:
    planted = three_images(api)
    with api.cloud.failing(BadPages(items=Slip.MISSING), seed=4):
        listed = image_ids(api)
    [missing] = set(planted) - set(listed)
    assert len(listed) == 2
    assert api("GET", f"/image/v2/images/{missing}").status_code == 200


def test_the_items_of_a_page_are_shuffled_by_the_seed(api: Api) -> None:
    planted = three_images(api)

    def shuffled(seed: int) -> list[str]:
        with api.cloud.failing(BadPages(items=Slip.SHUFFLED), seed=seed):
            return image_ids(api)

    assert shuffled(3) == shuffled(3)
    assert {tuple(sorted(shuffled(seed))) for seed in range(9)} == {tuple(sorted(planted))}
    assert len({tuple(shuffled(seed)) for seed in range(9)}) > 1


@pytest.mark.parametrize("slip", list(Slip))
def test_pages_of_volumes_slip_too(api: Api, slip: Slip) -> None:
    def page(**arguments: object) -> list[Any]:
        volumes = api("GET", VOLUMES, params={"limit": 3, **arguments}).json()["volumes"]
        return [volume["id"] for volume in volumes]

    first, second = page(), page(marker=page()[-1])
    with api.cloud.failing(BadPages(items=slip), seed=1):
        page()
        spoilt = page(marker=first[-1])
    expected = {
        Slip.REPEATED: {first[-1], *second},
        Slip.MISSING: set(spoilt),
        Slip.SHUFFLED: set(second),
    }
    assert set(spoilt) == expected[slip]
    assert len(spoilt) == {Slip.REPEATED: 4, Slip.MISSING: 2, Slip.SHUFFLED: 3}[slip]


def test_the_marker_of_a_page_is_deleted(api: Api) -> None:
    newest, middle, oldest = three_images(api)
    with api.cloud.failing(LostMarker(first=1)):
        assert image_ids(api, limit=1) == [newest]
        answer = api("GET", listing(api), params={"limit": 1, "marker": newest})
        assert answer.status_code == 400
        assert image_ids(api) == [middle, oldest]


def test_no_export_is_started_beyond_the_limit_in_flight(api: Api) -> None:
    with api.cloud.failing(InFlight(limit=2, says=Overload.OVER_LIMIT, retry_after=60)):
        answers = [api.export(volume_id) for volume_id in (DB, WEB, LOG)]
        assert [answer.status_code for answer in answers] == [202, 202, 413]
        assert api.cloud.requests[-1].status == 413
        api.cloud.clock.advance(HOUR)
        assert api.export(LOG).status_code == 202
    assert api.cloud.world.most_exports == 2


def test_an_image_quota_refuses_in_the_clouds_own_words(api: Api) -> None:
    with api.cloud.failing(ImageQuota(limit=1)):
        assert api.export(DB).status_code == 202
        refused = api.export(WEB)
    told = {
        Dialect.HUAWEI: (400, "IMG.0015"),
        Dialect.OPENSTACK: (413, "Image quota exceeded"),
    }[api.cloud.dialect]
    assert refused.status_code == told[0]
    assert told[1] in refused.text
    assert api.export(WEB).status_code == 202


def test_a_skewed_clock_shows_in_every_date_but_moves_nothing(api: Api) -> None:
    with api.cloud.failing(Skew(seconds=-600)):
        date = email.utils.parsedate_to_datetime(api("GET", VOLUMES).headers["Date"])
    assert api.cloud.clock.now() - date == timedelta(minutes=10)


def test_faults_of_the_cloud_and_of_the_way_go_together(api: Api) -> None:
    with api.cloud.failing(ImageQuota(limit=0), Latency(seconds=0), InFlight(limit=9)):
        assert api.export().status_code in {400, 413}
