"""What a probe saw of a cloud: its steps, and what the documents leave open."""

from pathlib import Path

from volume_images.cli.output.grid import Column, cell
from volume_images.cli.output.printing import print_grid, print_json, print_line
from volume_images.probe.card import Sightings, Verdict
from volume_images.probe.questions import answers

_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOTED: ""}
_STEP_COLUMNS = [
    Column("STEP"),
    Column(""),
    Column("SECONDS", right=True),
    Column("SEEN", wraps=True),
]
_ANSWER_COLUMNS = [
    Column("WHAT DOCUMENTS LEAVE OPEN", wraps=True),
    Column("SEEN HERE", wraps=True),
]


def print_sightings(seen: Sightings, transcript: Path, *, as_json: bool) -> None:
    """Print each step, the answers, and what a person has to remove."""
    if as_json:
        print_json(
            {
                "cloud": seen.cloud,
                "passed": seen.passed,
                "steps": [step.as_json() for step in seen.steps],
                "answers": {one.question: one.seen for one in answers(seen)},
                "left": list(seen.left),
                "transcript": str(transcript),
            }
        )
        return
    steps = [
        [
            cell(step.name.value),
            cell(step.verdict.value, _STYLES[step.verdict]),
            cell(f"{step.seconds:.1f}"),
            cell(step.said),
        ]
        for step in seen.steps
    ]
    print_grid(_STEP_COLUMNS, steps)
    print_line("")
    told = [[cell(one.question), cell(one.seen)] for one in answers(seen)]
    print_grid(_ANSWER_COLUMNS, told)
    print_line("")
    for thing in seen.left:
        print_line(f"left behind, remove it by hand: {thing}")
    print_line(f"{seen.cloud}: {'PASSED' if seen.passed else 'FAILED'}; transcript: {transcript}")
