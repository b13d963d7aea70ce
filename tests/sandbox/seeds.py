"""What the sandbox holds from the start: volumes, and images with tempting names."""

import random
import uuid
from datetime import datetime, timedelta

from tests.sandbox.things import SandboxVolume, Visibility
from tests.sandbox.world import World
from volume_images.dialect import Dialect

PREFIX = "acme-demo"
BACKUP_TAGS = {"backup": "daily"}
FIRST_VOLUMES = (
    ("16369c5d-384d-4e64-b37a-56d898769362", "db01-data", 40),
    ("5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42", "web01-root", 10),
    ("c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10", "db01-log", 20),
)
"""Their ids, names and sizes never change: the example events name them."""

OTHER_PROJECT = "ffffffffffffffffffffffffffffffff"
OTHER_DEPLOYMENT = "0123456789ab"
SIZES_GIB = (10, 20, 40, 50, 100, 200)
AGE = timedelta(days=400)


def plant_volumes(world: World, count: int) -> None:
    """Fill the world with the first three volumes, then with as many more as asked for.

    The further ones are the same on every start.
    """
    dice = random.Random("sandbox volumes")  # noqa: S311 - the same volumes every time
    more = (
        (str(uuid.UUID(int=dice.getrandbits(128), version=4)), f"vol{number:04}-data")
        for number in range(4, count + 1)
    )
    volumes = [*FIRST_VOLUMES[:count], *((*each, dice.choice(SIZES_GIB)) for each in more)]
    newest = world.clock.now() - AGE
    for position, (volume_id, name, size_gib) in enumerate(volumes):
        created_at = newest - timedelta(minutes=position)
        world.volumes[volume_id] = SandboxVolume(
            id=volume_id,
            name=name,
            size_gib=size_gib,
            created_at=created_at,
            updated_at=created_at,
            tags=dict(BACKUP_TAGS),
        )


def plant_foreign_images(world: World) -> None:
    """Add images that no retention rule may ever touch, with names that invite a mistake."""
    volume_id, label, size_gib = FIRST_VOLUMES[0]
    night = world.clock.now().replace(hour=2, minute=0, second=0, microsecond=0)
    old = night - timedelta(days=300)

    def name(at: datetime, prefix: str = PREFIX) -> str:
        return f"{prefix}_daily_{label}_{volume_id}_{at:%Y%m%dT%H%M%SZ}"

    huawei = world.dialect is Dialect.HUAWEI
    tag = f"vi-deployment={OTHER_DEPLOYMENT}" if huawei else f"vi-{OTHER_DEPLOYMENT}"
    world.plant_image(
        name=name(old),
        created_at=old,
        size_gib=size_gib,
        owner=OTHER_PROJECT,
        visibility=Visibility.SHARED,
        members=[world.project_id],
    )
    world.plant_image(
        name=name(old - timedelta(days=1)),
        created_at=old,
        size_gib=size_gib,
        owner=OTHER_PROJECT,
        visibility=Visibility.PUBLIC,
    )
    world.plant_image(
        name=f"{PREFIX}_daily_{label}_before-upgrade", created_at=old, size_gib=size_gib
    )
    world.plant_image(name=name(old, "acme-prod"), created_at=old, size_gib=size_gib)
    world.plant_image(
        name=name(old - timedelta(days=2)), created_at=old, size_gib=size_gib, tags=[tag]
    )
    kept = old - timedelta(days=3)
    world.plant_image(
        name=name(kept), created_at=kept, volume_id=volume_id, size_gib=size_gib, protected=True
    )
    pinned = kept - timedelta(days=1)
    pin = "vi-pin=1" if huawei else "vi-pin"
    world.plant_image(
        name=name(pinned), created_at=pinned, volume_id=volume_id, size_gib=size_gib, tags=[pin]
    )
    world.plant_image(
        name="ubuntu-24.04", created_at=old, owner=OTHER_PROJECT, visibility=Visibility.PUBLIC
    )
