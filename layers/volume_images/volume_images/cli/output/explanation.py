"""Why one image stays or goes, in words."""

from volume_images.cleanup.explaining import Explanation
from volume_images.cli.output.printing import print_json, print_line
from volume_images.overview.spelling import in_utc
from volume_images.report import ImageResult


def print_explanation(explained: Explanation, *, as_json: bool) -> None:
    """Print the verdict, and what would change it."""
    if as_json:
        print_json(explained.as_json())
    elif explained.result in (ImageResult.UNKNOWN, ImageResult.GONE):
        print_line(
            "; ".join([_verdict(explained), *(f"goes with {one}" for one in explained.to_go)])
        )
    else:
        _print_whole(explained)


def _print_whole(explained: Explanation) -> None:
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


def _verdict(explained: Explanation) -> str:
    said = explained.reasons
    if explained.result is not ImageResult.UNKNOWN:  # whose reasons begin with that word
        said = f"{explained.result}: {said}"
    return f"{explained.image.image.id}: {said}"
