"""A local restic repository with histories of many kinds, one to a host name."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from volume_images.retention.judging import Candidate

ZONE = "Europe/Vienna"
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """A snapshot to make: at a wall-clock time of the zone."""

    host: str
    at: str
    tags: str


@dataclass(frozen=True, slots=True)
class Repository:
    """Runs restic where every wall clock shows the zone's time."""

    folder: Path

    def run(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TZ": ZONE,
            "RESTIC_REPOSITORY": str(self.folder / "repository"),
            "RESTIC_PASSWORD": "for a test",
        }
        done = subprocess.run(
            ["restic", "--quiet", "--json", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout) if done.stdout.startswith(("[", "null")) else None

    def fill(self, wanted: Sequence[Wanted]) -> None:
        """Make the repository and all snapshots of one small file."""
        file = self.folder / "file"
        file.write_text("the same each time")
        self.run("init")

        def back_up(one: Wanted) -> None:
            marks = ["--tag", one.tags] if one.tags else []
            self.run("backup", "--host", one.host, "--time", one.at, *marks, str(file))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(back_up, wanted))

    def histories(self) -> Mapping[str, list[Candidate]]:
        """Return the snapshots of each host as restic lists them."""
        found: dict[str, list[Candidate]] = {}
        for snapshot in self.run("snapshots"):
            at = datetime.fromisoformat(snapshot["time"]).astimezone(UTC)
            labels = frozenset(snapshot.get("tags") or ())
            image = Candidate(id=snapshot["id"], time=at, created_at=at, labels=labels)
            found.setdefault(snapshot["hostname"], []).append(image)
        return found

    def kept(self, options: Sequence[str]) -> Mapping[str, list[tuple[datetime, tuple[str, ...]]]]:
        """Ask restic what it would keep of each host, and why; the order of equal times is free."""
        kept: dict[str, list[tuple[datetime, tuple[str, ...]]]] = {}
        for group in self.run("forget", "--dry-run", "--no-lock", "--group-by", "host", *options):
            kept[group["host"]] = sorted(
                (
                    datetime.fromisoformat(reason["snapshot"]["time"]).astimezone(UTC),
                    tuple(reason["matches"]),
                )
                for reason in group["reasons"] or ()
            )
        return kept
