"""Whatever order triggers, time, faults, edits and people come in: no rule is broken.

Over HTTP, with the real client, in both dialects.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.export_site import DAY, DB, LOG, MINUTE, WEB, ExportSite, request
from tests.faults.invariants import Watch, no_secret
from tests.faults.oracle import due_times
from tests.sandbox.fates import ImageFate, VolumeFate
from tests.sandbox.faults import (
    Answered,
    BadTokens,
    Ending,
    Fault,
    Faults,
    ImageQuota,
    InFlight,
    Lost,
    Reads,
    Refused,
    ShownLate,
    Skew,
    Throttle,
)
from tests.sandbox.seeds import plant_foreign_images
from tests.sandbox.stack import SandboxStack
from tests.sandbox.things import SandboxImage
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.cleanup.state import CleanupState
from volume_images.model import Dialect, GroupKey, ImageStatus, Tick, Trigger, VolumeStatus
from volume_images.protocols import RunLimits
from volume_images.report import Function, Report
from volume_images.settings import Settings

GRACE = timedelta(days=3)
HOUR = 60 * MINUTE
VOLUMES = (DB, WEB, LOG)
SCHEDULES = ("0 2 * * *", "0 */8 * * *")
STATES = {"export": "state/export/sandbox.json", "cleanup": "state/cleanup/sandbox.json"}
EXPORTS = "/volume/*/action"

FAULTS: tuple[Fault, ...] = (
    Lost(method="POST", path=EXPORTS, probability=0.5),
    Lost(method="DELETE", probability=0.5),
    Throttle(rate=2, burst=3, retry_after=1),
    Answered(status=502, probability=0.2),
    ShownLate(seconds=1500, reads=Reads.LISTINGS),
    Ending(image=ImageFate.FAILED),
    Ending(image=ImageFate.VANISHED, every=2),
    Ending(image=ImageFate.STUCK, every=2),
    Ending(image=ImageFate.STUCK, volume=VolumeFate.UPLOADING, every=3),
    InFlight(limit=1),
    ImageQuota(limit=12),
    Refused(),
    Skew(seconds=900),
    BadTokens(every=7),
)


@pytest.fixture(scope="module", params=list(Dialect))
def stack(request: pytest.FixtureRequest) -> Iterator[SandboxStack]:
    with (
        SandboxStack(dialect=request.param, volumes=3) as stack,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in stack.env.items():
            environment.setenv(name, value)
        yield stack


class Operation(RuleBasedStateMachine):
    """A deployment in operation; `stack` is set by the test."""

    stack: SandboxStack

    @initialize()
    def begin(self) -> None:
        """Have three volumes, images of others, and nothing exported."""
        self.site = ExportSite(self.stack)
        self.site.reset()
        plant_foreign_images(self.site.cloud.world)
        self.watch = Watch(self.site.cloud.world, grace=GRACE)
        self.policy: dict[str, Any] = {"select": {"backup": "daily"}}
        self.began = self.site.cloud.clock.now()
        self.edit(retention={"keep_last": 2})

    def edit(self, **policy: Any) -> None:  # noqa: ANN401
        """Write another version of the config; only other rules let the wait start again."""
        changed = {name for name, value in policy.items() if self.policy.get(name) != value}
        self.policy |= policy
        self.site.edit(**self.policy)
        if "retention" in changed:
            self.watch.retention_changed("daily")
        if changed - {"schedule", "retention"}:
            self.watch.rules_changed("daily")

    def run_export(self, trigger: Trigger | None = None) -> Report:
        """Run an export, and look at what it leaves."""
        report = self.site.run(trigger)
        self.watch.export_ended(report)
        self.judge(report)
        return report

    def run_cleanup(self, tick: Tick) -> None:
        """Run a cleanup, and look at what it leaves."""
        settings_ = Settings.parse(self.stack.env)
        world = connect(settings_, Function.CLEANUP, self.site.connections)
        report = cleanup_run(world, tick, limits=RunLimits())
        state = self.cleanup_state()
        if state is None:
            self.watch.look()
        else:
            self.watch.cleanup_ended(report, state)
        self.judge(report)

    def judge(self, report: Report) -> None:
        """Hold the rules."""
        texts = [str(report.as_json())]
        secrets = [
            self.site.cloud.secret("export")["password"],
            self.site.cloud.secret("cleanup")["password"],
        ]
        assert self.watch.violations + no_secret(texts, secrets) == []

    def cleanup_state(self) -> CleanupState | None:
        """Read cleanup's state, if there is one that can be read."""
        aws = self.stack.aws.s3
        with suppress(aws.exceptions.NoSuchKey, ValueError):
            found = aws.get_object(Bucket=self.stack.state_bucket, Key=STATES["cleanup"])
            return CleanupState.model_validate_json(found["Body"].read())
        return None

    @rule(late=st.sampled_from([0, 3, 70]))
    def tick(self, late: int) -> None:
        """Let a tick come, on time or late."""
        self.run_export(Tick(scheduled_at=self.site.cloud.clock.now() - late * MINUTE))

    @rule()
    def doubled_tick(self) -> None:
        """Let one come twice."""
        self.run_export(Tick())
        self.run_export(Tick())

    @rule(volume=st.sampled_from(VOLUMES))
    def narrowed_tick(self, volume: str) -> None:
        """Look at one volume alone."""
        self.run_export(Tick(volume_ids=frozenset({volume})))

    @rule(volume=st.sampled_from(VOLUMES))
    def ask(self, volume: str) -> None:
        """Ask for an export outside the schedule."""
        self.run_export(request(volume))

    @rule(hours=st.sampled_from([1, 12, 24]), times=st.integers(1, 4))
    def cleanups(self, hours: int, times: int) -> None:
        """Let cleanups come, one after another, with a tick beside each."""
        for _ in range(times):
            self.site.let_pass(hours * HOUR)
            self.run_export()
            self.run_cleanup(Tick())

    @rule(volume=st.sampled_from(VOLUMES))
    def narrowed_cleanup(self, volume: str) -> None:
        """Judge the images of one volume alone."""
        self.run_cleanup(Tick(volume_ids=frozenset({volume})))

    @rule(minutes=st.sampled_from([1, 10, 61, 8 * 60, 24 * 60, 50 * 60]))
    def wait(self, minutes: int) -> None:
        """Let time pass."""
        self.site.let_pass(minutes * MINUTE)

    @rule(fault=st.sampled_from(FAULTS), seed=st.integers(0, 3))
    def something_goes_wrong(self, fault: Fault, seed: int) -> None:
        """Switch a fault on, beside those there are."""
        rules = (*self.site.cloud.faults.rules, fault)
        self.site.cloud.faults = Faults(seed=seed, rules=rules[-3:])

    @rule()
    def all_goes_well(self) -> None:
        """Switch all faults off."""
        self.site.cloud.faults = Faults()

    @rule(which=st.sampled_from(sorted(STATES)), how=st.sampled_from(["lost", "damaged"]))
    @precondition(lambda self: not self.site.cloud.faults.rules)
    def memory_fails(self, which: str, how: str) -> None:
        """Lose or damage a state, in calm times: a listing that lags would hide what it knew."""
        bucket, key = self.stack.state_bucket, STATES[which]
        if how == "lost":
            self.stack.aws.s3.delete_object(Bucket=bucket, Key=key)
        else:
            self.stack.aws.s3.put_object(Bucket=bucket, Key=key, Body=b"{")
        if which == "cleanup":
            self.watch.announcements_lost()

    @rule(keep=st.sampled_from([1, 2, 4]))
    def retention_edited(self, keep: int) -> None:
        """Keep more, or less."""
        self.edit(retention={"keep_last": keep})

    @rule(schedule=st.sampled_from(SCHEDULES))
    def schedule_edited(self, schedule: str) -> None:
        """Export at other times."""
        self.edit(schedule=schedule)

    @rule()
    def tags_slip_and_are_put_right(self) -> None:
        """Cover no volume for a moment, without a run."""
        before = self.policy["select"]
        self.edit(select={"backup": "nothing"})
        self.edit(select=before)

    @rule(number=st.integers(0, 20), pinned=st.booleans())
    def somebody_pins(self, number: int, pinned: bool) -> None:  # noqa: FBT001
        """Pin an image, or unpin it."""
        image = self.some_image(number)
        if image is not None:
            pin = "vi-pin=1" if self.stack.cloud.dialect is Dialect.HUAWEI else "vi-pin"
            image.tags = [*(tag for tag in image.tags if tag != pin), *([pin] if pinned else [])]

    @rule(number=st.integers(0, 20))
    def somebody_deletes_an_image(self, number: int) -> None:
        """Delete an image by hand."""
        image = self.some_image(number)
        if image is not None:
            self.watch.look()
            self.site.cloud.world.forget_image(image.id)
            self.watch.changed_by_hand()

    @rule()
    def somebody_frees_volumes(self) -> None:
        """Free the volumes that the cloud forgot while they were uploading."""
        world = self.site.cloud.world
        world.settle()
        busy = {export.volume.id for export in world.exports}
        for volume in world.volumes.values():
            if volume.status == VolumeStatus.UPLOADING and volume.id not in busy:
                volume.status = volume.resting_status

    def some_image(self, number: int) -> SandboxImage | None:
        """Choose one of our good images."""
        self.site.cloud.world.settle()
        names = [
            image
            for image in self.site.images()
            if image.status == ImageStatus.ACTIVE and image.created_at >= self.began
        ]
        return names[number % len(names)] if names else None

    def teardown(self) -> None:
        """Let all be well for some days: then every slot is exported, and nothing lags behind."""
        if not hasattr(self, "watch"):
            return
        self.site.cloud.faults = Faults()
        self.somebody_frees_volumes()
        self.edit(schedule="0 2 * * *", retention={"keep_last": 2})
        calm = self.site.cloud.clock.now()
        for _ in range(12):
            self.site.let_pass(12 * HOUR)
            for _ in range(3):
                self.run_export()
                self.site.let_pass(11 * MINUTE)
            self.run_cleanup(Tick())
        now = self.site.cloud.clock.now()
        groups = [GroupKey("daily", requested=False, volume_id=volume) for volume in VOLUMES]
        slots = due_times("0 2 * * *", "UTC", calm + DAY, now - DAY)
        self.watch.check_slots((group, slot) for group in groups for slot in slots)
        assert self.watch.violations == []
        assert self.site.state().under_way == {}
        self.site.cloud.world.forget_past()


@pytest.mark.slow
def test_no_rule_is_broken_in_whatever_order_things_come(stack: SandboxStack) -> None:
    Operation.stack = stack
    machine = Operation.TestCase
    machine.settings = settings(
        max_examples=4 if settings().max_examples < 100 else 25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()
