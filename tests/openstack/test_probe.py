"""`volume-images probe` on the real OpenStack: all steps pass, and nothing is left behind."""

import json
from pathlib import Path

import pytest

from tests.openstack.run_site import RunSite
from volume_images.cli import main
from volume_images.cli.exit_codes import ExitCode
from volume_images.probe.card import StepName, Verdict

pytestmark = pytest.mark.openstack

ONLY_NOTED = {StepName.MARK_EARLY, StepName.EXPORT_AGAIN, StepName.MARK}
"""What these show is an answer, whichever it is."""


def test_a_probe_passes_every_step_and_leaves_nothing(
    runs: RunSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.configure({}, "raw")
    written = tmp_path / "probe.txt"
    code = main(["probe", "real", "--yes", "--json", "--transcript", str(written)])
    card = json.loads(capsys.readouterr().out)
    verdicts = {StepName(step["step"]): step["verdict"] for step in card["steps"]}
    assert verdicts == {
        name: Verdict.NOTED if name in ONLY_NOTED else Verdict.PASSED for name in StepName
    }
    assert (code, card["passed"], card["left"]) == (ExitCode.FINE, True, [])
    said = {step["step"]: step["said"] for step in card["steps"]}
    assert said[StepName.COMPARE].startswith("1 GiB came back as 1 GiB, byte for byte")
    assert all(card["answers"].values())
    assert "result: passed" in written.read_text()
    assert runs.cloud.other_volumes() == {}
    assert runs.images() == []
