"""`config check` and `config schema`: before a config is uploaded."""

from collections.abc import Sequence
from typing import Annotated

import typer

from volume_images.bootstrap import config_source
from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.moved_volumes import moved_volumes
from volume_images.cli.output.printing import print_json, print_line
from volume_images.config.checks import check_config
from volume_images.config.lint import lint_config
from volume_images.config.schema import Config, config_schema, parse_config
from volume_images.connections import Connections
from volume_images.errors import ConfigError, Problem
from volume_images.overview.spelling import counted

commands = typer.Typer(
    help="Check the config document, or print its schema.",
    rich_markup_mode=None,
    epilog=options.examples(
        "volume-images config check config.yaml",
        "volume-images config schema > config.schema.json",
    ),
)


@commands.command(
    epilog=options.examples(
        "volume-images config check config.yaml",
        "volume-images config check s3://my-config-bucket/config.yaml --json",
        "volume-images config check new.yaml --store s3://my-state-bucket",
    )
)
def check(
    location: Annotated[str, typer.Argument(metavar="FILE|S3", help="A file, or s3://bucket/key.")],
    *,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="FOLDER|S3",
            help="Compare with what cleanup remembers there: which volumes change their policy."
            "  [VOLUME_IMAGES_STORE]",
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Say everything that is wrong with a config.

    Each problem comes with its path; the exit code is 2 if there is any. What does not parse
    stops a run; the other problems do not, but cannot be meant. A warning is what can be meant,
    and mostly is not: it leaves the exit code alone.
    """
    body = config_source(location, Connections()).read().body
    try:
        config = parse_config(body, location)
    except ConfigError as error:
        return _say(location, error.problems, (), "", as_json=as_json)
    warnings = (*lint_config(config), *moved_volumes(config, location, store))
    return _say(location, check_config(config), warnings, _size(config), as_json=as_json)


@commands.command(epilog=options.examples("volume-images config schema > config.schema.json"))
def schema() -> int:
    """Print the JSON Schema of the config, for editors."""
    print_json(config_schema())
    return ExitCode.FINE


def _say(
    location: str,
    problems: Sequence[Problem],
    warnings: Sequence[Problem],
    size: str,
    *,
    as_json: bool,
) -> int:
    if as_json:
        print_json(
            {
                "config": location,
                "problems": list(map(_entry, problems)),
                "warnings": list(map(_entry, warnings)),
            }
        )
    else:
        for problem in problems:
            print_line(f"{location}: {problem}")
        for warning in warnings:
            print_line(f"{location}: warning: {warning}")
        found = [counted(len(problems), "problem")] if problems else [f"{location}: fine ({size})"]
        if warnings:
            found.append(counted(len(warnings), "warning"))
        print_line(", ".join(found))
    return ExitCode.WRONG_INPUT if problems else ExitCode.FINE


def _entry(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "message": problem.message}


def _size(config: Config) -> str:
    return (
        f"clouds: {len(config.clouds)}, policies: {len(config.policies)},"
        f" volumes: {len(config.volumes)}, discover: {len(config.discover)}"
    )
