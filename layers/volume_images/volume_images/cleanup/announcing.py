"""Announce, then wait: how long each expired image has stood announced."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from volume_images.cleanup.freshness import Covered
from volume_images.cleanup.plan import CleanupPlan, GroupPlan
from volume_images.cleanup.state import (
    Announced,
    CleanupState,
    GroupRecord,
    Judged,
    Series,
    VolumeFacts,
    record_key,
    series_key,
)
from volume_images.model import GroupKey

LONGEST_GAP = timedelta(hours=36)
"""A row of plans breaks when none confirmed it for so long; cleanup runs every 1 to 24 hours."""

CLOCK_ALLOWANCE = timedelta(minutes=5)
"""Two runs' clocks may differ this much; a row confirmed further ahead proves nothing."""

Digests = Mapping[GroupKey, str]
"""The digest of the rules that judge each covered group, under one config version."""

History = Mapping[str, tuple[Digests, ...] | None]
"""By the config version of an earlier plan: the digests under each version written since then.

None where the store does not know them: then only the digests then and now can be compared.
"""


def remember(state: CleanupState, plan: CleanupPlan, history: History) -> CleanupState:
    """Write a plan into a state: it confirms, withdraws and adds announcements.

    The plan speaks only for the groups it looked at. Doing it again, or to a newer state than the
    one that was read first, is safe: what stands there keeps its date only as far as it may.
    """
    groups = _records_not_spoken_of(state, plan)
    for group in plan.groups:
        record = state.group(plan.project_id, group.key)
        unbroken = row_stands(record.judged, group, plan.now, history)
        confirmed = _confirmed(record, group, plan, unbroken=unbroken)
        if not confirmed.is_empty:
            groups[record_key(plan.project_id, group.key)] = confirmed
    return state.model_copy(
        update={
            "groups": groups,
            "series": _series(state, plan),
            "volumes": _living_volumes(state, plan),
        }
    )


def row_stands(judged: Judged | None, group: GroupPlan, now: datetime, history: History) -> bool:
    """Whether a plan continues the row of plans that `judged` is the last of.

    The row breaks after too long a gap, and when any config since then had other rules: comparing
    only then and now would let a slip that was reverted and made again keep its old date.
    """
    if judged is None or group.digest is None or judged.digest != group.digest:
        return False
    if not -CLOCK_ALLOWANCE <= now - judged.at <= LONGEST_GAP:
        return False
    versions = history[judged.config_version]
    return versions is None or all(digests.get(group.key) == group.digest for digests in versions)


def lapsed(before: CleanupState, after: CleanupState) -> int:
    """Count the images that were announced before, and whose wait has started again since."""
    return sum(
        record.announced[image_id].since > before.groups[key].announced[image_id].since
        for key, record in after.groups.items()
        if key in before.groups
        for image_id in record.announced.keys() & before.groups[key].announced.keys()
    )


def first_seen(state: CleanupState, covered: tuple[Covered, ...], now: datetime) -> CleanupState:
    """Remember since when volumes are covered, where their cloud could not be looked at."""
    new = {
        key: Series(first_seen=now)
        for entry in covered
        if (key := series_key(entry.policy, entry.volume_id)) not in state.series
    }
    return state.model_copy(update={"series": {**state.series, **new}}) if new else state


def _records_not_spoken_of(state: CleanupState, plan: CleanupPlan) -> dict[str, GroupRecord]:
    """Return the records that this plan leaves as they are.

    A whole plan has seen every image of its project: what it does not mention is no more. A record
    of another project (the config named another one) ends with its row.
    """
    spoken_of = {record_key(plan.project_id, group.key) for group in plan.groups}
    here = f"{plan.project_id}/"

    def stays(key: str, record: GroupRecord) -> bool:
        if key.startswith(here):
            return not plan.is_whole and key not in spoken_of
        return record.judged is not None and plan.now - record.judged.at <= LONGEST_GAP

    return {key: record for key, record in state.groups.items() if stays(key, record)}


def _confirmed(
    record: GroupRecord, group: GroupPlan, plan: CleanupPlan, *, unbroken: bool
) -> GroupRecord:
    """Return what is known of a group after a plan judged it."""
    since = {
        image_id: announced.since for image_id, announced in record.announced.items() if unbroken
    }
    judged = (
        None
        if group.digest is None
        else Judged(at=plan.now, digest=group.digest, config_version=plan.config_version)
    )
    return GroupRecord(
        judged=judged,
        announced={
            image.image_id: Announced(
                since=since.get(image.image_id, plan.now), reason=image.reason
            )
            for image in group.expired
        },
        failed_since={
            image.image_id: image.stuck_since or record.failed_since.get(image.image_id, plan.now)
            for image in group.failed
        },
        results={
            image_id: result
            for image_id, result in record.results.items()
            if image_id in group.image_ids
        },
    )


def _series(state: CleanupState, plan: CleanupPlan) -> dict[str, Series]:
    series: dict[str, Series] = {}
    for covered in plan.covered:
        key = series_key(covered.policy, covered.volume_id)
        known = state.series.get(key)
        series[key] = Series(
            first_seen=known.first_seen if known else plan.now,
            newest_slot=plan.newest_slots.get((covered.policy, covered.volume_id)),
        )
    return series


def _living_volumes(state: CleanupState, plan: CleanupPlan) -> dict[str, VolumeFacts]:
    known = {**state.volumes, **plan.facts}
    return {volume_id: known[volume_id] for volume_id in sorted(plan.living & known.keys())}
