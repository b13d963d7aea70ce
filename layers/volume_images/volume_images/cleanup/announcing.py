"""Announce, then wait: how long each expired image has stood announced."""

from datetime import datetime

from volume_images.cleanup.freshness import Covered
from volume_images.cleanup.plan import CleanupPlan, GroupPlan
from volume_images.cleanup.rows import LONGEST_GAP, History, row_stands
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


def remember(state: CleanupState, plan: CleanupPlan, history: History) -> CleanupState:
    """Write a plan into a state: it confirms, withdraws and adds announcements.

    The plan speaks only for the groups it looked at. Doing it again, or to a newer state than the
    one that was read first, is safe: what stands there keeps its date only as far as it may.
    """
    groups = _records_not_spoken_of(state, plan)
    for group in plan.groups:
        record = state.group(plan.project_id, group.key)
        unbroken = row_stands(record.judged, group.key, group.digest, plan.now, history)
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
    orphaned, there = group.orphaned, group.image_ids
    return GroupRecord(
        judged=Judged(at=plan.now, digest=group.digest, config_version=plan.config_version),
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
            image_id: result for image_id, result in record.results.items() if image_id in there
        },
        orphan_since=orphaned.since if orphaned else None,
        all_ours=orphaned is not None and orphaned.all_ours,
        forgotten_at=record.forgotten_at if orphaned and orphaned.forgotten else None,
        adopted={image_id: at for image_id, at in record.adopted.items() if image_id in there},
    )


def _series(state: CleanupState, plan: CleanupPlan) -> dict[str, Series]:
    """Return what is covered, and after a narrowed plan what was: its orphans are known by it."""
    series: dict[str, Series] = {} if plan.is_whole else dict(state.series)
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
