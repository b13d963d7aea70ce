"""`simulate`: what a config will come to, before it is used."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from volume_images.bootstrap import config_source
from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.volumes_file import read_volumes
from volume_images.cli.output.forecast_document import forecast_document
from volume_images.cli.output.forecast_tables import forecast_tables
from volume_images.cli.output.printing import print_json, print_line, write_page
from volume_images.cli.times import parse_day
from volume_images.clock import SystemClock
from volume_images.config.schema import Config, parse_config
from volume_images.connections import Connections
from volume_images.errors import InputError
from volume_images.forecast import Fleet, Rival, forecast
from volume_images.pages.simulation import simulation_page
from volume_images.simulate import Span

MOST_DAYS = 36525
"""A century: dates have an end."""


def simulate(  # noqa: PLR0913 - its options
    *,
    config: Annotated[
        str,
        typer.Option(
            "--config",
            metavar="FILE|S3",
            envvar="VOLUME_IMAGES_CONFIG",
            show_envvar=False,
            help="The config: a file, or s3://bucket/key.  [VOLUME_IMAGES_CONFIG]",
        ),
    ],
    days: Annotated[
        int, typer.Option(min=1, max=MOST_DAYS, metavar="N", help="How many days.")
    ] = 400,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="The first day, in UTC. By default today."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="This policy alone; may be given more than once. By default all."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            help="Compare with the rules of another policy of the config, or of another config's"
            " policies of the same names, on the same slots.",
        ),
    ] = None,
    size_gib: Annotated[
        float | None,
        typer.Option(min=0, metavar="N", help="Take every volume of unknown size for so large."),
    ] = None,
    volumes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Sizes, and what `discover` would find: a JSON list of id, size_gib, cloud and"
            " tags, or what `openstack volume list --long -f json` prints.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with calendars, too.")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Show what schedule and retention will come to, day by day.

    Every slot gives an image, none is there at first, and no request is made. Nothing is asked of
    any cloud, and nothing changed.
    """
    parsed = _read(config)
    span = Span(_midnight(start), days)
    _check_names(parsed, policy or [])
    found = forecast(
        parsed,
        source=config,
        span=span,
        fleet=Fleet(read_volumes(volumes, parsed) if volumes else {}, size_gib),
        only=policy or (),
        against=against or "",
        rivals=_rivals(parsed, against) if against else None,
    )
    if html is not None:
        write_page(html, simulation_page(found))
    if as_json:
        print_json(forecast_document(found))
        return ExitCode.FINE
    Console(highlight=False).print(forecast_tables(found))
    if html is not None:
        print_line(str(html))
    return ExitCode.FINE


EXAMPLES = options.examples(
    "volume-images simulate --config config.yaml --size-gib 40 --html sim.html",
    "volume-images simulate --config config.yaml --days 3650 --policy daily",
    "volume-images simulate --config config.yaml --against new-config.yaml",
)


def _read(location: str) -> Config:
    return parse_config(config_source(location, Connections()).read().body, location)


def _midnight(text: str | None) -> datetime:
    try:
        return parse_day(text or f"{SystemClock().now():%Y-%m-%d}")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--from") from None


def _check_names(config: Config, names: list[str]) -> None:
    for name in names:
        if name not in config.policies:
            raise InputError(f"no policy is named {name}: there are {', '.join(config.policies)}")


def _rivals(config: Config, against: str) -> Mapping[str, Rival]:
    """Take what to compare with for a policy if one has that name, else for a config."""
    if against in config.policies:
        rival = Rival(against, config.policies[against], config.grace)
        return dict.fromkeys(config.policies, rival)
    other = _read(against)
    return {
        name: Rival(f"{name} of {against}", policy, other.grace)
        for name, policy in other.policies.items()
    }
