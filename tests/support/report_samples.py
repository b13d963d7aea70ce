"""Reports to publish, and a world to publish them in: no cloud, a store in a folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from volume_images.clock import SystemClock
from volume_images.config.schema import parse_config
from volume_images.protocols import Cloud, World
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    ExportResult,
    Function,
    ImageResult,
    Outcome,
    Report,
)
from volume_images.storage.folder import ConfigFile, FolderStore

START = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
CONFIG = b"""
version: 1
prefix: acme-demo
clouds:
  otc: {dialect: huawei, region: eu-de, project: backup}
  lab: {dialect: openstack, region: one, project: backup}
policies:
  daily: {select: {backup: daily}, schedule: "0 2 * * *", retention: {keep_last: 3}}
  weekly: {select: {backup: weekly}, schedule: "0 3 * * 0", retention: {keep_last: 3}}
"""


def outcome(
    result: ExportResult | ImageResult, cloud: str = "otc", policy: str = "daily"
) -> Outcome:
    return Outcome(cloud=cloud, policy=policy, volume_id="v-1", result=result, reason="why")


def report(function: Function = Function.EXPORT, **fields: object) -> Report:
    served = [CloudOutcome(cloud=name, result=CloudResult.SERVED) for name in ("otc", "lab")]
    told: dict[str, Any] = {"clouds": served, **fields}
    return Report(
        run_id="20260302T020500Z-5f0c1a9e",
        function=function,
        started_at=START,
        finished_at=START + timedelta(seconds=7.5),
        **told,
    )


def world_in(folder: Path) -> World:
    """Make a world with two clouds that nobody may open."""

    def no_cloud(name: str, refused_secret: str = "") -> Cloud:
        raise AssertionError(name + refused_secret)

    return World(
        run_id="20260302T020500Z-5f0c1a9e",
        config=parse_config(CONFIG, "test"),
        config_version="1",
        config_fault="",
        store=FolderStore(folder / "store", ConfigFile(folder / "config.yaml")),
        clock=SystemClock(),
        open_cloud=no_cloud,
        deployment_id="0123456789ab",
        minimum_grace=timedelta(hours=72),
    )
