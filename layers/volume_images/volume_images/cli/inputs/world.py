"""What a command by hand acts in: the config that is there now, and its clouds."""

from collections.abc import Iterable

from volume_images.bootstrap import connect
from volume_images.config.schema import Config, parse_config
from volume_images.connections import Connections
from volume_images.errors import InputError
from volume_images.protocols import World
from volume_images.report import Function
from volume_images.settings import Settings


def open_world(settings: Settings, function: Function) -> World:
    """Connect with the config that is there now. Raises InputError, StoreError.

    A scheduled export goes on with the last config that could be read; a person who names one
    means that one.
    """
    world = connect(settings, function, Connections())
    if world.config_fault:
        parse_config(world.store.config().body, settings.config)
    return world


def refuse_strange_clouds(config: Config, named: Iterable[str]) -> None:
    """Raise InputError if a cloud is named that the config does not have."""
    strange = sorted(set(named) - config.clouds.keys())
    if strange:
        there_are = ", ".join(config.clouds)
        raise InputError(f"{', '.join(strange)}: no cloud of the config: there are {there_are}")
