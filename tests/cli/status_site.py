"""A fleet of four volumes, of which one is fresh, one stale, one new and one under no policy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tests.sandbox.seeds import PREFIX
from tests.sandbox.stack import POLICY_NAME, SandboxStack
from tests.sandbox.world import SandboxImage, SandboxVolume
from volume_images.dialect import Dialect
from volume_images.image_name import ImageName

SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@contextmanager
def fleet() -> Iterator[SandboxStack]:
    """Give a sandbox whose first volume has eleven images, and whose second three old ones."""
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=4) as stack:
        fresh, stale, _, bare = volumes(stack)
        document = json.loads(json.dumps(stack.document))
        document["policies"][POLICY_NAME]["retention"] = {"keep_last": 3}
        document["volumes"] = [one for one in document["volumes"] if one["id"] != bare.id]
        stack.write_config(document)
        for nights in range(11):
            plant(stack, fresh, nights)
        for nights in range(5, 8):
            plant(stack, stale, nights)
        yield stack


def volumes(stack: SandboxStack) -> list[SandboxVolume]:
    """Return the volumes in the order of the config."""
    return list(stack.cloud.world.volumes.values())


def plant(
    stack: SandboxStack, volume: SandboxVolume, nights: int, *, requested: bool = False
) -> SandboxImage:
    """Plant a good image of so many nights before."""
    slot = SLOT - nights * DAY
    name = ImageName(
        prefix=PREFIX,
        policy=POLICY_NAME,
        requested=requested,
        label=volume.name,
        volume_id=volume.id,
        slot=slot,
    )
    return stack.cloud.world.plant_image(
        name=str(name), created_at=slot + timedelta(minutes=3), volume_id=volume.id
    )
