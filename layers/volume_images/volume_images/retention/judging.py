"""Which images of one group stay, and why: a pure function.

The rules mean what they mean to `restic forget`. `keep_daily 7` keeps the newest image of each of
the last 7 days *that have one*; rules are OR-ed, and one image may serve several; `keep_within`
counts from the newest image, not from now. So nothing expires merely because exports stopped, and
cleaning up after every export removes nothing that cleaning up once would have kept.

For the images of a fleet six things differ from restic. `strict` turns all of them off:

- an image from the future is kept, and takes no place;
- only good images are judged, and one per slot: any other of that slot is a duplicate;
- pinned and protected images are kept, and take no place;
- the newest `min_keep` images stay whatever the rules say;
- an image's time is the slot in its name, not when the cloud created it: a delay over midnight
  does not move it to another day;
- days, weeks, months and years are those of the policy's time zone, but hours those of UTC, so that
  the repeated hour of an autumn night is two hours.

Times are compared in UTC alone: two datetimes of one ZoneInfo compare by wall clock in Python, and
would be equal in both passes of that hour.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Protocol, assert_never

from volume_images.errors import EmptyPolicy, PolicyWouldEmptyGroup
from volume_images.retention.calendar import BEGINNING_OF_TIME, RetentionCalendar
from volume_images.retention.rules import RetentionRules

FUTURE_ALLOWANCE = timedelta(minutes=5)  # how far clocks may differ
EXPIRED = ("expired",)


class State(StrEnum):
    """What is known of an image: only good ones are judged."""

    GOOD = "good"
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image of the group. `time` is its slot; `why` says what makes it unknown."""

    id: str
    time: datetime
    created_at: datetime
    state: State = State.GOOD
    pinned: bool = False
    protected: bool = False
    labels: frozenset[str] = frozenset()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an image stays, with every reason; `duplicate_of` is the id that has its slot."""

    id: str
    keep: bool
    reasons: tuple[str, ...]
    duplicate_of: str | None = None


def judge(  # noqa: PLR0913 - nothing but its arguments decides
    candidates: Sequence[Candidate],
    rules: RetentionRules,
    *,
    timezone: str,
    now: datetime,
    strict: bool = False,
    oldest_rule: bool = True,
    keep_labels: Sequence[Collection[str]] = (),
    future_allowance: timedelta = FUTURE_ALLOWANCE,
) -> tuple[Verdict, ...]:
    """Judge all images of one group, each with an id of its own; verdicts come in the same order.

    A failed image is kept here: it goes by a rule of its own, never by retention.
    `keep_labels` are sets of labels; an image that has all the labels of one of them stays.
    Without `oldest_rule`, no oldest image fills a place that is left (as in restic before 0.16).

    Raises EmptyPolicy when the rules could never keep an image, and PolicyWouldEmptyGroup when they
    keep none of those that they judge, before the floor could hide it.
    """
    if rules.keeps_nothing and not keep_labels:
        raise EmptyPolicy("no retention rule keeps anything: give one, as in keep_last: 3")
    images = [_in_utc(candidate, by_creation=strict) for candidate in candidates]
    settled = {} if strict else _settled_without_rules(images, now + future_allowance)
    judged = [image for image in images if image.id not in settled]
    newest_first = sorted(judged, key=lambda image: (image.time, image.id), reverse=True)

    calendar = RetentionCalendar(timezone, local_hours=strict)
    reference = _reference(newest_first, now)
    tests = list(_tests(rules, keep_labels, calendar, reference, strict=strict))
    kept = _kept(newest_first, tests, calendar, oldest_rule=oldest_rule)
    if newest_first and not kept:
        raise PolicyWouldEmptyGroup(
            f"the retention rules keep none of {len(newest_first)} images:"
            " add one that does, as in keep_last: 3"
        )
    if not strict:
        for place, image in enumerate(newest_first[: rules.min_keep], start=1):
            kept.setdefault(image.id, (f"floor {place}/{rules.min_keep}",))
    return tuple(
        settled.get(image.id) or Verdict(image.id, image.id in kept, kept.get(image.id, EXPIRED))
        for image in images
    )


def _in_utc(image: Candidate, *, by_creation: bool) -> Candidate:
    time = image.created_at if by_creation else image.time
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return image if utc is image.time else replace(image, time=utc)


def _settled_without_rules(images: Sequence[Candidate], latest: datetime) -> dict[str, Verdict]:
    """Settle what the rules are not asked about: what takes no place, and duplicates."""
    verdicts: dict[str, Verdict] = {}
    holders = _slot_holders(images, latest)
    for image in images:
        if apart := _reasons_apart(image, latest):
            verdicts[image.id] = Verdict(image.id, keep=True, reasons=apart)
        elif (holder := holders[image.time]) is not image:
            duplicate = (f"duplicate of {holder.id}",)
            verdicts[image.id] = Verdict(image.id, False, duplicate, holder.id)  # noqa: FBT003
    return verdicts


def _slot_holders(images: Sequence[Candidate], latest: datetime) -> dict[datetime, Candidate]:
    """Choose for each slot the good image that all other good ones of it are duplicates of."""
    holders: dict[datetime, Candidate] = {}
    for image in images:
        if image.state is State.GOOD and image.time <= latest:
            holder = holders.setdefault(image.time, image)
            if holder is not image and _precedence(image) < _precedence(holder):
                holders[image.time] = image
    return holders


def _precedence(image: Candidate) -> tuple[bool, datetime, str]:
    return not image.pinned, image.created_at.astimezone(UTC), image.id


def _reasons_apart(image: Candidate, latest: datetime) -> tuple[str, ...]:
    """Say why an image stays without taking a place; empty if the rules are to judge it."""
    future = image.time > latest
    if image.state is State.GOOD and not (image.pinned or image.protected or future):
        return ()
    marks = {"pinned": image.pinned, "protected": image.protected, "future": future}
    reasons = [mark for mark, applies in marks.items() if applies]
    match image.state:
        case State.GOOD:
            pass
        case State.PENDING | State.FAILED:
            reasons.append(image.state.value)
        case State.UNKNOWN:
            reasons.append(f"unknown: {image.why}")
        case _:
            assert_never(image.state)
    return tuple(reasons)


class _Tier(IntEnum):
    """What rules count in; the index of an image's bucket among its `_Buckets`."""

    LAST = 0  # a bucket of its own for each image: its position
    HOURLY = 1
    DAILY = 2
    WEEKLY = 3
    MONTHLY = 4
    YEARLY = 5


_Buckets = tuple[int, int, int, int, int, int]


class _Test(Protocol):
    """One rule at work. It is shown the images from the newest to the oldest."""

    def reason(self, image: Candidate, buckets: _Buckets, *, oldest: bool) -> str:
        """Say why the rule keeps this image; empty if it does not."""
        ...


@dataclass(frozen=True, slots=True)
class _Labels:
    """`keep_labels`: whatever has all of these."""

    labels: frozenset[str]
    words: str

    def reason(self, image: Candidate, buckets: _Buckets, *, oldest: bool) -> str:  # noqa: ARG002
        return self.words if self.labels <= image.labels else ""


@dataclass(slots=True)
class _Window:
    """`keep_within_daily 30d`: of each day in the window, the newest image."""

    tier: _Tier
    since: datetime
    words: str
    bucket: int | None = None

    def reason(self, image: Candidate, buckets: _Buckets, *, oldest: bool) -> str:
        bucket = buckets[self.tier]
        if image.time <= self.since or (bucket == self.bucket and not oldest):
            return ""
        self.bucket = bucket
        return self.words


@dataclass(slots=True)
class _Places:
    """`keep_daily 7`: the newest image of each day takes a place, until all 7 are taken.

    While places are left, the oldest image takes one too, whatever its day: a young series of
    yearly images then reaches back to its beginning.
    """

    tier: _Tier
    places: int | None  # None: unlimited
    words: str
    numbered: bool
    taken: int = 0
    bucket: int | None = None

    def reason(self, image: Candidate, buckets: _Buckets, *, oldest: bool) -> str:  # noqa: ARG002
        bucket = buckets[self.tier]
        if self.taken == self.places or (bucket == self.bucket and not oldest):
            return ""
        self.taken += 1
        if bucket == self.bucket:
            return f"oldest {self.words}"
        self.bucket = bucket
        if not self.numbered:
            return self.words
        place = "unlimited" if self.places is None else f"{self.taken}/{self.places}"
        return f"{self.words} {place}"


def _tests(
    rules: RetentionRules,
    keep_labels: Sequence[Collection[str]],
    calendar: RetentionCalendar,
    reference: datetime,
    *,
    strict: bool,
) -> Iterator[_Test]:
    """Set up the rules in restic's order of reasons; in strict mode, in its words."""
    for labels in keep_labels:
        yield _Labels(
            frozenset(labels), "labels" if strict else f"labels {','.join(sorted(labels))}"
        )
    if window := rules.keep_within:
        words = "within" if strict else f"keep_within {window}"
        yield _Window(_Tier.LAST, calendar.before(reference, window), words)
    for tier in _Tier:
        name = tier.name.lower()
        if count := getattr(rules, f"keep_{name}"):
            places = None if count == "unlimited" else count
            yield _Places(tier, places, name if strict else f"keep_{name}", numbered=not strict)
    for tier in _Tier:
        name = tier.name.lower()
        if window := getattr(rules, f"keep_within_{name}", None):
            words = f"{name} within" if strict else f"keep_within_{name} {window}"
            yield _Window(tier, calendar.before(reference, window), words)


def _reference(newest_first: Sequence[Candidate], now: datetime) -> datetime:
    """Return the time that windows count from: the newest image's that is not in the future."""
    return next((image.time for image in newest_first if image.time < now), BEGINNING_OF_TIME)


def _kept(
    newest_first: Sequence[Candidate],
    tests: Sequence[_Test],
    calendar: RetentionCalendar,
    *,
    oldest_rule: bool,
) -> dict[str, tuple[str, ...]]:
    """Return what at least one rule keeps, with all reasons."""
    kept: dict[str, tuple[str, ...]] = {}
    last = len(newest_first) - 1 if oldest_rule else None
    for position, image in enumerate(newest_first):
        buckets = position, *calendar.buckets(image.time)
        oldest = position == last
        reasons = [test.reason(image, buckets, oldest=oldest) for test in tests]
        if any(reasons):
            kept[image.id] = tuple(filter(None, reasons))
    return kept
