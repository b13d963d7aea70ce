"""Images as the next cleanup would judge them, one view each."""

from collections.abc import Mapping

from volume_images.cleanup.due import standing
from volume_images.cleanup.outcomes import outcomes
from volume_images.cleanup.plan import GroupPlan, JudgedCloud
from volume_images.cleanup.state import GroupRecord
from volume_images.model import GroupKey
from volume_images.overview.images import Going, ImageView
from volume_images.recognition import Recognised
from volume_images.report import ImageResult, Outcome


def image_views(judged: JudgedCloud) -> Mapping[GroupKey, tuple[ImageView, ...]]:
    """Return every image of ours that is in a cloud, by its group."""
    said = {
        outcome.image_id: outcome
        for outcome in outcomes(judged.plan, judged.after, (), (), grace=judged.grace)
    }
    return {group.key: _of_group(group, judged, said) for group in judged.plan.groups}


def _of_group(
    group: GroupPlan, judged: JudgedCloud, said: Mapping[str, Outcome]
) -> tuple[ImageView, ...]:
    floor = {image.id for image in group.floor}
    before = judged.before.group(judged.plan.project_id, group.key)
    after = judged.after.group(judged.plan.project_id, group.key)
    return tuple(
        ImageView(
            id=one.image.id,
            name=one.image.name,
            policy=one.group.policy,
            requested=one.group.requested,
            slot=one.name.slot,
            captured_at=one.image.created_at,
            size_bytes=one.image.size_bytes,
            virtual_bytes=one.image.virtual_bytes,
            state=one.state,
            why=one.why,
            result=ImageResult(said[one.image.id].result),
            reasons=said[one.image.id].reason,
            going=_going(one, before, after, judged),
            stuck_since=judged.facts.stuck.get(one.image.id),
            pinned=one.image.pinned,
            protected=one.image.protected,
            restore_runs=tuple(pin.run_id for pin in one.image.restore_pins),
            in_floor=one.image.id in floor,
        )
        for one in group.images
        if one.image.id not in judged.gone
    )


def _going(
    image: Recognised, before: GroupRecord, after: GroupRecord, judged: JudgedCloud
) -> Going | None:
    """Say when an image goes; announced it is only where a cleanup has written that down."""
    stands = standing(after, image, judged.grace)
    if stands is None:
        return None
    known = standing(before, image, judged.grace)
    is_announced = known is not None and known.since == stands.since
    return Going(
        since=stands.since,
        deletes_at=stands.deletes_at,
        reason=stands.reason,
        config_version=(
            before.judged.config_version
            if is_announced and before.judged
            else judged.plan.config_version
        ),
        is_announced=is_announced,
    )
