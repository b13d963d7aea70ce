"""A state in the making: how changes are applied to it, all at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from volume_images.export.state import (
    NOTHING_KNOWN,
    Discovered,
    ExportState,
    FormerSchedule,
    Missed,
    Record,
    Stuck,
    UnderWay,
    Unmarked,
    Waiting,
)
from volume_images.model import GroupKey


@dataclass(slots=True)
class Draft:
    """A state in the making, while changes are applied."""

    records: dict[str, Record]
    under_way: dict[str, UnderWay]
    late: dict[str, UnderWay]
    stuck: dict[str, Stuck]
    unmarked: dict[str, Unmarked]
    waiting: dict[str, Waiting]
    missed: dict[str, Missed]
    schedules: dict[str, str]
    former_schedules: dict[str, tuple[FormerSchedule, ...]]
    discovered: dict[str, Discovered]
    fields: dict[str, object]

    def record(self, group: GroupKey | str) -> Record:
        """Return what is known of a group, which may be given as it is written."""
        return self.records.get(str(group), NOTHING_KNOWN)

    def update(self, group: GroupKey | str, **values: object) -> None:
        """Replace fields of a group's record."""
        self.records[str(group)] = self.record(group).model_copy(update=values)


class Change(Protocol):
    """One fact to write down."""

    def apply(self, draft: Draft) -> None:
        """Write it into the draft."""
        ...


def changed(state: ExportState, changes: Iterable[Change]) -> ExportState:
    """Return the state with the changes applied, in order."""
    draft = Draft(
        records=dict(state.records),
        under_way=dict(state.under_way),
        late=dict(state.late),
        stuck=dict(state.stuck),
        unmarked=dict(state.unmarked),
        waiting=dict(state.waiting),
        missed=dict(state.missed),
        schedules=dict(state.schedules),
        former_schedules=dict(state.former_schedules),
        discovered=dict(state.discovered),
        fields={},
    )
    for change in changes:
        change.apply(draft)
    return state.model_copy(
        update={
            "records": draft.records,
            "under_way": draft.under_way,
            "late": draft.late,
            "stuck": draft.stuck,
            "unmarked": draft.unmarked,
            "waiting": draft.waiting,
            "missed": draft.missed,
            "schedules": draft.schedules,
            "former_schedules": draft.former_schedules,
            "discovered": draft.discovered,
            **draft.fields,
        }
    )
