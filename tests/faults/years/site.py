"""One cloud of a simulated year: its volumes, its strangers, its trouble, and who watches it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.faults.invariants import Watch
from tests.faults.memory_cloud import MemoryCloud
from tests.faults.trouble import Trouble
from tests.faults.weather import DAY
from tests.faults.year_fleet import GRACE, PLACES, PREFIX, FleetVolume
from tests.faults.years.clock import VirtualClock
from tests.sandbox.clock import SandboxClock
from tests.sandbox.things import SandboxImage, SandboxVolume
from tests.sandbox.world import World

EXPORT_SECONDS = 500.0


@dataclass(slots=True)
class Site:
    """One cloud, and who watches it.

    `expired` and `unfinished` are the images that a calm began with, and must end without.
    """

    cloud: MemoryCloud
    watch: Watch
    expired: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()


def site(
    name: str,
    volumes: Sequence[FleetVolume],
    clock: VirtualClock,
    trouble: Trouble,
    called: Callable[[], None],
) -> Site:
    """Make a cloud with its volumes, and images of others."""
    first = clock.now()
    dialect = next(place.dialect for place in PLACES if place.name == name)
    world = World(dialect, SandboxClock(first, clock.monotonic), f"{name}-project")
    world.export_seconds = EXPORT_SECONDS
    for volume in volumes:
        world.volumes[volume.id] = _made(volume, first)
    _plant_strangers(world, volumes[0], first)
    return Site(MemoryCloud(world, trouble, called), Watch(world, grace=GRACE))


def ours(world: World) -> list[SandboxImage]:
    """Return the images that the product made."""
    own = f"{PREFIX}_"
    return [
        image
        for image in world.images.values()
        if image.owner == world.project_id and image.name.startswith(own) and image.volume_id
    ]


def _made(volume: FleetVolume, first: datetime) -> SandboxVolume:
    return SandboxVolume(
        id=volume.id,
        name=volume.name,
        size_gib=10,
        created_at=first - 400 * DAY,
        updated_at=first - 400 * DAY,
        tags=dict.fromkeys(volume.tags, "yes"),
    )


def _plant_strangers(world: World, volume: FleetVolume, first: datetime) -> None:
    """Put images of others there, with tempting names."""
    old = first - 300 * DAY
    name = f"{PREFIX}_{volume.tags[0]}_{volume.name}_{volume.id}_{old:%Y%m%dT%H%M%SZ}"
    world.plant_image(name=name, created_at=old, owner="another-project", image_id="of-others")
    world.plant_image(name=name[:-1], created_at=old, image_id="no-name-of-ours")
    other = ["vi-ffffffffffff"]
    world.plant_image(name=name, created_at=old, tags=other, image_id="of-another-deployment")
    world.plant_image(name=name, created_at=old, protected=True, image_id="protected")
