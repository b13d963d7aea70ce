"""A small cloud's facts for the tests of cleanup: two volumes, one policy, images by slot."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from volume_images.cleanup.plan import CleanupPlan, CloudFacts, GroupPlan, Scope
from volume_images.cleanup.planning import plan_cleanup
from volume_images.cleanup.rows import Past
from volume_images.cleanup.state import empty_cleanup_state
from volume_images.config.schema import Config
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, Image, Volume
from volume_images.recognition import GIB

DB = "16369c5d-384d-4e64-b37a-56d898769362"
WEB = "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"
PROJECT = "b2e6e1a4f6f84b6a9c2f8a0f6d5c4b3a"
DEPLOYMENT = "0123456789ab"
DAILY = GroupKey("daily", requested=False, volume_id=DB)
REQUESTED = GroupKey("daily", requested=True, volume_id=DB)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
GRACE = timedelta(hours=72)
NOTHING = Past(empty_cleanup_state(DEPLOYMENT), {})


def config(*, keep_last: int = 3, min_keep: int = 1, **changes: Any) -> Config:  # noqa: ANN401
    """Return a config that covers DB; `changes` are those of the policy."""
    policy = {
        "select": {"backup": "daily"},
        "schedule": "0 2 * * *",
        "max_age": "40h",
        "retention": {"keep_last": keep_last, "min_keep": min_keep},
    }
    return Config.model_validate(
        {
            "prefix": "acme",
            "clouds": {"otc": {"dialect": "huawei", "region": "eu-de", "project": "backup"}},
            "policies": {"daily": policy | changes},
            "volumes": [{"id": DB, "cloud": "otc", "tags": {"backup": "daily"}}],
        }
    )


def slot(day: int) -> datetime:
    """Return the slot of a day in March 2026."""
    return datetime(2026, 3, 1, 2, tzinfo=UTC) + (day - 1) * DAY


def image(of: int | datetime, image_id: str = "", **changes: Any) -> Image:  # noqa: ANN401
    """Return a good image of DB, by its slot or the day of it."""
    when = slot(of) if isinstance(of, int) else of
    group = changes.pop("group", DAILY)
    name = ImageName(
        prefix="acme",
        policy=group.policy,
        requested=group.requested,
        label="db01",
        volume_id=group.volume_id,
        slot=when,
    )
    fields: dict[str, Any] = {
        "id": image_id or f"{group.policy_segment}-{when:%m%dT%H%M}",
        "name": str(name),
        "status": "active",
        "owner": PROJECT,
        "created_at": when + timedelta(minutes=3),
        "virtual_bytes": 40 * GIB,
    }
    return Image(**(fields | changes))


def days(*numbers: int) -> list[Image]:
    """Return a good image of each of these days."""
    return [image(number) for number in numbers]


def volumes(*ids: str) -> Mapping[str, Volume]:
    """Return volumes of 40 GiB."""
    return {
        volume_id: Volume(id=volume_id, name="db01", status="in-use", size_gib=40, zone="eu-de-01")
        for volume_id in ids
    }


def facts(
    images: Iterable[Image],
    at: datetime = NOW,
    *,
    present: Sequence[str] = (DB, WEB),
    stuck: Mapping[str, datetime] | None = None,
) -> CloudFacts:
    """Return what is seen of the cloud."""
    return CloudFacts(
        cloud="otc",
        project_id=PROJECT,
        at=at,
        volumes=volumes(*present),
        images=tuple(images),
        stuck=stuck or {},
    )


def plan(
    images: Iterable[Image],
    at: datetime = NOW,
    *,
    by: Config | None = None,
    version: str = "v1",
    scope: Scope | None = None,
    stuck: Mapping[str, datetime] | None = None,
    past: Past = NOTHING,
) -> CleanupPlan:
    """Plan the cleanup of these images."""
    seen = facts(images, at, stuck=stuck)
    return plan_cleanup(by or config(), version, DEPLOYMENT, seen, scope or Scope(), past)


def only_group(found: CleanupPlan) -> GroupPlan:
    """Return the one group of a plan."""
    (group,) = found.groups
    return group
