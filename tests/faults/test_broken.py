"""Each proof can fail: with its safeguard taken out of a copy of the package, it does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import volume_images
from tests.faults.broken import BROKEN, Broken

pytestmark = pytest.mark.slow

PACKAGE = Path(volume_images.__file__).parent
ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the package; processes that have its folder first import that one."""
    unneeded = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=unneeded))


def run_with(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, with that copy of the package."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(copy.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def proved_with(copy: Path, proof: str) -> subprocess.CompletedProcess[str]:
    """Run the proof, but nothing that draws its input, perhaps none that needs the safeguard."""
    return run_with(copy, "-m", "pytest", "-q", "-n0", "-x", "-m", "not hypothesis", proof)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.safeguard)
def test_without_the_safeguard_its_proof_fails(
    broken: Broken, copy: Path, record_property: Callable[[str, object], None]
) -> None:
    file = copy / broken.file
    sound = file.read_text()
    whole, changed = broken.change
    assert sound.count(whole) == 1, f"{broken.file} has changed: say anew how to break it"
    file.write_text(sound.replace(whole, changed))
    said = proved_with(copy, broken.proof)
    assert said.returncode == 1, said.stdout
    assert "AssertionError" in said.stdout or "DID NOT RAISE" in said.stdout, said.stdout
    record_property("safeguards taken out", 1)


def test_a_copy_with_nothing_taken_out_is_used_and_passes(copy: Path) -> None:
    """Else the failures above would prove nothing."""
    where = run_with(copy, "-c", "import volume_images; print(volume_images.__file__)")
    assert where.stdout.strip() == str(copy / "__init__.py")
    assert proved_with(copy, BROKEN[0].proof).returncode == 0
