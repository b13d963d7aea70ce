"""Cleanup through random weeks of faults and edits: nothing goes early, and nothing waits for ever.

The histories are checked by a witness that keeps its own book, and knows no state of cleanup's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cleanup_samples import (
    DAILY,
    DAY,
    DEPLOYMENT,
    GRACE,
    HOUR,
    NOW,
    config,
    image,
    plan,
)
from tests.support.examples import examples
from volume_images.cleanup.announcing import remember
from volume_images.cleanup.due import due_groups
from volume_images.cleanup.rows import History, Past
from volume_images.cleanup.rule_digest import NO_RULES, RuleDigests, rule_digests
from volume_images.cleanup.state import CleanupState, empty_cleanup_state
from volume_images.config.schema import Config, Orphans
from volume_images.config.selection import members
from volume_images.model import Image

CAREFUL = config(keep_last=5)
ORPHANS_AFTER = 6 * HOUR
SLIPS: Mapping[str, Config | None] = {
    "keep one": config(keep_last=1),
    "another zone": config(keep_last=5, timezone="Asia/Tokyo"),
    "no such volume": config(keep_last=5).model_copy(update={"volumes": ()}),
    "reckless of orphans": config(keep_last=5).model_copy(
        update={"volumes": (), "orphans": Orphans(after=ORPHANS_AFTER, keep=0)}
    ),
    "does not parse": None,
}
DIGESTS: Mapping[int, RuleDigests] = {
    id(by): NO_RULES if by is None else rule_digests(by, "otc", members(by, "otc", ()))
    for by in (CAREFUL, *SLIPS.values())
}
MIN_KEEP = 1
FAILED = "failed"


@dataclass
class Fleet:
    """One volume's images, its config's versions and cleanup's state, through time."""

    now: datetime = NOW
    images: dict[str, Image] = field(default_factory=dict)
    versions: list[tuple[datetime, Config | None]] = field(default_factory=lambda: [(NOW, CAREFUL)])
    state: CleanupState = field(default_factory=lambda: empty_cleanup_state(DEPLOYMENT))
    plans: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)
    deleted: dict[str, datetime] = field(default_factory=dict)

    def let_pass(self, time: timedelta) -> None:
        """Export at two every night until then."""
        until = self.now + time
        night = self.now.replace(hour=2, minute=0)
        night += DAY if night <= self.now else timedelta()
        while night <= until:
            if self.exports():
                self.export(night)
            night += DAY
        self.now = until

    def export(self, at: datetime, **changes: str) -> None:
        """Make the image of a slot."""
        made = image(at, **changes)
        self.images[made.id] = made

    def exports(self) -> bool:
        """Whether the config, or the last one that could be read, covers the volume."""
        read = [by for _, by in self.versions if by is not None]
        return bool(read[-1].volumes)

    def edit(self, new: Config | None) -> None:
        """Write another version of the config."""
        self.versions.append((self.now, new))

    def history(self) -> History:
        """Say under which rules the group was since each version, as the store would."""
        digests = [DIGESTS[id(by)] for _, by in self.versions]
        return {str(number): tuple(digests[number + 1 :]) for number in range(len(digests))}

    def clean(self) -> None:
        """Run cleanup; with a config that does not parse it does nothing."""
        by = self.versions[-1][1]
        if by is None:
            return
        history = self.history()
        past = Past(self.state, history)
        version = str(len(self.versions) - 1)
        found = plan(self.images.values(), self.now, by=by, version=version, past=past)
        self.state = remember(self.state, found, history)
        going = {
            deletion.image.id
            for group in due_groups(self.state, found, grace=GRACE, without_wait=frozenset())
            for deletion in group.deletions
        }
        expired = frozenset(one.image_id for group in found.groups for one in group.expired)
        self.plans.append((self.now, expired))
        for image_id in going:
            self.witness(image_id)
            del self.images[image_id]
            self.deleted[image_id] = self.now
        least = MIN_KEEP if by.volumes else 0
        assert len(self.images) >= min(least, len(self.images) + len(going))

    def witness(self, image_id: str) -> None:
        """Check that every plan of the grace, close together and under one config, had it."""
        if image_id.startswith(FAILED):
            assert self.now - self.images[image_id].created_at >= DAY
            return
        row = [(at, expired) for at, expired in self.plans if at >= self.row_start(image_id)]
        start = row[0][0]
        assert self.now - start >= GRACE
        assert all(image_id in expired for _, expired in row)
        times = [at for at, _ in row]
        assert max(
            (later - earlier for earlier, later in pairwise(times)),
            default=timedelta(),
        ) <= timedelta(hours=36)
        assert self.in_force_since(start) == [self.versions[-1][1]]
        if not self.exports():
            assert self.in_force_since(start - ORPHANS_AFTER) == [self.versions[-1][1]]

    def row_start(self, image_id: str) -> datetime:
        """Return the newest plan that is a whole grace old and had the image."""
        return max(
            at for at, expired in self.plans if image_id in expired and at <= self.now - GRACE
        )

    def in_force_since(self, start: datetime) -> list[Config | None]:
        """Return each config that was in force at any time since."""
        before = [by for written, by in self.versions if written <= start][-1]
        found = [before, *(by for written, by in self.versions if written > start)]
        return [by for place, by in enumerate(found) if by not in found[:place]]


@dataclass(frozen=True)
class Event:
    """Something that happens after some hours."""

    hours: int
    what: str


EVENTS = st.lists(
    st.builds(
        Event,
        st.sampled_from([1, 1, 6, 12, 20, 24, 30, 37]),
        st.sampled_from(["clean"] * 8 + ["edit", "revert", "delete newest", "fail", "double"]),
    ),
    min_size=10,
    max_size=45,
)


def happen(fleet: Fleet, event: Event, slip: Config | None) -> None:
    """Let one event happen."""
    fleet.let_pass(event.hours * HOUR)
    match event.what:
        case "edit":
            fleet.edit(slip)
        case "revert":
            fleet.edit(CAREFUL)
        case "delete newest" if fleet.images:
            del fleet.images[max(fleet.images)]
        case "fail":
            fleet.export(fleet.now, image_id=f"{FAILED} {fleet.now}", status="killed")
        case "double" if fleet.images:
            newest = fleet.images[max(fleet.images)]
            fleet.images[f"{newest.id}-twice"] = image(
                newest.created_at - timedelta(minutes=3), f"{newest.id}-twice"
            )
        case _:
            fleet.clean()


@examples(50)
@given(EVENTS, st.sampled_from(sorted(SLIPS)))
def test_nothing_goes_short_of_its_grace_whatever_happens(
    events: Sequence[Event], slip: str
) -> None:
    fleet = Fleet()
    fleet.let_pass(9 * DAY)
    for event in events:
        happen(fleet, event, SLIPS[slip])


@examples(25)
@given(
    st.sampled_from(sorted(SLIPS)),
    st.integers(0, 60),
    st.integers(1, 71),
    st.sampled_from([5, 12, 24]),
)
def test_a_slip_reverted_within_the_grace_loses_nothing(
    slip: str, begins: int, lasts: int, every: int
) -> None:
    """Judged against what the careful config alone would keep at the end."""
    fleet = Fleet()
    fleet.let_pass(9 * DAY)
    for hour in range(0, 240, every):
        if begins <= hour < begins + every:
            fleet.edit(SLIPS[slip])
        if begins + lasts <= hour < begins + lasts + every:
            fleet.edit(CAREFUL)
        fleet.clean()
        fleet.let_pass(every * HOUR)

    five_newest_when_deleted = {
        image_id: sum(other > image_id for other in everything_until(fleet, at)) >= 5
        for image_id, at in fleet.deleted.items()
    }
    assert all(five_newest_when_deleted.values())


def everything_until(fleet: Fleet, at: datetime) -> set[str]:
    """Return every image ever made until then."""
    alive = {image_id for image_id, made in fleet.images.items() if made.created_at <= at}
    return alive | fleet.deleted.keys()


@pytest.mark.parametrize("every", [1, 24])
@examples(4)
@given(data=st.data())
def test_however_often_cleanup_runs_the_expired_go_in_time(every: int, data: st.DataObject) -> None:
    """At both ends of what the template allows, at whatever minutes, with one run a day missing.

    At one run a day none may be missing: two days without a plan let every wait lapse.
    """
    minutes = st.integers(0, 29)
    fleet = Fleet()
    fleet.let_pass(9 * DAY + data.draw(minutes) * HOUR / 60)
    missing = data.draw(st.integers(0, 23)) if every == 1 else None
    late = [data.draw(minutes) * HOUR / 60 for _ in range(24)]
    for hour in range(0, 6 * 24, every):
        if hour % 24 != missing:
            fleet.let_pass(late[hour % 24])
            fleet.clean()
            fleet.let_pass(every * HOUR - late[hour % 24])
        else:
            fleet.let_pass(every * HOUR)
    fleet.clean()

    longest = GRACE + (every + 2) * HOUR
    expired_since = {
        image_id: min(at for at, expired in fleet.plans if image_id in expired)
        for image_id in fleet.deleted
    }
    assert len(fleet.deleted) >= 3
    assert all(at - expired_since[gone] <= longest for gone, at in fleet.deleted.items())
    waiting = fleet.state.group("b2e6e1a4f6f84b6a9c2f8a0f6d5c4b3a", DAILY).announced
    assert all(fleet.now - one.since < longest for one in waiting.values())


def test_a_slip_that_is_reverted_and_made_again_starts_a_wait_of_its_own() -> None:
    fleet = Fleet()
    fleet.let_pass(9 * DAY)
    fleet.edit(SLIPS["keep one"])
    fleet.clean()
    announced_first = fleet.now
    fleet.let_pass(30 * HOUR)
    fleet.edit(CAREFUL)
    fleet.let_pass(HOUR)
    fleet.edit(SLIPS["keep one"])
    for _ in range(4):
        fleet.clean()
        fleet.let_pass(24 * HOUR)

    assert fleet.deleted
    assert min(fleet.deleted.values()) >= announced_first + 31 * HOUR + GRACE
