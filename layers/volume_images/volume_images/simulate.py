"""Schedule and retention over years: which images will be there, from the judge() of cleanup.

A simulation goes from day to day, in UTC. By a day's end every slot of the day has given a good
image, and cleanup has judged what there is. How often it ran that day does not matter: what the
rules keep does not depend on it. What they keep no more stands announced for the grace, counted in
whole days: an image that goes in the course of a day is counted until the day before, and one whose
grace ends within a day until that day ends.

All volumes of a policy have the same slots, so one simulated series stands for each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache

from volume_images.retention.judging import Candidate, judge
from volume_images.retention.rules import RetentionRules
from volume_images.schedule import slots

DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)

Reasons = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days from a midnight in UTC; day 0 is the first."""

    start: datetime
    days: int

    @property
    def end(self) -> datetime:
        """Return the midnight at which the last day ends."""
        return self.start + self.days * DAY

    def day_of(self, moment: datetime) -> int:
        """Return the number of the day that holds a moment."""
        return (moment - self.start) // DAY

    def date_of(self, day: int) -> date:
        """Return the date of a day."""
        return (self.start + day * DAY).date()


@dataclass(frozen=True, slots=True)
class Evening:
    """What the rules say at a day's end: the slots kept, each with why, and those kept no more."""

    day: int
    kept: Mapping[datetime, Reasons]
    expired: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One image: the days on which it is made, kept no more, and gone.

    It is announced from `expired` on, and no longer there from `gone` on; both are None while the
    rules keep it, and `gone` may lie beyond the simulated span.
    """

    slot: datetime
    made: int
    expired: int | None = None
    gone: int | None = None
    reasons: Reasons = ()


@dataclass(frozen=True, slots=True)
class DayEnd:
    """What is there at a day's end; `oldest` is the oldest image that the rules keep."""

    kept: int
    announced: int
    oldest: datetime | None

    @property
    def images(self) -> int:
        """Return how many images there are."""
        return self.kept + self.announced


@dataclass(frozen=True)  # no slots: cached_property needs a dictionary
class Simulation:
    """One series of images over a span. `images` come in the order of their slots."""

    span: Span
    images: tuple[Lifetime, ...]
    day_ends: tuple[DayEnd, ...]

    @property
    def last(self) -> DayEnd:
        """Return what is there when the span ends."""
        return self.day_ends[-1]

    @cached_property
    def fullest_day(self) -> int:
        """Return the first of the days that end with the most images."""
        return max(range(self.span.days), key=lambda day: self.day_ends[day].images)

    @property
    def most(self) -> int:
        """Return how many images there are at the end of the fullest day."""
        return self.day_ends[self.fullest_day].images


@dataclass(frozen=True, slots=True)
class Difference:
    """How other rules treat the same images: by slot, what they keep for longer or shorter.

    `gained` and `lost` are those that, when the span ends, only the others keep, or keep no more.
    """

    longer: tuple[datetime, ...] = ()
    shorter: tuple[datetime, ...] = ()
    gained: tuple[datetime, ...] = ()
    lost: tuple[datetime, ...] = ()


@lru_cache(maxsize=32)  # policies often share a schedule, and several questions are asked of it
def slots_within(schedule: str, timezone: str, span: Span) -> tuple[datetime, ...]:
    """Return the slots of a schedule in a span."""
    return tuple(slots(schedule, timezone, span.start - _INSTANT, span.end - _INSTANT))


def evenings(
    history: Sequence[datetime], rules: RetentionRules, *, timezone: str, span: Span
) -> Iterator[Evening]:
    """Yield what the rules say at the end of each day.

    `history` are slots in order; of those before the span, only what the rules keep when it begins
    plays a part. Raises SafetyStop where `judge` does.
    """
    images = [Candidate(id=slot.isoformat(), time=slot, created_at=slot) for slot in history]
    place = sum(slot < span.start for slot in history)
    kept, _ = _judged(images[:place], rules, timezone, span.start)
    reasons: dict[datetime, Reasons] = {}
    for day in range(span.days):
        evening = span.start + (day + 1) * DAY
        there = [image for image, _ in kept]
        while place < len(images) and images[place].time < evening:
            there.append(images[place])
            place += 1
        expired: tuple[datetime, ...] = ()
        if day == 0 or len(there) > len(kept):  # without a new image, nothing changes
            kept, expired = _judged(there, rules, timezone, evening)
            reasons = {image.time: why for image, why in kept}
        yield Evening(day, reasons, expired)


def simulate(
    history: Sequence[datetime],
    rules: RetentionRules,
    *,
    timezone: str,
    grace: timedelta,
    span: Span,
) -> Simulation:
    """Let the images of these slots come and go, from none at all. Raises SafetyStop."""
    waits = -(-grace // DAY)
    expired_on: dict[datetime, int] = {}
    day_ends: list[DayEnd] = []
    expiries: list[int] = []
    kept: Mapping[datetime, Reasons] = {}
    for evening in evenings(history, rules, timezone=timezone, span=span):
        kept = evening.kept
        expired_on |= dict.fromkeys(evening.expired, evening.day)
        expiries.append(len(evening.expired))
        announced = sum(expiries[max(0, evening.day - waits + 1) :])
        day_ends.append(DayEnd(len(kept), announced, min(kept, default=None)))
    end = span.end
    images = tuple(
        _lifetime(slot, span, expired_on.get(slot), waits, kept.get(slot, ()))
        for slot in history
        if span.start <= slot < end
    )
    return Simulation(span, images, tuple(day_ends))


def difference(ours: Simulation, theirs: Simulation) -> Difference:
    """Compare two simulations of the same slots."""
    longer: list[datetime] = []
    shorter: list[datetime] = []
    gained: list[datetime] = []
    lost: list[datetime] = []
    for our, their in zip(ours.images, theirs.images, strict=True):
        if our.expired == their.expired:
            continue
        if our.expired is None or (their.expired is not None and their.expired < our.expired):
            shorter.append(our.slot)
        else:
            longer.append(our.slot)
        if their.expired is None:
            gained.append(our.slot)
        elif our.expired is None:
            lost.append(our.slot)
    return Difference(tuple(longer), tuple(shorter), tuple(gained), tuple(lost))


def _judged(
    images: Sequence[Candidate], rules: RetentionRules, timezone: str, now: datetime
) -> tuple[list[tuple[Candidate, Reasons]], tuple[datetime, ...]]:
    verdicts = judge(images, rules, timezone=timezone, now=now)
    judged = list(zip(images, verdicts, strict=True))
    return (
        [(image, verdict.reasons) for image, verdict in judged if verdict.keep],
        tuple(image.time for image, verdict in judged if not verdict.keep),
    )


def _lifetime(
    slot: datetime, span: Span, expired: int | None, waits: int, reasons: Reasons
) -> Lifetime:
    gone = None if expired is None else expired + waits
    return Lifetime(slot, span.day_of(slot), expired, gone, reasons)
