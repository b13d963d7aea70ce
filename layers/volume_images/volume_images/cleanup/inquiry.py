"""Asking about one image: every cloud is looked at, and nothing is changed."""

from collections.abc import Sequence
from functools import partial

from volume_images.cleanup.cleaning import Cleaned, Seen, look
from volume_images.cleanup.errand import Errand, errands
from volume_images.cleanup.explaining import Explanation, explain
from volume_images.cleanup.judgement import Judgement
from volume_images.cleanup.plan import Scope
from volume_images.errors import InputError
from volume_images.namesakes import refuse_absent, refuse_namesakes
from volume_images.protocols import World
from volume_images.report import CloudOutcome
from volume_images.side_by_side import AT_ONCE, each
from volume_images.stopwatch import BY_HAND, Stopwatch

_Match = tuple[Errand, Seen, str]
"""A cloud, and the id of an image in it."""


def explain_image(world: World, wanted: str) -> Explanation:
    """Explain the image of this id or name.

    Raises InputError where there is no such image, where it is a stranger's, and where several
    have the name; CloudUnavailable if it may be in a cloud that could not be looked at.
    """
    shares = errands(world, Scope(), Stopwatch.begin(world.clock, BY_HAND), dry_run=True)
    searched = each(shares, partial(_search, wanted), AT_ONCE)
    found = [match for matches, _ in searched for match in matches]
    if not found:
        unseen = (f"{outcome.cloud}: {outcome.reason}" for _, outcome in searched if outcome)
        refuse_absent(wanted, unseen, "no cloud of the config has an image of this id or name")
    refuse_namesakes(wanted, (image_id for _, _, image_id in found))
    ((errand, seen, image_id),) = found
    judgement = Judgement(errand, seen.facts)
    before = seen.memory.state
    judged = judgement.of(before, judgement.written_into(before))
    explained = explain(world.config, judged, image_id)
    if explained is None:
        raise InputError(
            f"{wanted}: a stranger's image: its name or its owner is not ours, so no cleanup ever"
            " judges or deletes it"
        )
    return explained


def _search(wanted: str, errand: Errand) -> tuple[Sequence[_Match], CloudOutcome | None]:
    """Return what a cloud has of this id or name; an outcome where it could not be looked at."""
    seen = look(errand)
    if isinstance(seen, Cleaned):
        return (), seen.outcome
    images = (image for image in seen.facts.images if wanted in (image.id, image.name))
    return [(errand, seen, image.id) for image in images], None
