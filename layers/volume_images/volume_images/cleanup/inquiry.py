"""Asking about one image: every cloud is looked at, and nothing is changed."""

from volume_images.cleanup.cleaning import Cleaned, Seen, look
from volume_images.cleanup.errand import Errand, errands
from volume_images.cleanup.explaining import Explanation, explain
from volume_images.cleanup.judgement import Judgement
from volume_images.cleanup.plan import Scope
from volume_images.errors import CloudUnavailable, InputError
from volume_images.namesakes import refuse_namesakes
from volume_images.protocols import BY_HAND, World
from volume_images.stopwatch import Stopwatch


def explain_image(world: World, wanted: str) -> Explanation:
    """Explain the image of this id or name.

    Raises InputError where there is no such image, where it is a stranger's, and where several
    have the name; CloudUnavailable if it may be in a cloud that could not be looked at.
    """
    unseen: list[str] = []
    found: list[tuple[Errand, Seen, str]] = []
    stopwatch = Stopwatch.begin(world.clock, BY_HAND)
    for errand in errands(world, Scope(), stopwatch, dry_run=True):
        seen = look(errand)
        if isinstance(seen, Cleaned):
            unseen.append(f"{errand.cloud}: {seen.outcome.reason}")
            continue
        images = [image for image in seen.facts.images if wanted in (image.id, image.name)]
        found += [(errand, seen, image.id) for image in images]
    if not found and unseen:
        raise CloudUnavailable(f"{wanted}: not found, but not looked at: {'; '.join(unseen)}")
    if not found:
        raise InputError(f"{wanted}: no cloud of the config has an image of this id or name")
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
