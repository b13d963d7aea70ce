"""`probe`: one small volume exported and restored, to prove the product on a cloud."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from volume_images.bootstrap import open_cloud_to_restore
from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world, refuse_strange_clouds
from volume_images.cli.output.printing import complain
from volume_images.cli.output.sightings import print_sightings
from volume_images.connections import Connections
from volume_images.errors import InputError
from volume_images.model import Exchange, GroupKey, ImageMark
from volume_images.probe.card import Sightings
from volume_images.probe.transcript import transcript
from volume_images.probe.trying import Trial, try_out
from volume_images.protocols import Clock, World
from volume_images.report import Function
from volume_images.settings import Settings


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
            help="Where to write what was said; by default in this folder, named after the probe.",
        ),
    ] = None,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    as_json: options.Json = False,
) -> int:
    """Try a cloud out: export and restore one small volume.

    What was restored is compared, and all that was made is removed. It needs the cloud's `restore`
    secret, and costs what a small volume and an image cost for some minutes. What the documents
    leave open is answered for this cloud. The transcript holds no secret, and nothing of other
    volumes or images: send it to us when something is wrong.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    world = open_world(settings, Function.CLEANUP)
    trial = _trial(world, settings, cloud, volume, size_gib)
    if not yes and not typer.confirm(_question(trial), err=True):
        complain("nothing was done")
        return ExitCode.WRONG_INPUT
    seen = _sightings(settings, trial, world.clock)
    path = transcript_file or Path(f"{trial.name}.txt")
    _write(path, transcript(seen, version("volume-images")))
    print_sightings(seen, path, as_json=as_json)
    return ExitCode.FINE if seen.passed else ExitCode.NOT_FINE


EXAMPLES = options.examples(
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
            f"{cloud}: its strategy ims_job takes attached volumes alone: name one with --volume"
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


def _sightings(settings: Settings, trial: Trial, clock: Clock) -> Sightings:
    """Try the cloud out, and keep what was said meanwhile."""
    exchanges: list[Exchange] = []
    cloud = open_cloud_to_restore(
        settings, trial.cloud_name, trial.config, Connections(), clock, exchanges.append
    )
    return try_out(cloud, trial, clock, exchanges)


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
