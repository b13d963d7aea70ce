"""The table as a picture: how much of each goal is used, section by section, in two columns."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.benchmarks.table import MET, TOLD, Row

LONGEST = 2.0
"""Bars end here; what is longer has its number alone."""

LINE = 0.21
"""Inches that a row takes."""


def plot(rows: Iterable[Row], path: Path) -> None:
    """Draw what has a goal: up to the line is met."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow, and only the long run draws

    judged = [row for row in rows if row.met != TOLD or not row.ran]
    sections = [list(each) for _, each in groupby(judged, key=lambda row: row.section)]
    columns = _columns(sections)
    tallest = max(sum(map(_lines, column)) for column in columns)
    figure = Figure(figsize=(21, LINE * tallest + 1.4), layout="constrained")
    figure.suptitle("Share of its goal that each measured thing uses: up to 1 it is met")
    for axes, column in zip(figure.subplots(1, len(columns)), columns, strict=True):
        _draw(axes, column, tallest)
    figure.savefig(path, dpi=80)


def _columns(sections: Sequence[list[Row]]) -> tuple[list[list[Row]], list[list[Row]]]:
    """Share the sections out, in their order, so that both columns are about as long."""
    half = sum(map(_lines, sections)) / 2
    first: list[list[Row]] = []
    for each in sections:
        if sum(map(_lines, first)) + _lines(each) / 2 > half:
            break
        first.append(each)
    return first, list(sections[len(first) :])


def _lines(section: Sequence[Row]) -> int:
    return len(section) + 2  # its title, and room before it


def _draw(axes: Any, sections: Sequence[Sequence[Row]], tallest: int) -> None:  # noqa: ANN401
    labels: dict[float, str] = {}
    line = 0
    for section in sections:
        _say(axes, 0, line + 0.15, section[0].section, weight="bold")
        for row in section:
            line += 1
            labels[line] = row.label
            _bar(axes, line, row)
        line += 2
    axes.set_yticks(list(labels), list(labels.values()), fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(tallest, -1)
    axes.set_xlim(0, LONGEST * 1.1)
    axes.axvline(1, color="black", linewidth=1, label="goal")
    axes.set_xlabel("share of what the goal allows; the black line is the goal")
    axes.spines[["top", "right"]].set_visible(False)


def _bar(axes: Any, line: int, row: Row) -> None:  # noqa: ANN401 - matplotlib has no types
    if not row.ran:
        _say(axes, 0.02, line, row.why)
        return
    length = min(row.used, LONGEST)
    axes.barh(line, length, height=0.75, color="tab:green" if row.met == MET else "tab:red")
    _say(axes, length + 0.02, line, f"{row.used:.2f}")


def _say(axes: Any, x: float, y: float, words: str, weight: str = "normal") -> None:  # noqa: ANN401
    """Write over the line of the goal, if it is there."""
    over = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.text(x, y, words, fontsize=8, fontweight=weight, va="center", bbox=over)
