"""Both dialects against the stateful sandbox: the same questions, each cloud's own answers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.cloud.sandbox_opened import open_sandbox
from tests.cloud.scripted import export_request
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.things import Visibility
from volume_images.cloud import huawei, openstack
from volume_images.cloud.open import OpenedCloud
from volume_images.dialect import Dialect
from volume_images.errors import Refused
from volume_images.model import ImageStatus

GIB = 1024**3
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=list(Dialect))
def sandbox(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=request.param, volumes=7, foreign=True) as running:
        yield running


@pytest.fixture
def cloud(sandbox: CloudSandbox) -> OpenedCloud:
    return open_sandbox(sandbox, sandbox.secret("cleanup"))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huawei, "VOLUMES_PAGE", 3)
    monkeypatch.setattr(huawei, "IMAGES_PAGE", 3)
    monkeypatch.setattr(openstack, "PAGE", 3)


@pytest.mark.usefixtures("small_pages")
def test_every_volume_is_listed_once_over_many_pages(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    found = cloud.volumes.all()
    assert sorted(volume.id for volume in found) == sorted(sandbox.world.volumes)
    first = found[0]
    assert (first.name, first.size_gib, first.status) == ("db01-data", 40, "available")
    assert first.tags == {"backup": "daily"}
    assert cloud.volumes.get(first.id) == first


def test_an_attached_encrypted_volume_says_so(sandbox: CloudSandbox, cloud: OpenedCloud) -> None:
    volume = next(iter(sandbox.world.volumes.values()))
    volume.server_id, volume.device, volume.encrypted = ABSENT, "/dev/vdb", True
    volume.status = volume.resting_status
    found = cloud.volumes.get(volume.id)
    assert found is not None
    assert (found.server_id, found.device, found.encrypted) == (ABSENT, "/dev/vdb", True)
    assert (found.zone, found.volume_type, found.status) == ("sandbox-1a", "SSD", "in-use")


def test_what_does_not_exist_is_none(cloud: OpenedCloud) -> None:
    assert cloud.volumes.get(ABSENT) is None
    assert cloud.images.get(ABSENT) is None
    assert cloud.images.delete(ABSENT) is False


@pytest.mark.usefixtures("small_pages")
def test_every_image_of_the_project_is_listed_once_over_many_pages(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    now = sandbox.clock.now()
    for hour in range(8):
        at = now - timedelta(hours=hour // 2)
        sandbox.world.plant_image(name=f"same-{hour}", created_at=at)
    own = {each.id for each in sandbox.world.images.values() if each.owner == sandbox.project_id}
    assert len(own) == 13
    assert {image.id for image in cloud.images.all()} == own


def test_created_since_narrows_the_listing(sandbox: CloudSandbox, cloud: OpenedCloud) -> None:
    now = sandbox.clock.now()
    young = sandbox.world.plant_image(name="young", created_at=now - timedelta(hours=1))
    sandbox.world.plant_image(name="old", created_at=now - timedelta(days=3))
    found = cloud.images.all(now - timedelta(days=1))
    assert [image.id for image in found] == [young.id]


def test_an_export_makes_an_image_that_settles(sandbox: CloudSandbox, cloud: OpenedCloud) -> None:
    volume = cloud.volumes.all()[0]
    disk_format = "zvhd2" if sandbox.dialect is Dialect.HUAWEI else "qcow2"
    asked = export_request(volume_id=volume.id, disk_format=disk_format)
    answer = cloud.volumes.export(asked)
    assert (answer.volume_id, answer.image_name) == (volume.id, asked.image_name)
    assert (answer.disk_format, answer.container_format) == (disk_format, "bare")
    assert (answer.status, answer.size_gib) == ("uploading", volume.size_gib)
    assert answer.updated_at is not None
    assert answer.volume_type is not None
    assert answer.volume_type.name == "SSD"
    started = cloud.images.get(answer.image_id)
    assert started is not None
    assert (started.status, started.size_bytes) == (ImageStatus.QUEUED, None)
    with pytest.raises(Refused):
        cloud.volumes.export(asked)
    sandbox.clock.advance(timedelta(minutes=5))
    active = cloud.images.get(answer.image_id)
    assert active is not None
    assert (active.status, active.owner) == (ImageStatus.ACTIVE, sandbox.project_id)
    assert active.size_bytes is not None
    if sandbox.dialect is Dialect.HUAWEI:
        assert (active.min_disk_gib, active.virtual_bytes) == (volume.size_gib, None)
    else:
        assert (active.min_disk_gib, active.virtual_bytes) == (None, volume.size_gib * GIB)
    assert active in cloud.images.all()


def test_tags_say_who_made_an_image_and_whether_it_is_pinned(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    huawei_tags = ["vi-deployment=0123456789ab", "vi-pin=kept by Ada", "other=1"]
    openstack_tags = ["vi-0123456789ab", "vi-pin", "other", "vi-nothex"]
    tags = huawei_tags if sandbox.dialect is Dialect.HUAWEI else openstack_tags
    now = sandbox.clock.now()
    ours = sandbox.world.plant_image(name="a", created_at=now, tags=tags, protected=True)
    plain = sandbox.world.plant_image(name="b", created_at=now, tags=["vi-pinned", "x=vi-pin"])
    tagged, other = cloud.images.get(ours.id), cloud.images.get(plain.id)
    assert tagged is not None
    assert (tagged.deployment, tagged.pinned, tagged.protected) == ("0123456789ab", True, True)
    assert other is not None
    assert (other.deployment, other.pinned, other.protected) == (None, False, False)


def test_a_protected_or_unfinished_image_is_not_deleted(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    now = sandbox.clock.now()
    protected = sandbox.world.plant_image(name="a", created_at=now, protected=True)
    plain = sandbox.world.plant_image(name="b", created_at=now)
    with pytest.raises(Refused):
        cloud.images.delete(protected.id)
    assert cloud.images.delete(plain.id) is True
    assert plain.id not in sandbox.world.images
    assert protected.id in sandbox.world.images


def test_members_are_listed(sandbox: CloudSandbox, cloud: OpenedCloud) -> None:
    now = sandbox.clock.now()
    shared = sandbox.world.plant_image(
        name="a", created_at=now, visibility=Visibility.SHARED, members=["p1", "p2"]
    )
    alone = sandbox.world.plant_image(name="b", created_at=now)
    assert cloud.images.members(shared.id) == ("p1", "p2")
    assert cloud.images.members(alone.id) == ()


def test_a_failed_export_leaves_a_message_in_cinder_alone(
    sandbox: CloudSandbox, cloud: OpenedCloud
) -> None:
    volume = cloud.volumes.all()[0]
    before = sandbox.clock.now()
    cloud.volumes.export(export_request(volume_id=volume.id, disk_format="vhd"))
    sandbox.clock.advance(timedelta(minutes=5))
    message = cloud.volumes.failure_message(volume.id, before)
    if sandbox.dialect is Dialect.OPENSTACK:
        assert message.startswith("copy volume to image:Failed to upload")
    else:
        assert message == ""
    assert cloud.volumes.failure_message(volume.id, before + timedelta(hours=1)) == ""
    assert cloud.volumes.failure_message(ABSENT, before) == ""
