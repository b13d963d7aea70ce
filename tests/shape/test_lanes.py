"""CI stays under its 20 minutes: each lane has a budget, and those of a track add up to less."""

import re

from tests.shape.test_lengths import ROOT

LONGEST_SECONDS = 20 * 60
ROW = re.compile(r"^\| `([a-z-]+)` \| (before|1|2|after) \| *(\d*) *\| (\d+) \|", re.MULTILINE)
TOLD = ROW.findall((ROOT / "tests" / "README.md").read_text())
RUN = (ROOT / ".ci" / "run").read_text()
TRACKS = [re.findall(r"lane ([a-z-]+);", line) for line in re.findall(r"\{ (lane .*;) \} &", RUN)]


def test_the_readme_of_tests_tells_every_lane_where_it_runs() -> None:
    assert [name for name, track, _, _ in TOLD if track == "before"] == ["setup"]
    assert [
        {name for name, track, _, _ in TOLD if track == when} for when in ("1", "2", "after")
    ] == [set(track) for track in TRACKS]


def test_the_budgets_of_a_track_add_up_to_less_than_ci_may_take() -> None:
    for number in ("1", "2"):
        counted = {"before", number, "after"}
        budgets = [int(budget) for _, track, _, budget in TOLD if track in counted]
        assert sum(budgets) < LONGEST_SECONDS


def test_no_lane_took_more_than_its_budget() -> None:
    over = {name for name, _, took, budget in TOLD if took and int(took) > int(budget)}
    assert over == set()
