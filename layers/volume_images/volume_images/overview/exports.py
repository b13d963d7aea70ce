"""What the exporter remembers of a volume under a policy, as people ask for it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from volume_images.config.schema import Config
from volume_images.config.selection import Member
from volume_images.export.owed import debt
from volume_images.export.progress import last_said
from volume_images.export.state import ExportState, Record
from volume_images.model import GroupKey
from volume_images.overview.images import ImageView
from volume_images.overview.volumes import Pending, Trouble
from volume_images.recognition import ImageState
from volume_images.report import ExportResult

Pair = tuple[str, str]
"""A policy and a volume id."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a cloud's export state tells, by policy and volume."""

    pending: Mapping[Pair, Sequence[Pending]]
    waiting: Mapping[Pair, Sequence[datetime]]
    due: Mapping[Pair, datetime]
    records: Mapping[Pair, Sequence[Record]]
    missed: Mapping[Pair, Sequence[Trouble]]

    @classmethod
    def of(
        cls, state: ExportState, config: Config, members: Sequence[Member], now: datetime
    ) -> "Remembered":
        """Sort what a state holds."""
        pending: dict[Pair, list[Pending]] = defaultdict(list)
        for entry in (*state.under_way.values(), *state.late.values()):
            pending[_pair(entry.group)].append(
                Pending(
                    slot=entry.slot,
                    requested=entry.group.requested,
                    since=entry.intended_at,
                    deadline=entry.deadline,
                    image_id=entry.image_id,
                )
            )
        started = {(entry.group, entry.slot) for entry in state.under_way.values()}
        waiting: dict[Pair, list[datetime]] = defaultdict(list)
        for wish in state.waiting.values():
            if (wish.group, wish.slot) not in started:
                waiting[_pair(wish.group)].append(wish.slot)
        records: dict[Pair, list[Record]] = defaultdict(list)
        for key, record in state.records.items():
            records[_pair(GroupKey.parse(key))].append(record)
        missed: dict[Pair, list[Trouble]] = defaultdict(list)
        for one in state.missed.values():
            trouble = Trouble(result=ExportResult.MISSED, reason=one.reason, at=one.slot)
            missed[_pair(one.group)].append(trouble)
        due = {
            _pair(owed.group): owed.slot
            for owed in debt(config, state, members, at=now, now=now).owed
            if not owed.waiting and (owed.group, owed.slot) not in started
        }
        return cls(pending, waiting, due, records, missed)


def pending_of(
    pair: Pair, remembered: Remembered, images: Iterable[ImageView]
) -> tuple[Pending, ...]:
    """Return the exports under way: those followed, and pending images that nobody follows yet.

    One whose image the listing shows settled is over, although the exporter does not know so yet.
    """
    listed = {image.id: image for image in images}
    followed = remembered.pending.get(pair, ())
    known = {one.image_id for one in followed}
    going_on = [
        one
        for one in followed
        if one.image_id not in listed or listed[one.image_id].state is ImageState.PENDING
    ]
    unknown = [
        Pending(
            slot=image.slot,
            requested=image.requested,
            since=image.captured_at,
            deadline=None,
            image_id=image.id,
        )
        for image in listed.values()
        if image.state is ImageState.PENDING and not image.stuck_since and image.id not in known
    ]
    return tuple(sorted((*going_on, *unknown), key=lambda one: one.slot))


def trouble_of(pair: Pair, remembered: Remembered, newest: ImageView | None) -> Trouble | None:
    """Return what went wrong last; what came before the newest good image is over."""
    found = [
        trouble for record in remembered.records.get(pair, ()) for trouble in _troubles(record)
    ]
    found += remembered.missed.get(pair, ())
    if newest is not None:
        found = [
            one
            for one in found
            if one.at > (newest.slot if one.result is ExportResult.MISSED else newest.captured_at)
        ]
    return max(found, key=lambda one: one.at, default=None)


def _troubles(record: Record) -> list[Trouble]:
    found: list[Trouble] = []
    if record.failed_at is not None:
        found.append(
            Trouble(
                result=ExportResult.FAILED,
                reason=record.failure,
                at=record.failed_at,
                in_a_row=record.failures,
            )
        )
    if record.refusal is not None:
        refusal = record.refusal
        found.append(Trouble(result=ExportResult.REFUSED, reason=refusal.reason, at=refusal.at))
    if record.unanswered_at is not None:
        found.append(
            Trouble(result=ExportResult.UNKNOWN, reason="answer_lost", at=record.unanswered_at)
        )
    said = last_said(record.said)
    if said is not None and said.result is ExportResult.MISSED:
        found.append(Trouble(result=said.result, reason=said.reason, at=said.slot))
    return found


def _pair(group: GroupKey) -> Pair:
    return group.policy, group.volume_id
