"""The end of every run by hand: its report filed, told of and printed."""

from collections.abc import Callable
from contextlib import suppress

from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.output.printing import print_report
from volume_images.config.schema import Config
from volume_images.connections import Connections
from volume_images.errors import RunFailed
from volume_images.filing import filed
from volume_images.model import Trigger
from volume_images.protocols import World
from volume_images.publishing import publish
from volume_images.report import Report
from volume_images.settings import Settings


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
