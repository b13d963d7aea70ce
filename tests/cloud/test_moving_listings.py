"""Volumes that come and go while their listing is read, page by page, in both dialects."""

from collections.abc import Callable, Iterator

import pytest

from tests.cloud.sandbox_opened import open_sandbox
from tests.cloud.scripted import PROJECT, VOLUME, ScriptedCloud
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.wire import json_answer
from tests.sandbox.world import World
from volume_images.cloud import huawei, openstack
from volume_images.cloud.open import OpenedCloud
from volume_images.dialect import Dialect
from volume_images.errors import IncompleteListing
from volume_images.model import Exchange

Movement = Callable[[World], None]
PAGE = 3


@pytest.fixture(params=list(Dialect))
def sandbox(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=request.param, volumes=10) as running:
        yield running


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huawei, "VOLUMES_PAGE", PAGE)
    monkeypatch.setattr(openstack, "PAGE", PAGE)


def moving(sandbox: CloudSandbox, *movements: Movement | None) -> OpenedCloud:
    """Open the cloud; after each page of volumes, the next movement takes place."""
    left = list(movements)

    def record(seen: Exchange) -> None:
        if "/detail" in seen.url and left and (movement := left.pop(0)) is not None:
            movement(sandbox.world)

    return open_sandbox(sandbox, sandbox.secret("export"), record=record)


def one_more(world: World) -> None:
    """Add one before all others: the listing is newest first."""
    world.create_volume(name="new", size_gib=10, zone="", volume_type="", image=None)


def first_goes(world: World) -> None:
    del world.volumes[newest_first(world)[0]]


def marker_goes(world: World) -> None:
    """Remove the volume that the next page begins after."""
    del world.volumes[newest_first(world)[PAGE - 1]]


def last_goes(world: World) -> None:
    del world.volumes[newest_first(world)[-1]]


def one_comes_and_one_goes(world: World) -> None:
    last_goes(world)
    one_more(world)


def newest_first(world: World) -> list[str]:
    volumes = world.volumes.values()
    ordered = sorted(volumes, key=lambda volume: (volume.created_at, volume.id), reverse=True)
    return [volume.id for volume in ordered]


@pytest.mark.parametrize("pages_before", [0, 1, 2])
@pytest.mark.parametrize(
    "movement", [one_more, first_goes, marker_goes, last_goes, one_comes_and_one_goes]
)
def test_what_is_there_all_the_time_is_listed_once_whatever_moves(
    sandbox: CloudSandbox, movement: Movement, pages_before: int
) -> None:
    before = set(sandbox.world.volumes)
    found = [one.id for one in moving(sandbox, *[None] * pages_before, movement).volumes.all()]
    assert len(found) == len(set(found))
    assert before & set(sandbox.world.volumes) <= set(found)


def test_a_listing_that_never_stands_still_is_no_listing() -> None:
    with CloudSandbox(dialect=Dialect.HUAWEI, volumes=10) as restless:
        volumes = moving(restless, *[one_more] * 99).volumes
        with pytest.raises(IncompleteListing, match="changed while it was read"):
            volumes.all()


@pytest.mark.parametrize(
    "tags",
    [
        {"backup": "daily", "app": ""},
        [{"key": "backup", "value": "daily"}, {"key": "app", "value": ""}],
    ],
)
def test_evs_tags_may_be_a_map_or_a_list(tags: object) -> None:
    """A map in its listings, a list of keys and values in its tag calls."""
    with ScriptedCloud(Dialect.HUAWEI) as cloud:
        path = f"/volume/v2/{PROJECT}/cloudvolumes/{VOLUME}"
        document = {"id": VOLUME, "status": "available", "size": 40, "tags": tags}
        cloud.script("GET", path, json_answer(200, {"volume": document}))
        volume = cloud.open().volumes.get(VOLUME)
    assert volume is not None
    assert volume.tags == {"backup": "daily", "app": ""}
