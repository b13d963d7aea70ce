"""What the table says of a figure, of none, and of a goal that allows nothing."""

import json
from math import inf
from pathlib import Path

import pytest

from tests.benchmarks.table import MET, MISSED, TOLD, Row, not_run, shown, write_json


@pytest.mark.parametrize(
    ("ours", "floor", "goal", "met", "used"),
    [
        (1.0, 2.0, 0.5, MET, 1.0),
        (1.1, 2.0, 0.5, MISSED, 1.1),
        (3.0, None, 4.0, MET, 0.75),
        (0.0, 72.0, 0.0, MET, 0.0),
        (1.0, 72.0, 0.0, MISSED, inf),
        (1.0, 0.0, 0.0, MISSED, inf),
    ],
)
def test_a_goal_is_the_most_that_the_ratio_to_the_floor_may_be(
    ours: float, floor: float | None, goal: float, met: str, used: float
) -> None:
    row = Row(section="s", what="w", ours=ours, floor=floor, unit="s", goal=goal)

    assert (row.met, row.used) == (met, pytest.approx(used))


def test_a_section_that_could_not_run_says_so_and_why_and_has_no_figure(tmp_path: Path) -> None:
    row = not_run("dry runs", "borg is not installed here")

    write_json([row], tmp_path / "bench.json")

    (document,) = json.loads((tmp_path / "bench.json").read_text())
    assert row.met == TOLD
    assert (document["what"], document["ours"], document["why"]) == (
        "NOT RUN",
        None,
        "borg is not installed here",
    )
    assert "borg is not installed here" in shown([row])
