"""`report`: how every volume stands, as a page to look at and to pass on."""

from pathlib import Path
from typing import Annotated

import typer

from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.output.printing import print_json, print_line, write_page
from volume_images.overview.gathering import look_at_fleet
from volume_images.pages.report import report_page
from volume_images.report import Function


def report(
    *,
    html: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the page.")],
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
) -> int:
    """Write a page of every volume with its images over time.

    The stale ones are on top. It is one file that asks nothing of any network; each cleanup writes
    the same page into the store, as reports/cleanup/latest.html. Exit code 1 when a volume is
    stale, or a cloud could not be asked.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    view = look_at_fleet(open_world(settings, Function.CLEANUP))
    write_page(html, report_page(view))
    if as_json:
        print_json(view.as_json(with_images=True))
    else:
        print_line(str(html))
    return ExitCode.NOT_FINE if view.is_stale or not view.is_known else ExitCode.FINE


EXAMPLES = options.examples(
    "volume-images report --html report.html",
    "volume-images report --config config.yaml --html /var/www/html/volumes.html",
)
