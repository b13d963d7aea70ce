"""The product's own runs against the real OpenStack: a folder as store, clouds.yaml as secret."""

import importlib.util
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.contract.openstack_site import IMAGES, OpenstackSite
from tests.openstack.places import CHECKOUT, DEFAULT_FOLDER, Places
from volume_images.bootstrap import connect, open_cloud_to_restore
from volume_images.cleanup.run import cleanup_run
from volume_images.cli.inputs.invocation import context
from volume_images.clock import SystemClock
from volume_images.connections import Connections
from volume_images.image_name import ImageName
from volume_images.model import ImageStatus, Tick, Volume
from volume_images.protocols import RestoreCloud
from volume_images.report import Function, Report
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

PREFIX = "real"
LONGEST_EXPORT = LONGEST_CREATION = LONGEST_DELETION = 300.0
BETWEEN_LOOKS = 0.2
LONGEST_PAUSE = 0.5
"""Between two looks of the product's own at what it waits for."""

NO_LIMITS = RunLimits()


@dataclass(frozen=True)
class LaterClock:
    """This machine's clock, ahead: the cloud's own runs on in real time."""

    ahead: timedelta

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead

    def monotonic(self) -> float:
        return SystemClock().monotonic()

    def sleep(self, seconds: float) -> None:
        SystemClock().sleep(seconds)


class RunSite:
    """One project, one config, one store; handlers as Lambda would call them."""

    def __init__(self, cloud: OpenstackSite, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloud = cloud
        self.folder = folder
        self.env = {
            "VOLUME_IMAGES_CONFIG": str(folder / "config.yaml"),
            "VOLUME_IMAGES_STORE": str(folder / "store"),
            "VOLUME_IMAGES_DEPLOYMENT": "real",
            "VOLUME_IMAGES_MINIMUM_GRACE": "1h",
            "OS_CLIENT_CONFIG_FILE": str(Places(DEFAULT_FOLDER).clouds_yaml),
            "NO_PROXY": "127.0.0.1,localhost",
        }
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        # What takes an hour elsewhere takes seconds here.
        monkeypatch.setattr("volume_images.patience.LONGEST_PAUSE", LONGEST_PAUSE)
        self._export_volumes = function("export_volumes")

    def configure(self, volumes: Mapping[str, str], disk_format: str) -> None:
        """Write a config for these volumes (names by id) that keeps the newest two images."""
        cloud = {
            "dialect": "openstack",
            "region": self.cloud.region,
            "project": self.cloud.project_name,
            "clouds_yaml": "openstack-demo",
            "requests_per_second": 100,
        }
        policy = {
            "select": {"backup": "daily"},
            "schedule": "0 2 * * *",
            "catch_up": "60d",
            "export": {"disk_format": disk_format},
            "retention": {"keep_last": 2},
        }
        document: dict[str, Any] = {
            "version": 1,
            "prefix": PREFIX,
            "grace": "1h",
            "clouds": {"real": cloud},
            "policies": {"daily": policy},
            "volumes": [
                {"id": volume_id, "cloud": "real", "name": name, "tags": {"backup": "daily"}}
                for volume_id, name in volumes.items()
            ],
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(document))

    def tick(self, slot: datetime) -> None:
        """Have the handler of the export look at one slot."""
        event = {"scheduled_time": f"{slot:%Y-%m-%dT%H:%M:%SZ}", "policies": ["daily"]}
        invocation = context(Function.EXPORT, "real", SystemClock())
        self._export_volumes.handler(event, invocation)

    def export(self, slot: datetime) -> None:
        """Have the handler export one slot, and a tick settle it when the cloud is done."""
        self.tick(slot)
        until = time.monotonic() + LONGEST_EXPORT
        while self.pending():
            assert time.monotonic() < until, "the export does not end"
            time.sleep(BETWEEN_LOOKS)
        self.tick(slot)

    def pending(self) -> bool:
        """Whether an image is not active yet."""
        return any(image["status"] != ImageStatus.ACTIVE for image in self.images())

    def images(self) -> list[dict[str, Any]]:
        """Return the project's images as Glance describes them, oldest slot first."""
        listed = self.cloud.call("GET", IMAGES, params={"owner": self.cloud.project_id})
        found: list[dict[str, Any]] = listed.json()["images"]
        return sorted(found, key=lambda image: str(image["name"]))

    def clean(self, ahead: timedelta) -> Report:
        """Run cleanup as if so much time had passed since the images were made."""
        world = connect(Settings.parse(self.env), Function.CLEANUP, Connections())
        moved = replace(world, clock=LaterClock(ahead))
        return cleanup_run(moved, Tick(), limits=NO_LIMITS)

    def cloud_to_restore(self) -> RestoreCloud:
        """Open the cloud of the config as the commands do that make volumes."""
        settings = Settings.parse(self.env)
        connections = Connections()
        world = connect(settings, Function.CLEANUP, connections)
        config = world.config.clouds["real"]
        return open_cloud_to_restore(settings, "real", config, connections, world.clock)

    def reports(self, role: str) -> list[dict[str, Any]]:
        """Return the reports that were filed, oldest first."""
        paths = (self.folder / "store" / "reports" / role).rglob("*.json")
        reports = [json.loads(path.read_text()) for path in paths]
        return sorted(reports, key=lambda report: datetime.fromisoformat(report["started_at"]))

    def bytes_of(self, volume_id: str) -> Path:
        """Return the file behind a volume: its bytes, as they are now."""
        return Path(self.cloud.facts["volume_files"]) / f"volume-{volume_id}"


def function(name: str) -> ModuleType:
    """Load a function's app.py, as Lambda does once a process."""
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def last_nights(count: int) -> list[datetime]:
    """Return the slots of the last nights, oldest first."""
    today = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
    return [today - timedelta(days=days) for days in range(count, 0, -1)]


def slot_of(image: dict[str, Any]) -> datetime:
    name = ImageName.parse(str(image["name"]))
    assert name is not None
    return name.slot


def made(cloud: RestoreCloud, volume_id: str) -> Volume:
    """Follow a new volume until it is no longer being made."""
    until = time.monotonic() + LONGEST_CREATION
    while (volume := cloud.volumes.get(volume_id)) and volume.status in {"creating", "downloading"}:
        assert time.monotonic() < until, f"the new volume is {volume.status} for ever"
        time.sleep(BETWEEN_LOOKS)
    assert volume is not None
    return volume


def wait_until_gone(cloud: RestoreCloud, volume_id: str) -> None:
    until = time.monotonic() + LONGEST_DELETION
    while cloud.volumes.get(volume_id) is not None:
        assert time.monotonic() < until, "the volume is not deleted"
        time.sleep(BETWEEN_LOOKS)


def wait_until_later(captured: datetime) -> None:
    """Wait for the next second: Glance tells the times of its images to the second."""
    while datetime.now(UTC) < captured + timedelta(seconds=1):
        time.sleep(BETWEEN_LOOKS)
