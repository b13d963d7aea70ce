"""A small cloud's facts for the tests of exports: two volumes, one policy, images by slot."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from volume_images.config.schema import Config
from volume_images.config.selection import Member
from volume_images.export.draft import Change, changed
from volume_images.export.scene import Scene
from volume_images.export.state import ExportState, Record, UnderWay, empty_export_state
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, Image, ImageStatus, Volume
from volume_images.recognition import GIB, Identity, ImageState, Recognised

DB = "16369c5d-384d-4e64-b37a-56d898769362"
WEB = "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"
PROJECT = "b2e6e1a4f6f84b6a9c2f8a0f6d5c4b3a"
DEPLOYMENT = "0123456789ab"
DAILY = GroupKey("daily", requested=False, volume_id=DB)
DAILY_WEB = GroupKey("daily", requested=False, volume_id=WEB)
REQUESTED = GroupKey("daily", requested=True, volume_id=DB)
SLOT = datetime(2026, 3, 10, 2, tzinfo=UTC)
NOW = SLOT + timedelta(minutes=5)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
IDENTITY = Identity(frozenset({"acme"}), PROJECT, frozenset({DEPLOYMENT}), {})


def config(cloud: Mapping[str, Any] | None = None, **policy: object) -> Config:
    """Return a config that covers DB and WEB; `policy` are changes of the policy."""
    daily = {
        "select": {"backup": "daily"},
        "schedule": "0 2 * * *",
        "catch_up": "12h",
        "retention": {"keep_last": 3},
    }
    otc = {"dialect": "huawei", "region": "eu-de", "project": "backup"}
    return Config.model_validate(
        {
            "prefix": "acme",
            "clouds": {"otc": otc | dict(cloud or {})},
            "policies": {"daily": daily | policy},
            "volumes": [
                {"id": DB, "cloud": "otc", "name": "db01", "tags": {"backup": "daily"}},
                {"id": WEB, "cloud": "otc", "name": "web01", "tags": {"backup": "daily"}},
            ],
        }
    )


MEMBERS = (Member("daily", DB, "db01"), Member("daily", WEB, "web01"))


def state(changes: Sequence[Change] = (), **fields: object) -> ExportState:
    """Return a state with these fields, then these changes."""
    return changed(empty_export_state(DEPLOYMENT).model_copy(update=fields), changes)


def records(**by_volume: Record) -> dict[str, dict[str, Record]]:
    """Return the `records` of a state: `db` and `web` stand for their scheduled groups."""
    groups = {"db": DAILY, "web": DAILY_WEB, "requested": REQUESTED}
    return {"records": {str(groups[name]): record for name, record in by_volume.items()}}


def volume(volume_id: str = DB, status: str = "available", size_gib: int = 40) -> Volume:
    """Return a volume."""
    return Volume(id=volume_id, name="db01", status=status, size_gib=size_gib)


def name(slot: datetime = SLOT, group: GroupKey = DAILY) -> str:
    """Return the name of a group's image of a slot."""
    return str(
        ImageName(
            prefix="acme",
            policy=group.policy,
            requested=group.requested,
            label="db01",
            volume_id=group.volume_id,
            slot=slot,
        )
    )


def image(
    slot: datetime = SLOT,
    status: str = ImageStatus.ACTIVE,
    group: GroupKey = DAILY,
    image_id: str = "",
) -> Image:
    """Return an image of ours, of the right size."""
    return Image(
        id=image_id or f"image-{slot:%d%H}-{group.volume_id[:4]}",
        name=name(slot, group),
        status=status,
        owner=PROJECT,
        created_at=slot + MINUTE,
        virtual_bytes=40 * GIB,
    )


def recognised(
    slot: datetime = SLOT,
    state: ImageState = ImageState.GOOD,
    group: GroupKey = DAILY,
    image_id: str = "",
) -> Recognised:
    """Return an image as `recognise` would."""
    seen = image(slot, group=group, image_id=image_id)
    parsed = ImageName.parse(seen.name)
    assert parsed is not None
    return Recognised(seen, parsed, group, state, "")


def under_way(
    slot: datetime = SLOT,
    group: GroupKey = DAILY,
    image_id: str = "image-1",
    intended_at: datetime = NOW,
) -> UnderWay:
    """Return an export that is followed; with an empty id, an intent."""
    return UnderWay(
        group=group,
        slot=slot,
        image_name=name(slot, group),
        run_id="run-1",
        intended_at=intended_at,
        deadline=intended_at + HOUR + 40 * MINUTE,
        image_id=image_id,
    )


def scene(
    known: ExportState | None = None,
    images: Sequence[Recognised] = (),
    *,
    volumes: Sequence[Volume] | None = (volume(DB), volume(WEB)),
    now: datetime = NOW,
    settings: Config | None = None,
    **fields: object,
) -> Scene:
    """Return what is known of the cloud when its exports are planned."""
    seen = known or state()
    groups: dict[GroupKey, list[Recognised]] = {}
    for one in images:
        groups.setdefault(one.group, []).append(one)
    return Scene(
        cloud="otc",
        config=settings or config(),
        config_version="v1",
        run_id="run-2",
        now=now,
        state=seen,
        volumes=None if volumes is None else {one.id: one for one in volumes},
        groups=groups,
        **fields,
    )
