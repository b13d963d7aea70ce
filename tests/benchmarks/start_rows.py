"""Cold starts under Lambda's runtime client: our functions against what anybody would import.

The reference is boto3 with a client of S3, requests with a session, and Powertools' Logger and
Metrics, from the same layers by the same interpreter. Bytecode is there for both, or for neither.
"""

import compileall
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from statistics import median
from typing import Any

from tests.benchmarks.table import Row
from tests.runtime.builds import Places, lay_out
from tests.runtime.environment import ExecutionEnvironment, Function

GOAL = 1.15
SECTION = "cold start under the runtime client: processor time until the first event is asked for"
SANDBOX = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}

REFERENCE = """
import boto3
import requests
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config

logger = Logger(service="reference")
metrics = Metrics(namespace="Reference", service="reference")
s3 = boto3.client("s3", config=Config(retries={"mode": "standard"}))
session = requests.Session()


def handler(event, context):
    return {}
"""


@dataclass(frozen=True)
class Written(Function):
    """A function whose code was written into a folder for this measurement."""

    code: Path = Path()

    @property
    def folder(self) -> Path:
        """Return that folder."""
        return self.code

    def environment(self, sandbox: Mapping[str, str], places: Places, api: str) -> dict[str, str]:
        """Return the environment of the function of that name, but for its code."""
        given = super().environment(sandbox, places, api)
        return {**given, "LAMBDA_TASK_ROOT": str(self.code)}


def with_bytecode(folder: Path) -> Places:
    """Lay out the layers as they are deployed, with the bytecode of this machine's Python."""
    places = lay_out(folder)
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    assert compileall.compile_dir(places.opt, quiet=1, invalidation_mode=unchecked)
    return places


def start_rows(places: Places, folder: Path, rounds: int) -> list[Row]:
    """Start each in turn, several times; medians count."""
    started: dict[str, Any] = {
        "reference": Written("ExportVolumes", code=_function(folder / "reference", REFERENCE)),
        "export": Function("ExportVolumes"),
        "cleanup": Function("CleanupImages"),
        "everything": Written(
            "ExportVolumes",
            code=_changed(folder / "everything", "import volume_images.cloud.open"),
        ),
        "collected": Written(
            "ExportVolumes",
            code=_changed(folder / "collected", "import gc; gc.enable()"),
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in started}
    for _ in range(rounds):
        for name, function in started.items():
            seconds[name].append(_processor_seconds(function, places, folder / "printed.log"))
    took = {name: median(each) for name, each in seconds.items()}

    def row(what: str, name: str, goal: float | None = GOAL) -> Row:
        return Row(
            section=SECTION,
            what=what,
            floor_is="stock reference",
            floor=1000 * took["reference"],
            ours=1000 * took[name],
            unit="ms",
            goal=goal,
        )

    return [
        row("export_volumes", "export"),
        row("cleanup_images", "cleanup"),
        row("export_volumes, the client of clouds loaded", "everything"),
        row("export_volumes, the collector not paused", "collected", None),
    ]


def _processor_seconds(function: Function, places: Places, log: Path) -> float:
    with ExecutionEnvironment(function, places, SANDBOX, log) as process:
        time.sleep(0.02)  # it asked for an event, and now only waits
        return process.processor_seconds


def _function(folder: Path, code: str) -> Path:
    folder.mkdir()
    (folder / "app.py").write_text(code)
    return folder


def _changed(folder: Path, added: str) -> Path:
    """Write export_volumes with a line more, after the one that has the collector paused."""
    text = (Function("ExportVolumes").folder / "app.py").read_text()
    first = "import volume_images.cold_start\n"
    assert first in text
    return _function(folder, text.replace(first, f"{first}{added}\n", 1))
