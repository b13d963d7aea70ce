"""What every command that acts by hand begins and ends with."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from volume_images.bootstrap import Connections, connect
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.printing import print_report
from volume_images.config.schema import Config, parse_config
from volume_images.errors import InputError, RunFailed
from volume_images.filing import filed
from volume_images.model import Trigger
from volume_images.observability import publish
from volume_images.protocols import World
from volume_images.report import Function, Report
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


def finish(
    report: Report,
    world: World,
    trigger: Trigger,
    settings: Settings,
    *,
    as_json: bool,
    show: Callable[[], str] | None = None,
) -> ExitCode:
    """File, log and print what a run did; who is to hear of runs hears of it, as on schedule."""
    if not report.address:
        report = filed(report, world.store)
    with suppress(RunFailed):  # what made it red is printed, and in the exit code
        publish(report, world, trigger, Connections().listeners(settings, show))
    return tell(report, world.config, as_json=as_json)


def tell(report: Report, config: Config, *, as_json: bool) -> ExitCode:
    """Print what was done, with the names that the config gives to volumes."""
    names = {volume.id: volume.name for volume in config.volumes}
    return print_report(report, names, as_json=as_json)
