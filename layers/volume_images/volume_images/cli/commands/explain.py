"""`explain`: why one image stays or goes, and what would change that."""

from typing import Annotated

import typer

from volume_images.cleanup.explaining import Explanation
from volume_images.cleanup.inquiry import explain_image
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.inputs.world import open_world
from volume_images.cli.options import (
    ConfigOption,
    DeploymentOption,
    JsonOption,
    StoreOption,
    examples,
)
from volume_images.cli.output.printing import print_json, print_line
from volume_images.overview.spelling import in_utc
from volume_images.report import Function, ImageResult


def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image by its id or name.")],
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say why an image stays or goes, and what would have to change.

    It is judged as the next cleanup would judge it. Nothing is written, announced or deleted.
    """
    settings = settings_by_hand(config=config, store=store, deployment=deployment)
    explained = explain_image(open_world(settings, Function.CLEANUP), image)
    if as_json:
        print_json(explained.as_json())
    elif explained.result in (ImageResult.UNKNOWN, ImageResult.GONE):
        print_line("; ".join([_verdict(explained), *map("goes with {}".format, explained.to_go)]))
    else:
        _print(explained)
    return ExitCode.FINE


EXPLAIN_EXAMPLES = examples(
    "volume-images explain c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10",
    "volume-images explain c2b7f0d4-0f0e-4a77-8a53-6b1f3f9d8e10 --json",
)


def _verdict(explained: Explanation) -> str:
    said = explained.reasons
    if explained.result is not ImageResult.UNKNOWN:  # whose reasons begin with that word
        said = f"{explained.result}: {said}"
    return f"{explained.image.image.id}: {said}"


def _print(explained: Explanation) -> None:
    image = explained.image
    print_line(_verdict(explained))
    print_line(f"  name   {image.image.name}")
    print_line(f"  group  {image.group} in {explained.cloud}, slot {in_utc(image.name.slot)}")
    if explained.in_floor:
        print_line("  floor  among the newest that stay whatever the rules say")
    if explained.standing is not None:
        standing = explained.standing
        print_line(
            f"  goes   at {in_utc(standing.deletes_at)} at the earliest,"
            f" after standing announced since {in_utc(standing.since)}"
        )
    for title, lines in (("It stays with", explained.to_stay), ("It goes with", explained.to_go)):
        if lines:
            print_line(f"{title} any of:" if len(lines) > 1 else f"{title}:")
        for line in lines:
            print_line(f"  {line}")
    if not (explained.to_stay or explained.to_go):
        print_line("Neither other rules nor newer images let it go.")
