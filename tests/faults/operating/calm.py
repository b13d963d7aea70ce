"""The end of operations: a week in which all is well, and nothing is left of what was not."""

from datetime import datetime, timedelta

from tests.faults.operating.machine import DAY, MINUTE, Operation
from tests.faults.year_expiry import expired_images
from tests.faults.years.clock import VirtualClock
from volume_images.config.schema import Config
from volume_images.export.state import ExportState
from volume_images.image_name import ImageName
from volume_images.model import ImageStatus
from volume_images.report import ImageResult

HALF_DAY = DAY / 2
HALF_DAYS = 13
SCHEDULES = ("0 2 * * *", "0 14 * * *")
"""Of the policies in calm times: looked at each half day, no slot gives way to the next."""


class EndsInCalm(Operation):
    """A deployment that is healthy at last, whatever came before."""

    def teardown(self) -> None:
        """Let all be well for a week: every slot is exported, and nothing lags or stays behind."""
        if not hasattr(self, "watch"):
            return
        self.tried["orders of events"] += 1
        self.tried["faults injected"] += self.place.struck
        self.place.go_well()
        self.trouble = False
        for image in self.our_images():
            image.tags = [tag for tag in image.tags if tag != self.place.pin]
        for policy, schedule in zip(self.document["policies"].values(), SCHEDULES, strict=True):
            policy |= {"schedule": schedule, "catch_up": "23h"}
        self.write()
        self.place.let_pass(self.until_six())
        calm = self.now
        over: frozenset[str] = frozenset()
        for half_day in range(HALF_DAYS):
            self.free_volumes()
            for _ in range(3):
                self.run_export()
                self.place.let_pass(11 * MINUTE)
            self.run_cleanup()
            if half_day == 2:
                over = self.what_is_over()
            self.place.let_pass(HALF_DAY - 33 * MINUTE)
        self.check_images(over)
        self.check_slots(calm)
        self.world.forget_past()

    def until_six(self) -> timedelta:
        """Return the time until six in the morning: far from every slot, so that none is open."""
        six = self.now.replace(hour=6, minute=0, second=0, microsecond=0)
        return (six - self.now) % DAY

    def check_images(self, over: frozenset[str]) -> None:
        """See that what was over is gone, unless the cloud refuses that, and people are told."""
        report = self.run_cleanup()
        assert report is not None
        refused = {
            outcome.image_id
            for outcome in report.outcomes
            if outcome.result is ImageResult.NOT_DELETED
        }
        left = [self.world.images[one].name for one in over - refused if one in self.world.images]
        assert left == [], left

    def check_slots(self, calm: datetime) -> None:
        """Nothing is forgotten; in calm, every slot of a volume that is there is exported."""
        due = list(self.owing.due(self.now - 3 * HALF_DAY))
        self.tried["slots due"] += len(due)
        self.watch.check_slots(due)
        done = self.watch.exported
        in_calm = [
            (group, slot)
            for group, slot in due
            if slot > calm + DAY and group.volume_id in self.world.volumes
        ]
        lacking = [f"{group} at {slot}" for group, slot in in_calm if (group, slot) not in done]
        assert lacking == [], lacking
        self.judge()
        body = self.place.state(self.key("export"))
        assert body is not None
        state = ExportState.model_validate_json(body)
        left = {*state.under_way, *state.late, *state.waiting, *state.missed}
        assert left == set(), left

    def what_is_over(self) -> frozenset[str]:
        """Return the images that must be gone when grace and two healthy days are over."""
        config = Config.model_validate(self.document)
        expired = expired_images(
            config,
            self.place.cloud_name,
            self.world,
            self.found,
            VirtualClock(self.now),
            self.strangers,
        )
        body = self.place.state(self.key("export"))
        stuck = ExportState.model_validate_json(body).stuck if body else {}
        failed = {
            image.id
            for image in self.our_images()
            if (image.status == ImageStatus.KILLED or image.id in stuck)
            and (name := ImageName.parse(image.name))
            and self.is_covered(name.group)
        }
        return expired | failed
