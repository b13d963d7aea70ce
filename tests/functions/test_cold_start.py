"""What a function loads before its first event, and how it leaves the collector of Python."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"

SAY = """
import gc, json, sys
import app
ours = [name for name in sys.modules if name.startswith("volume_images.")]
print(json.dumps([ours[0], gc.isenabled(), gc.get_freeze_count(), sorted(sys.modules)]))
"""

OF_A_CLOUDS_CLIENT = {
    "keystoneauth1",
    "requests",
    "volume_images.cloud.session",
    "volume_images.cloud_secrets",
}


@pytest.mark.parametrize("name", sorted(folder.name for folder in FUNCTIONS.iterdir()))
def test_a_cold_start_is_not_collected_and_loads_no_clouds_client(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SAY],
        cwd=FUNCTIONS / name,
        capture_output=True,
        text=True,
        check=True,
    )
    first, collects, frozen, modules = json.loads(ran.stdout)
    assert first == "volume_images.cold_start"
    assert collects
    assert frozen > 0
    assert OF_A_CLOUDS_CLIENT.isdisjoint(modules)
