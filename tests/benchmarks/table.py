"""What was measured, beside its floor and its goal: as a table, as JSON, as a plot."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MET, MISSED, TOLD = "yes", "NO", "-"


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
    def ratio(self) -> float | None:
        """Return ours / floor, where there is one."""
        return self.ours / self.floor if self.floor else None

    @property
    def met(self) -> str:
        """Say whether the goal is met."""
        if self.goal is None:
            return TOLD
        judged = self.ours if self.ratio is None else self.ratio
        return MET if judged <= self.goal else MISSED

    @property
    def shown_goal(self) -> str:
        """Return the goal as it is judged."""
        if self.goal is None:
            return ""
        return f"<= {self.goal:g}" + (" x" if self.ratio is not None else "")


def shown(rows: Sequence[Row]) -> str:
    """Draw the table."""
    lines = [
        f"{'what':62}{'floor':>11}{'ours':>11} {'unit':9}{'ratio':>7}  {'goal':<10}met",
    ]
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            lines += ["", section]
        floor = "" if row.floor is None else _number(row.floor)
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        what = f"  {row.what}" + (f" / {row.floor_is}" if row.floor_is else "")
        lines.append(
            f"{what:62}{floor:>11}{_number(row.ours):>11} {row.unit:9}{ratio:>7}"
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
            "ours": row.ours,
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


def plot(rows: Iterable[Row], path: Path) -> None:
    """Draw how much of each goal is used: left of the line is met."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow, and only the long run draws

    drawn = [row for row in rows if row.goal]
    used = [(row.ratio if row.ratio is not None else row.ours) / (row.goal or 1) for row in drawn]
    figure = Figure(figsize=(11, 0.3 * len(drawn) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    colours = ["tab:green" if row.met == MET else "tab:red" for row in drawn]
    labels = [f"{row.section}: {row.what}" for row in drawn]
    axes.barh(range(len(drawn)), used, color=colours)
    axes.set_yticks(range(len(drawn)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0, max(1.1, *used) * 1.1)
    axes.set_xlabel("share of what the goal allows")
    figure.savefig(path, dpi=110)


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
