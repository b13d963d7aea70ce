"""Images of a volume or a policy that left the config: since when, and which of them go."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from volume_images.cleanup.rows import CLOCK_ALLOWANCE, Past
from volume_images.cleanup.state import GroupRecord, series_key
from volume_images.config.schema import Orphans
from volume_images.model import GroupKey
from volume_images.recognition import ImageState, Recognised
from volume_images.schedule import SLOT_AHEAD

_MADE_UNDER_A_POLICY = frozenset({ImageState.GOOD, ImageState.PENDING, ImageState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphanhood:
    """Since when a group of ours is an orphan, and whether a person wants it forgotten.

    With `all_ours`, this deployment is known to have made the group; else only those of its
    images are certain that it has tagged: another deployment may use the same prefix.
    """

    since: datetime
    all_ours: bool
    forgotten: bool


def orphanhood(
    past: Past,
    record: GroupRecord,
    key: GroupKey,
    images: Collection[Recognised],
    *,
    any_tagged: bool,
    now: datetime,
) -> Orphanhood | None:
    """Say since when nothing covers a group; None for one that this deployment did not make.

    It is ours if a run saw it covered, if a person said so, or as far as its images are tagged.
    """
    all_ours = record.all_ours or series_key(key.policy, key.volume_id) in past.state.series
    if not (all_ours or any_tagged):
        return None
    since = record.orphan_since
    if since is None or _was_covered_since(past, record, key, images, since, now):
        since = now
    wished_at = record.forgotten_at
    return Orphanhood(
        since=since,
        all_ours=all_ours,
        forgotten=wished_at is not None and wished_at >= since,
    )


def kept_of_orphans(
    images: Collection[Recognised], orphaned: Orphanhood, rule: Orphans | None, now: datetime
) -> frozenset[str] | None:
    """Return the good images that stay of an orphaned group; None if it is not to be judged yet.

    The newest of `images` stay, as many as the config says; of a forgotten group, none.
    """
    if orphaned.forgotten:
        return frozenset()
    if rule is None or now < orphaned.since + rule.after:
        return None
    newest_first = sorted({image.name.slot for image in images}, reverse=True)
    slots = newest_first[: rule.keep]
    return frozenset(image.image.id for image in images if image.name.slot in slots)


def _was_covered_since(
    past: Past,
    record: GroupRecord,
    key: GroupKey,
    images: Collection[Recognised],
    since: datetime,
    now: datetime,
) -> bool:
    """Look for a sign that some config covered the group after `since`, and forgot it again.

    An image of a later slot is one, even of a time of which no run and no config tells.
    """
    if record.judged is None or max(record.judged.at, since) > now + CLOCK_ALLOWANCE:
        return True
    versions = past.history.get(record.judged.config_version)
    if versions is not None and not all(rules.orphans(key) for rules in versions):
        return True
    return any(
        since < image.name.slot <= now + SLOT_AHEAD
        for image in images
        if image.state in _MADE_UNDER_A_POLICY
    )
