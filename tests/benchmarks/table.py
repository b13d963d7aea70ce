"""What was measured, beside its floor and its goal: as a table, and as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

MET, MISSED, TOLD = "yes", "NO", "-"
NOT_RUN = "NOT RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured thing; a smaller one is always better.

    `goal` is the most that the ratio to the floor may be; of what has no floor, the most that
    `ours` may be. Without a goal, it is only told. A `count` is the same on every machine.
    """

    section: str
    what: str
    ours: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    goal: float | None = None
    count: bool = False
    why: str = ""

    @property
    def label(self) -> str:
        """Say what it is, and against what."""
        return self.what + (f" / {self.floor_is}" if self.floor_is else "")

    @property
    def ratio(self) -> float | None:
        """Return ours / floor, where there is one."""
        return self.ours / self.floor if self.floor else None

    @property
    def ran(self) -> bool:
        """Say whether it could be measured here."""
        return self.what != NOT_RUN

    @property
    def met(self) -> str:
        """Say whether the goal is met."""
        if self.goal is None:
            return TOLD
        return MET if self._judged <= self.goal else MISSED

    @property
    def used(self) -> float:
        """Return the share of its goal that it uses; where nothing is allowed, any is too much."""
        if not self.goal:
            return inf if self._judged > 0 else 0.0
        return self._judged / self.goal

    @property
    def shown_goal(self) -> str:
        """Return the goal as it is judged."""
        if self.goal is None:
            return ""
        return f"<= {self.goal:.3g}" + (" x" if self.ratio is not None else "")

    @property
    def _judged(self) -> float:
        return self.ours if self.ratio is None else self.ratio


def not_run(section: str, why: str) -> Row:
    """Return what stands in the place of a section that cannot be measured here."""
    return Row(section=section, what=NOT_RUN, ours=0, unit="", why=why)


def shown(rows: Sequence[Row]) -> str:
    """Draw the table."""
    width = 2 + max(len(row.label) for row in rows)
    lines = [
        f"{'what':{width}}{'floor':>11}{'ours':>11} {'unit':9}{'ratio':>7}  {'goal':<10}met",
    ]
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            lines += ["", section]
        floor = "" if row.floor is None else _number(row.floor)
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        ours = _number(row.ours) if row.ran else ""
        lines.append(
            f"  {row.label:{width - 2}}{floor:>11}{ours:>11} {row.unit:9}{ratio:>7}"
            f"  {row.shown_goal:<10}{row.met}"
        )
        if row.why:
            lines.append(f"      {row.why}")
    return "\n".join(lines)


def write_json(rows: Iterable[Row], path: Path) -> None:
    """Write the same for programs."""
    documents = [
        {
            "section": row.section,
            "what": row.what,
            "floor_is": row.floor_is,
            "floor": row.floor,
            "ours": row.ours if row.ran else None,
            "unit": row.unit,
            "ratio": row.ratio,
            "goal": row.goal,
            "met": {MET: True, MISSED: False, TOLD: None}[row.met],
            "count": row.count,
            "why": row.why,
        }
        for row in rows
    ]
    path.write_text(json.dumps(documents, indent=1) + "\n")


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
