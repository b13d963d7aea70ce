"""A state in the making: how changes are applied to it, all at once."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
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
    """A state's mappings under their names, and `single` values that replace others."""

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
    single: dict[str, object]

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
        single={},
    )
    for change in changes:
        change.apply(draft)
    values = {one.name: getattr(draft, one.name) for one in fields(draft) if one.name != "single"}
    return state.model_copy(update=values | draft.single)
