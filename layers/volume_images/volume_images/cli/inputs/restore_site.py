"""Where a restore takes place: a cloud of the config, or one that clouds.yaml alone describes."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from volume_images.bootstrap import connect_to_restore, open_cloud_to_restore
from volume_images.cleanup.state import CleanupState, empty_cleanup_state
from volume_images.cli.inputs.entry_cloud import EntryCloud, cloud_of
from volume_images.cli.inputs.settings import settings_without_config
from volume_images.cli.inputs.world import refuse_strange_clouds
from volume_images.clock import SystemClock
from volume_images.config.schema import Config
from volume_images.connections import Connections
from volume_images.dialect import Dialect
from volume_images.errors import InputError, StoreError
from volume_images.image_name import ImageName
from volume_images.protocols import Clock, RestoreCloud, RestoreWorld
from volume_images.restore.ground import remembered
from volume_images.restore.run import Ours
from volume_images.run_id import new_run_id
from volume_images.settings import Settings

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSite:
    """An opened cloud, and what is known of its images; `ours` is None without a config."""

    name: str
    cloud: RestoreCloud
    dialect: Dialect
    volume_id: str
    run_id: str
    clock: Clock
    ours: Ours | None


def site_of_entry(given: EntryCloud, volume: str) -> RestoreSite:
    """Open a cloud by clouds.yaml alone: no AWS, no config, no state. Raises InputError."""
    config = cloud_of(given)
    clock = SystemClock()
    settings = settings_without_config()
    cloud = open_cloud_to_restore(settings, given.entry, config, Connections(), clock)
    return RestoreSite(
        name=given.entry,
        cloud=cloud,
        dialect=config.dialect,
        volume_id=_id(volume),
        run_id=new_run_id(clock.now()),
        clock=clock,
        ours=None,
    )


def site_of_config(
    settings: Settings, cloud: str | None, volume: str, image: str, warn: Warn
) -> RestoreSite:
    """Open the cloud of the config that a volume, or an image by its name, is in."""
    world = connect_to_restore(settings, Connections())
    volume_id = _by_name(world.config, volume)
    of_name = ImageName.parse(image)
    about = volume_id or (of_name.volume_id if of_name else "")
    name = _cloud_name(world, cloud, about)
    ours = Ours(
        config=world.config,
        deployment_id=world.deployment_id,
        state=_state(world, name, warn),
    )
    return RestoreSite(
        name=name,
        cloud=world.open_cloud(name),
        dialect=world.config.clouds[name].dialect,
        volume_id=volume_id,
        run_id=world.run_id,
        clock=world.clock,
        ours=ours,
    )


def _by_name(config: Config, wanted: str) -> str:
    """Return the id of a volume, which the config may name. Raises InputError."""
    found = [entry.id for entry in config.volumes if wanted and entry.name == wanted]
    if len(found) > 1:
        raise InputError(
            f"{wanted}: several volumes have this name: name one by its id: {', '.join(found)}"
        )
    return found[0] if found else _id(wanted)


def _id(wanted: str) -> str:
    try:
        return str(UUID(wanted)) if wanted else ""
    except ValueError:
        raise InputError(
            f"{wanted}: no name of a volume in a config: give the volume's id"
        ) from None


def _cloud_name(world: RestoreWorld, asked: str | None, volume_id: str) -> str:
    """Find the cloud: the one that is asked for, lists the volume, or has had it."""
    names = list(world.config.clouds)
    if asked is not None:
        refuse_strange_clouds(world.config, [asked])
        return asked
    if len(names) == 1:
        return names[0]
    listed = [entry.cloud for entry in world.config.volumes if entry.id == volume_id]
    known = listed or [
        name for name in names if volume_id in _state(world, name, lambda _: None).volumes
    ]
    if len(known) == 1:
        return known[0]
    raise InputError(f"--cloud: not given, and nothing tells which of {', '.join(names)}: name it")


def _state(world: RestoreWorld, name: str, warn: Warn) -> CleanupState:
    """Read what cleanup remembers; a person in need is not held up by a store that is down."""
    try:
        return remembered(world.store, name, world.deployment_id)
    except StoreError as error:
        warn(f"what cleanup remembers of {name} cannot be read, and is not used: {error}")
        return empty_cleanup_state(world.deployment_id)
