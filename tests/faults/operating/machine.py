"""A deployment in operation, as a state machine sees it: its runs, what they left, what is owed."""

import json
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from tests.faults.invariants import Watch, no_secret
from tests.faults.operating.deployments import Deployment
from tests.faults.operating.interruptions import Interruption, Killed, interrupted
from tests.faults.year_fleet import FleetVolume
from tests.faults.year_slots import Owing
from tests.sandbox.things import SandboxImage, SandboxVolume
from volume_images.cleanup.run import cleanup_run
from volume_images.cleanup.state import CleanupState
from volume_images.export.run import export_run
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, ImageStatus, Tick, Trigger, VolumeStatus
from volume_images.protocols import World
from volume_images.report import CloudResult, ExportResult, Function, Report
from volume_images.stopwatch import RunLimits

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GRACE = timedelta(days=3)
LAMBDA = RunLimits(act=480, end=520)
YES = "yes"
ANY = st.integers(0, 23)
"""Chooses among whatever there is."""

WAITS = st.sampled_from([0, 1, 10, 61, 8 * 60, 24 * 60, 50 * 60])
"""Minutes that pass before something happens."""

POLICIES: dict[str, dict[str, Any]] = {
    "daily": {"schedule": "0 2 * * *", "catch_up": "12h", "retention": {"keep_last": 2}},
    "often": {"schedule": "0 */8 * * *", "catch_up": "7h", "retention": {"keep_daily": 2}},
}
"""Each selects the volumes with a tag of its name; a volume may have both."""

UNDER = (("daily",), ("daily", "often"), ("daily",))
"""The policies of the volumes that are there at first."""


class Operation(RuleBasedStateMachine):
    """The deployment is set by the test; `tried` adds up over all that the machine tries."""

    place: Deployment
    tried: Counter[str]
    found: list[FleetVolume]

    @initialize()
    def begin(self) -> None:
        """Have three listed volumes, images of others, and nothing exported."""
        self.place.reset()
        self.world = self.place.world
        self.strangers = frozenset(self.world.images)
        self.watch = Watch(self.world, grace=GRACE)
        self.owing = Owing(self.now)
        self.document = self.place.document() | {
            "policies": {
                name: {"select": {name: YES}, "timezone": "UTC"} | policy
                for name, policy in POLICIES.items()
            },
            "volumes": [
                self.entry(volume, tags)
                for volume, tags in zip(self.world.volumes.values(), UNDER, strict=True)
            ],
            "discover": [{"cloud": self.place.cloud_name, "tags": {"daily": [YES]}}],
        }
        self.found = []
        self.made = 0
        self.trouble = False
        self.known_at = self.now
        self.write()
        self.owing.reads(self.document, self.now, self.covered())

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.place.clock.now()

    def entry(self, volume: SandboxVolume, tags: tuple[str, ...]) -> dict[str, Any]:
        """Return a volume as the config lists it."""
        place = self.place.cloud_name
        return {
            "id": volume.id,
            "cloud": place,
            "name": volume.name,
            "tags": dict.fromkeys(tags, YES),
        }

    def write(self) -> None:
        """Write the config: what it changes is owed from the first undisturbed run that sees it."""
        self.place.write_config(json.dumps(self.document).encode())
        self.spoilt = False
        self.in_doubt()

    def in_doubt(self) -> None:
        """Take note that nobody can tell what is owed, until an undisturbed run."""
        self.owing.forgotten(self.place.cloud_name, self.known_at)

    # Runs.

    def run_export(
        self, trigger: Trigger | None = None, by: Interruption | None = None
    ) -> Report | None:
        """Run an export, and look at what it leaves; no report where it did not come to its end."""
        world = self.connect(Function.EXPORT, by)
        if world is None:
            return None
        self.tried["runs"] += 1
        try:
            report = export_run(world, trigger or Tick(), limits=LAMBDA)
        except Killed:
            self.killed()
            return None
        self.excuse_doubles()
        self.watch.export_ended(report)
        self.judge(report)
        if trigger in {None, Tick()}:
            self.note_what_is_known(report)
        return report

    def run_cleanup(
        self, tick: Tick | None = None, by: Interruption | None = None
    ) -> Report | None:
        """Run a cleanup, and look at what it leaves; no report where it did not end."""
        world = self.connect(Function.CLEANUP, by)
        if world is None:
            return None
        self.tried["runs"] += 1
        try:
            report = cleanup_run(world, tick or Tick(), limits=RunLimits())
        except Killed:
            self.killed()
            state = self.cleanup_state()
            if state is not None:
                self.watch.announced(state, self.now)
            return None
        self.excuse_doubles()
        state = self.cleanup_state()
        if state is None:
            self.watch.look()
        else:
            self.watch.cleanup_ended(report, state)
        self.judge(report)
        return report

    def connect(self, function: Function, by: Interruption | None) -> World | None:
        """Begin a run, perhaps one that is interrupted."""
        world = self.place.connect(function)
        return interrupted(world, by) if world and by else world

    def killed(self) -> None:
        """Look at what is there: what was written stands."""
        self.tried["crash points"] += 1
        self.place.process_ended()
        self.excuse_doubles()
        self.watch.look()
        self.judge()

    def judge(self, report: Report | None = None) -> None:
        """Hold the rules."""
        texts = [str(report.as_json())] if report else []
        found = self.watch.violations + no_secret(texts, self.place.secrets)
        assert found == [], found

    def excuse_doubles(self) -> None:
        """Excuse a second image after a lost answer, where listings lag for too long."""
        for text in self.place.doubtful:
            name = ImageName.parse(text)
            if name is not None:
                self.watch.doubled_by_lies.add((self.watch.today(name.group), name.slot))

    def note_what_is_known(self, report: Report) -> None:
        """After an undisturbed run it is known what is owed from here on."""
        served = [one.result for one in report.clouds] == [CloudResult.SERVED]
        if served and not self.trouble and not self.spoilt:
            self.owing.reads(self.document, self.now, self.covered())
            self.owing.reached(self.place.cloud_name, self.now)
            self.known_at = self.now

    def requested(self, report: Report | None, slot: datetime) -> None:
        """Take note of the requests that were accepted."""
        for outcome in report.outcomes if report else ():
            accepted = outcome.result in {ExportResult.STARTED, ExportResult.DEFERRED}
            if outcome.slot == slot and accepted and outcome.reason != "same_request":
                group = self.watch.today(GroupKey.parse(f"{outcome.policy}/{outcome.volume_id}"))
                self.owing.requested(self.place.cloud_name, group, slot)

    # What there is.

    def key(self, role: str) -> str:
        """Return the key of a state."""
        return f"state/{role}/{self.place.cloud_name}.json"

    def cleanup_state(self) -> CleanupState | None:
        """Read the cleaner's state, if there is one that can be read."""
        body = self.place.state(self.key("cleanup"))
        with suppress(ValueError):
            return CleanupState.model_validate_json(body) if body else None
        return None

    def covered(self) -> dict[str, tuple[str, ...]]:
        """Return the volumes that the config lists or finds, with their tags."""
        listed = {str(one["id"]): tuple(one["tags"]) for one in self.document["volumes"]}
        found = {one.id: one.tags for one in self.found if one.id in self.world.volumes}
        return listed | found

    def is_covered(self, group: GroupKey) -> bool:
        """Whether the config covers a group: of any other, all is kept."""
        policy = self.document["policies"].get(self.watch.today(group).policy)
        tags = self.covered().get(group.volume_id, ())
        return policy is not None and not policy["select"].keys().isdisjoint(tags)

    def volume(self, number: int) -> str:
        """Choose a volume that the config covers."""
        ids = list(self.covered())
        return ids[number % len(ids)]

    def policy(self, number: int) -> str:
        """Choose a policy, by its name of today."""
        names = list(self.document["policies"])
        return str(names[number % len(names)])

    def our_images(self) -> list[SandboxImage]:
        """Return the images that we made, in the order of their making."""
        self.world.settle()
        return [one for one in self.world.images.values() if one.id not in self.strangers]

    def some_image(self, number: int) -> SandboxImage | None:
        """Choose one of our good images."""
        good = [image for image in self.our_images() if image.status == ImageStatus.ACTIVE]
        return good[number % len(good)] if good else None

    def free_volumes(self) -> None:
        """Free the volumes that the cloud forgot while they were uploading."""
        self.world.settle()
        busy = {export.volume.id for export in self.world.exports}
        for volume in self.world.volumes.values():
            if volume.status == VolumeStatus.UPLOADING and volume.id not in busy:
                volume.status = volume.resting_status
