"""Marking images, image jobs, quotas, and volumes made anew: against both sandbox dialects."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.cloud.sandbox_opened import open_sandbox
from tests.cloud.scripted import (
    IMAGE,
    PASSWORD,
    PROJECT,
    TLS,
    VOLUME,
    ScriptedCloud,
    export_request,
    refusal,
)
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.wire import Answer, Request, json_answer
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, LostAnswer, Refused
from volume_images.model import (
    Exchange,
    ExportJob,
    GroupKey,
    ImageJob,
    ImageMark,
    JobStatus,
    NewVolume,
    VolumeStatus,
)

ABSENT = "00000000-0000-4000-8000-000000000000"
OURS = "a1b2c3d4e5f6"
MARK = ImageMark(
    deployment_id=OURS,
    group=GroupKey("daily", requested=True, volume_id=VOLUME),
    slot=datetime(2026, 3, 2, 2, tzinfo=UTC),
)
JOBS_PATH = "/image/v2/cloudimages/action"
JOB_PATH = f"/image/v1/{PROJECT}/jobs/j1"
QUOTA_PATH = "/image/v1/cloudimages/quota"


@pytest.fixture(scope="module", params=list(Dialect))
def sandbox(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=request.param, volumes=3) as running:
        yield running


@pytest.fixture(scope="module")
def cloud(sandbox: CloudSandbox) -> OpenedCloud:
    return open_sandbox(sandbox, sandbox.secret("restore"))


@pytest.fixture(scope="module")
def ims() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.HUAWEI, volumes=3) as running:
        yield running


@pytest.fixture
def huawei() -> Iterator[ScriptedCloud]:
    with ScriptedCloud(Dialect.HUAWEI) as running:
        yield running


def in_jobs(cloud: ScriptedCloud) -> OpenedCloud:
    return cloud.open(strategy="ims_job")


# --- marks


def test_a_marked_image_is_seen_as_ours(sandbox: CloudSandbox, cloud: OpenedCloud) -> None:
    image = sandbox.world.plant_image(name="a", created_at=sandbox.clock.now())
    assert cloud.images.mark(image.id, MARK)
    assert cloud.images.mark(image.id, MARK)
    marked = cloud.images.get(image.id)
    assert marked is not None
    assert marked.deployment == OURS
    assert not marked.pinned
    if sandbox.dialect is Dialect.HUAWEI:
        assert sorted(image.tags) == [
            f"vi-deployment={OURS}",
            "vi-policy=daily_request",
            "vi-slot=20260302T020000Z",
            f"vi-volume={VOLUME}",
        ]
    else:
        assert image.tags == [f"vi-{OURS}"]


def test_an_image_that_is_gone_cannot_be_marked(cloud: OpenedCloud) -> None:
    assert cloud.images.mark(ABSENT, MARK) is False


def test_the_values_of_a_mark_hold_only_what_every_region_takes(huawei: ScriptedCloud) -> None:
    """Letters, digits, `-` and `_`: what the tag pages allow in all of their forms."""
    path = f"/image/v2/{PROJECT}/images/{IMAGE}/tags/action"
    huawei.script("POST", path, Answer(204))
    huawei.open().images.mark(IMAGE, MARK)
    tags = json.loads(huawei.seen[-1].body)["tags"]
    assert all(tag["value"].replace("-", "").replace("_", "").isalnum() for tag in tags)
    assert all(len(tag["value"]) <= 43 for tag in tags)


# --- quotas


def test_only_huawei_tells_how_many_images_there_is_room_for(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    sandbox.world.image_quota = sandbox.world.own_images() + 4
    assert cloud.images.room() == (4 if sandbox.dialect is Dialect.HUAWEI else None)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, {"error": {"code": "IMG.0026", "message": "no right"}}),
        refusal(404, {"error_code": "APIGW.0101", "error_msg": "no such API"}),
        refusal(500, {"error": {"code": "IMG.0001", "message": "broken"}}),
        json_answer(200, {"quotas": {"resources": [{"type": "image_shared", "quota": 1}]}}),
        json_answer(200, {"quotas": None}),
    ],
)
def test_a_cloud_that_does_not_tell_its_quota_has_none_that_counts(
    huawei: ScriptedCloud, answer: Answer
) -> None:
    huawei.script("GET", QUOTA_PATH, answer)
    assert huawei.open().images.room() is None


def test_a_project_beyond_its_quota_has_no_room(huawei: ScriptedCloud) -> None:
    resource = {"type": "image", "used": 7, "quota": 5}
    huawei.script("GET", QUOTA_PATH, json_answer(200, {"quotas": {"resources": [resource]}}))
    assert huawei.open().images.room() == 0


# --- image jobs


def test_a_job_makes_an_image_of_an_attached_disk(ims: CloudSandbox) -> None:
    cloud = open_sandbox(ims, ims.secret("restore"), strategy="ims_job")
    volume = next(iter(ims.world.volumes.values()))
    volume.server_id, volume.status = "server-1", VolumeStatus.IN_USE
    job = cloud.volumes.export(export_request(volume_id=volume.id))
    assert isinstance(job, ExportJob)
    assert cloud.volumes.job(job.id) == ImageJob(JobStatus.RUNNING)
    ims.clock.advance(timedelta(seconds=90))
    ended = cloud.volumes.job(job.id)
    assert ended is not None
    assert ended.status is JobStatus.SUCCEEDED
    image = cloud.images.get(ended.image_id)
    assert image is not None
    assert (image.name, image.status) == ("acme_daily_db_x", "active")


def test_a_job_is_refused_for_a_disk_that_is_not_attached(ims: CloudSandbox) -> None:
    cloud = open_sandbox(ims, ims.secret("restore"), strategy="ims_job")
    detached = next(v for v in ims.world.volumes.values() if not v.server_id)
    with pytest.raises(Refused) as refused:
        cloud.volumes.export(export_request(volume_id=detached.id))
    assert refused.value.code == "IMG.0024"


def test_a_job_is_asked_for_by_name_and_disk_alone(huawei: ScriptedCloud) -> None:
    huawei.script("POST", JOBS_PATH, json_answer(200, {"job_id": "j1"}))
    assert in_jobs(huawei).volumes.export(export_request(force=True)) == ExportJob("j1")
    assert json.loads(huawei.seen[-1].body) == {
        "data_images": [{"name": "acme_daily_db_x", "volume_id": VOLUME}]
    }


def test_a_job_is_sent_once_and_an_unreadable_answer_is_a_lost_one(huawei: ScriptedCloud) -> None:
    huawei.script("POST", JOBS_PATH, json_answer(200, {"job": 7}))
    volumes = in_jobs(huawei).volumes
    with pytest.raises(LostAnswer):
        volumes.export(export_request())
    assert huawei.paths("POST").count(JOBS_PATH) == 1


def test_a_job_that_failed_says_why(huawei: ScriptedCloud) -> None:
    failed = {
        "status": "FAIL",
        "error_code": "IMG.0120",
        "fail_reason": "The data disk\nis unavailable.",
        "entities": {},
    }
    huawei.script("GET", JOB_PATH, json_answer(200, failed))
    why = "IMG.0120 The data disk is unavailable."
    assert in_jobs(huawei).volumes.job("j1") == ImageJob(JobStatus.FAILED, "", why)


@pytest.mark.parametrize(
    "entities",
    [
        {"image_id": IMAGE, "process_percent": 1},
        {"sub_jobs_result": [{"status": "SUCCESS", "entities": {"image_id": IMAGE}}]},
    ],
)
def test_the_image_of_a_job_is_named_by_it_or_by_its_part(
    huawei: ScriptedCloud, entities: dict[str, object]
) -> None:
    done = json_answer(200, {"status": "SUCCESS", "entities": entities})
    huawei.script("GET", JOB_PATH, done)
    assert in_jobs(huawei).volumes.job("j1") == ImageJob(JobStatus.SUCCEEDED, IMAGE)


def test_a_job_that_nobody_knows_is_none_and_one_of_no_known_status_is_no_answer(
    huawei: ScriptedCloud,
) -> None:
    unknown = refusal(404, {"error": {"code": "IMG.0027", "message": "no such job"}})
    huawei.script("GET", JOB_PATH, unknown, json_answer(200, {"status": "DANCING"}))
    volumes = in_jobs(huawei).volumes
    assert volumes.job("j1") is None
    with pytest.raises(CloudUnavailable, match="no job has status 'DANCING'"):
        volumes.job("j1")


# --- volumes made anew


def test_a_volume_is_made_of_an_image_and_removed(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    image = sandbox.world.plant_image(name="b", created_at=sandbox.clock.now(), size_gib=10)
    volume_id = cloud.restoring.create(NewVolume(name="back", size_gib=12, image_id=image.id))
    sandbox.clock.advance(timedelta(seconds=5))
    made = cloud.volumes.get(volume_id)
    assert made is not None
    assert (made.name, made.size_gib, made.status) == ("back", 12, "available")
    assert cloud.restoring.delete(volume_id) is True
    assert cloud.volumes.get(volume_id) is None
    assert cloud.restoring.delete(volume_id) is False


def test_a_restored_volume_is_made_exportable_again(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    """Cinder refuses to export it as it is: it would hand on what Glance does not take."""
    image = sandbox.world.plant_image(name="d", created_at=sandbox.clock.now(), size_gib=10)
    volume_id = cloud.restoring.create(NewVolume(name="back", size_gib=10, image_id=image.id))
    sandbox.clock.advance(timedelta(seconds=5))
    again = export_request(volume_id=volume_id, disk_format="raw")
    if sandbox.dialect is Dialect.OPENSTACK:
        with pytest.raises(Refused, match="Unable to set 'properties' to"):
            cloud.volumes.export(again)
    cloud.restoring.make_exportable(volume_id)
    cloud.restoring.make_exportable(volume_id)
    assert cloud.volumes.export(again)


def test_an_empty_volume_goes_where_it_is_told(sandbox: CloudSandbox, cloud: OpenedCloud) -> None:
    new = NewVolume(name="new", size_gib=10, zone="sandbox-1b", volume_type="SAS")
    made = sandbox.world.volumes[cloud.restoring.create(new)]
    assert (made.zone, made.volume_type, made.image_metadata) == ("sandbox-1b", "SAS", {})


def test_a_volume_smaller_than_its_image_is_refused(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    image = sandbox.world.plant_image(name="c", created_at=sandbox.clock.now(), size_gib=40)
    image.min_disk_gib = 40
    with pytest.raises(Refused):
        cloud.restoring.create(NewVolume(name="small", size_gib=10, image_id=image.id))


def test_a_volume_in_use_is_not_removed(sandbox: CloudSandbox, cloud: OpenedCloud) -> None:
    volume = next(iter(sandbox.world.volumes.values()))
    volume.status = VolumeStatus.IN_USE
    with pytest.raises(Refused):
        cloud.restoring.delete(volume.id)
    volume.status = VolumeStatus.AVAILABLE


def test_a_creation_is_sent_once_and_an_unreadable_answer_is_a_lost_one(
    huawei: ScriptedCloud,
) -> None:
    path = f"/volume/v3/{PROJECT}/volumes"
    huawei.script("POST", path, json_answer(202, {"volume": {}}))
    with pytest.raises(LostAnswer):
        huawei.open().restoring.create(NewVolume(name="x", size_gib=10))
    assert huawei.paths("POST").count(path) == 1


# --- transcripts


def test_a_recorded_exchange_holds_neither_token_nor_password(huawei: ScriptedCloud) -> None:
    """An answer that echoes both, as a proxy's error page may."""
    recorded: list[Exchange] = []

    def echo(request: Request) -> Answer:
        return json_answer(200, {"echo": [request.header("X-Auth-Token"), PASSWORD]})

    huawei.script("GET", QUOTA_PATH, echo)
    cloud = open_cloud(
        huawei.config(), huawei.secret(), clock=huawei.clock, tls=TLS, record=recorded.append
    )
    assert cloud.images.room() is None
    seen = recorded[-1]
    assert (seen.method, seen.status, seen.sent) == ("GET", 200, "")
    assert seen.token_length == len("canary-token-1")
    assert "canary" not in repr(recorded)
