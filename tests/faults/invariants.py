"""What must hold whatever goes wrong, written once, for every proof to ask.

Each rule takes plain facts and returns what breaks it, in words; nothing means that it holds.
`Watch` gathers these facts from a sandbox's cloud, run by run.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from tests.sandbox.things import SandboxImage
from tests.sandbox.world import World
from volume_images.cleanup.state import CleanupState
from volume_images.image_name import ImageName
from volume_images.model import GroupKey, ImageStatus
from volume_images.report import CloudResult, ExportResult, ImageResult, Report

Slot = tuple[GroupKey, datetime]
Violations = list[str]

parsed = lru_cache(maxsize=4096)(ImageName.parse)

A_MOMENT = timedelta(minutes=1)
"""What a run may take between the times that it and an onlooker take for the same event."""


def one_image_per_slot(good: Iterable[Slot], doubled_by_lies: Collection[Slot]) -> Violations:
    """At most one good image of each slot; a lagging listing after a lost answer may make two."""
    count = Counter(good)
    return [
        f"{number} good images of {slot[0]} at {slot[1]:%F %R}"
        for slot, number in count.items()
        if number > 1 and slot not in doubled_by_lies
    ]


def floor_held(
    before: Mapping[GroupKey, int], after: Mapping[GroupKey, int], floor: int
) -> Violations:
    """No cleanup leaves a group with fewer good images than the floor, if it had so many."""
    return [
        f"{group} has {after.get(group, 0)} good images of {number}"
        for group, number in before.items()
        if after.get(group, 0) < min(number, floor)
    ]


def announced_for_the_grace(
    deleted: Mapping[str, datetime], standing: Mapping[str, datetime], grace: timedelta
) -> Violations:
    """Nothing that was good is deleted before it has stood announced for the whole grace."""
    return [
        f"{image_id} was deleted, and never announced"
        if image_id not in standing
        else f"{image_id} was deleted {at - standing[image_id]} after it was announced"
        for image_id, at in deleted.items()
        if image_id not in standing or at - standing[image_id] < grace - A_MOMENT
    ]


def strangers_untouched(
    before: Mapping[str, SandboxImage], now: Mapping[str, SandboxImage]
) -> Violations:
    """Images of others are there, and are as they were."""
    return [
        f"the stranger {image_id} was {'changed' if image_id in now else 'deleted'}"
        for image_id, image in before.items()
        if now.get(image_id) != image
    ]


def slots_accounted_for(
    due: Iterable[Slot], exported: Collection[Slot], missed: Collection[Slot]
) -> Violations:
    """Every slot whose time is over was exported, or reported as missed."""
    return [
        f"{group} at {slot:%F %R} was neither exported nor reported as missed"
        for group, slot in due
        if (group, slot) not in exported and (group, slot) not in missed
    ]


def counts_add_up(report: Report) -> Violations:
    """Count each outcome once, in the report and in its JSON."""
    total = sum(report.counts.values())
    outcomes = report.as_json()["outcomes"]
    if total == len(report.outcomes) == len(outcomes):
        return []
    return [f"{report.run_id} counts {total} of {len(report.outcomes)} outcomes"]


def one_page_per_cause(report: Report) -> Violations:
    """Tell of a cloud that is down once, not once for each of its volumes.

    An export that was seen to fail before its cloud went down has an image to name.
    """
    down = {
        cloud.cloud
        for cloud in report.clouds
        if cloud.result in {CloudResult.UNAVAILABLE, CloudResult.NO_CREDENTIAL}
    }
    said = Counter(cloud.cloud for cloud in report.clouds)
    found = [f"{name} is told of {number} times" for name, number in said.items() if number > 1]
    blamed = Counter(
        outcome.cloud
        for outcome in report.changed
        if outcome.cloud in down and outcome.result is ExportResult.FAILED and not outcome.image_id
    )
    return found + [f"{name} is down, and {n} volumes are blamed" for name, n in blamed.items()]


def deletions_told(deleted: Collection[str], report: Report) -> Violations:
    """Tell of each deletion, of one whose answer was lost as well."""
    if not deleted:
        return []
    told = {
        outcome.image_id
        for outcome in report.outcomes
        if outcome.result in {ImageResult.DELETED, ImageResult.GONE, ImageResult.NOT_DELETED}
    }
    return [
        f"{image_id} was deleted without a word" for image_id in deleted if image_id not in told
    ]


def report_holds(report: Report) -> Violations:
    """See that a report of an export run agrees with itself, whatever there is in the clouds."""
    return counts_add_up(report) + one_page_per_cause(report)


def no_secret(texts: Iterable[str], secrets: Collection[str]) -> Violations:
    """No text holds a secret."""
    return [f"a secret is in {text[:80]!r}" for text in texts if any(s in text for s in secrets)]


class Watch:
    """An onlooker of one cloud: sees what every run leaves, and collects what breaks a rule.

    All images that are there at first are strangers, but for `ours`. It knows nothing that the
    product has worked out, but its names, its reports and what its state says stands announced.
    """

    def __init__(
        self, world: World, *, grace: timedelta, floor: int = 1, ours: Collection[str] = ()
    ) -> None:
        self.violations: Violations = []
        self.exported: set[Slot] = set()
        self.missed: set[Slot] = set()
        self.doubled_by_lies: set[Slot] = set()
        self.deletions = 0
        self._world = world
        self._grace = grace
        self._floor = floor
        self._renamed: dict[str, str] = {}
        self._slots: dict[str, Slot | None] = {}
        self._standing: dict[str, datetime] = {}
        self._strangers = {
            image.id: deepcopy(image) for image in world.images.values() if image.id not in ours
        }
        self._departed = len(world.departed)
        self._good = self._good_images()
        self._looked_at: dict[str, Slot] = {}

    def export_ended(self, report: Report) -> None:
        """Look at what an export run left."""
        self.violations += report_holds(report)
        self.export_left(report)

    def export_left(self, report: Report) -> None:
        """Look at what an export run left, whose report somebody else has looked at."""
        for outcome in report.outcomes:
            if outcome.result is ExportResult.MISSED and outcome.slot is not None:
                group = GroupKey.parse(f"{outcome.policy}/{outcome.volume_id}")
                self.missed.add((self.today(group), outcome.slot))
        self.look()

    def cleanup_ended(self, report: Report, state: CleanupState) -> None:
        """Look at what a cleanup run left."""
        self.violations += counts_add_up(report)
        self.cleanup_left(report, state)

    def cleanup_left(self, report: Report, state: CleanupState) -> None:
        """Look at what a cleanup run left, whose counts somebody else has added up."""
        self.violations += deletions_told(self.look(), report)
        self.announced(state, report.started_at)

    def announced(self, state: CleanupState, at: datetime) -> None:
        """Take note of what stands announced since a run that began at this time."""
        standing = (image_id for record in state.groups.values() for image_id in record.announced)
        self._standing = {image_id: self._standing.get(image_id, at) for image_id in standing}

    def rules_changed(self, policy: str, volume_id: str = "") -> None:
        """Take note that a policy had other rules for its volumes, or one, if only for a moment.

        What stood announced may not be deleted before it has stood for the whole grace again.
        """
        self._wait_again(
            lambda group: group.policy == policy and volume_id in ("", group.volume_id)
        )

    def retention_changed(self, policy: str) -> None:
        """Take note that a policy had another `retention`, if only for a moment.

        Its requested images have rules of their own, which the config has under `requests`: they
        stand announced as before.
        """
        self._wait_again(lambda group: group.policy == policy and not group.requested)

    def requests_changed(self, policy: str) -> None:
        """Take note that a policy had other rules for what was asked for."""
        self._wait_again(lambda group: group.policy == policy and group.requested)

    def renamed(self, former: str, today: str) -> None:
        """Take note that a policy has another name, and its groups with it."""
        self._renamed[former] = today
        self._slots.clear()
        self.exported = {(self.today(group), slot) for group, slot in self.exported}
        self.missed = {(self.today(group), slot) for group, slot in self.missed}
        self.doubled_by_lies = {(self.today(group), slot) for group, slot in self.doubled_by_lies}
        self._good = self._good_images()

    def announcements_lost(self) -> None:
        """Take note that nothing that stood announced may be believed any more."""
        self._standing.clear()

    def changed_by_hand(self) -> None:
        """Take the cloud as it is now: a person deleted or pinned something."""
        self._good, self._departed = self._good_images(), len(self._world.departed)

    def look(self) -> set[str]:
        """Look at the cloud: after every run, even one that did not come to its end.

        Returns the good images that are gone since the look before.
        """
        self._world.settle()
        self.violations += strangers_untouched(self._strangers, self._world.images)
        good = self._good_images()
        if good == self._looked_at == self._good:
            return set()  # nothing has changed since it was held against all rules
        self.exported.update(good.values())
        self.violations += one_image_per_slot(good.values(), self.doubled_by_lies)
        before = Counter(group for group, _ in self._good.values())
        after = Counter(group for group, _ in good.values())
        self.violations += floor_held(before, after, self._floor)
        deleted = {
            departed.thing.id: departed.at
            for departed in self._world.departed[self._departed :]
            if departed.thing.id in self._good
        }
        self.deletions += len(deleted)
        self.violations += announced_for_the_grace(deleted, self._standing, self._grace)
        self._good = self._looked_at = good
        self._departed = len(self._world.departed)
        return set(deleted)

    def check_slots(self, due: Iterable[Slot]) -> None:
        """Hold the slots whose time is over against what was exported and reported."""
        self.violations += slots_accounted_for(due, self.exported, self.missed)

    def _wait_again(self, have_other_rules: Callable[[GroupKey], bool]) -> None:
        """Forget since when the images of these groups have stood announced."""
        for image_id in list(self._standing):
            image = self._world.images.get(image_id)
            name = parsed(image.name) if image else None
            if name is not None and have_other_rules(self.today(name.group)):
                del self._standing[image_id]

    def _good_images(self) -> dict[str, Slot]:
        active = (
            image
            for image in self._world.images.values()
            if image.status == ImageStatus.ACTIVE and image.id not in self._strangers
        )
        return {image.id: slot for image in active if (slot := self._slot(image.name))}

    def _slot(self, image_name: str) -> Slot | None:
        """Say of which slot an image is; of each the same thing, for as long as nothing changes."""
        if image_name not in self._slots:
            name = parsed(image_name)
            self._slots[image_name] = (self.today(name.group), name.slot) if name else None
        return self._slots[image_name]

    def today(self, group: GroupKey) -> GroupKey:
        """Return a group under the name that its policy has today."""
        today = self._renamed.get(group.policy)
        return replace(group, policy=today) if today else group


def due_slots(
    groups: Iterable[GroupKey], first: datetime, every: timedelta, until: datetime
) -> list[Slot]:
    """List slots at a fixed distance, computed without the product's own schedules."""
    number = (until - first) // every + 1
    return [(group, first + every * nth) for group in groups for nth in range(number)]
