"""`probe`: one small volume exported and restored, to prove the product on a cloud."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from volume_images.bootstrap import Connections, open_cloud_to_restore
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world, refuse_strange_clouds
from volume_images.cli.options import (
    ConfigOption,
    DeploymentOption,
    JsonOption,
    StoreOption,
    examples,
)
from volume_images.cli.output.grid import Column, cell, grid
from volume_images.cli.output.printing import complain, print_json, print_line
from volume_images.errors import InputError
from volume_images.model import Exchange, GroupKey, ImageMark
from volume_images.probe.card import Sightings, Verdict
from volume_images.probe.questions import answers
from volume_images.probe.transcript import transcript
from volume_images.probe.trying import Trial, try_out
from volume_images.protocols import World
from volume_images.report import Function
from volume_images.settings import Settings

_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOTED: ""}


def probe(  # noqa: PLR0913 - its options
    cloud: Annotated[str, typer.Argument(metavar="CLOUD", help="A cloud of the config.")],
    *,
    volume: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Export this volume instead of a new one; it is left as it is."
        ),
    ] = None,
    size_gib: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="GIB", help="Size of the new volume; 1 on openstack, 10 on huawei."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before anything is made.")] = False,
    transcript_file: Annotated[
        Path | None,
        typer.Option(
            "--transcript",
            metavar="FILE",
            help="Where to write what was said; by default beside you, named after the probe.",
        ),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Try a cloud out with one small volume: export it, restore it, compare, remove it all.

    It needs the cloud's `restore` secret, and costs what a small volume and an image cost for some
    minutes. What the documents leave open is answered for this cloud. The transcript holds no
    secret, and nothing of other volumes or images: send it to us when something is not as it should
    be.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    trial = _trial(world, settings, cloud, volume, size_gib)
    if not yes and not typer.confirm(_question(trial), err=True):
        complain("nothing was done")
        return ExitCode.WRONG_INPUT
    exchanges: list[Exchange] = []
    opened = open_cloud_to_restore(
        settings, cloud, trial.config, Connections(), world.clock, exchanges.append
    )
    seen = try_out(opened, trial, world.clock, exchanges)
    path = transcript_file or Path(f"{trial.name}.txt")
    _write(path, transcript(seen, version("volume-images")))
    _print(seen, path, as_json=as_json)
    return ExitCode.FINE if seen.passed else ExitCode.NOT_FINE


PROBE_EXAMPLES = examples(
    "volume-images probe otc --config config.yaml",
    "volume-images probe otc --volume 16369c5d-384d-4e64-b37a-56d898769362 --yes",
)


def _trial(
    world: World, settings: Settings, cloud: str, volume: str | None, size_gib: int | None
) -> Trial:
    """Say what is tried. Raises InputError."""
    refuse_strange_clouds(world.config, [cloud])
    config = world.config.clouds[cloud]
    if config.strategy == "ims_job" and volume is None:
        raise InputError(
            f"{cloud}: its strategy ims_job takes attached disks alone: name one with --volume"
        )
    group = GroupKey("probe", requested=True, volume_id=volume or "new")
    return Trial(
        cloud_name=cloud,
        config=config,
        name=f"vi-probe-{world.run_id}",
        size_gib=size_gib or config.dialect.traits.smallest_gib,
        mark=ImageMark(
            deployment_id=settings.deployment_id,
            group=group,
            slot=world.clock.now().replace(microsecond=0),
        ),
        volume_id=volume or "",
    )


def _question(trial: Trial) -> str:
    source = f"volume {trial.volume_id}" if trial.volume_id else f"a volume of {trial.size_gib} GiB"
    made = "" if trial.volume_id else "make "
    return (
        f"In {trial.cloud_name}: {made}{source}, export it as an image, restore that to a new"
        " volume, and remove what was made?"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        complain(f"{path}: the transcript cannot be written: {error.strerror}")


_STEP_COLUMNS = [
    Column("STEP"),
    Column(""),
    Column("SECONDS", right=True),
    Column("SEEN", wraps=True),
]
_ANSWER_COLUMNS = [
    Column("WHAT DOCUMENTS LEAVE OPEN", wraps=True),
    Column("SEEN HERE", wraps=True),
]


def _print(seen: Sightings, path: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "cloud": seen.cloud,
                "passed": seen.passed,
                "steps": [step.as_json() for step in seen.steps],
                "answers": {one.question: one.seen for one in answers(seen)},
                "left": list(seen.left),
                "transcript": str(path),
            }
        )
        return
    console = Console(highlight=False)
    steps = [
        [
            cell(step.name.value),
            cell(step.verdict.value, _STYLES[step.verdict]),
            cell(f"{step.seconds:.1f}"),
            cell(step.said),
        ]
        for step in seen.steps
    ]
    console.print(grid(_STEP_COLUMNS, steps, console.width), soft_wrap=True)
    print_line("")
    told = [[cell(one.question), cell(one.seen)] for one in answers(seen)]
    console.print(grid(_ANSWER_COLUMNS, told, console.width), soft_wrap=True)
    print_line("")
    for thing in seen.left:
        print_line(f"left behind, remove it by hand: {thing}")
    print_line(f"{seen.cloud}: {'PASSED' if seen.passed else 'FAILED'}; transcript: {path}")
