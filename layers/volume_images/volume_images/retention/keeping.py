"""What each retention rule keeps of a group's images, and in what words."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Protocol

from volume_images.retention.calendar import (
    BEGINNING_OF_TIME,
    LONGEST_BUCKETS,
    Buckets,
    RetentionCalendar,
)
from volume_images.retention.rules import Duration, RetentionRules

Tier = int | None
"""What a rule counts in: the index of its bucket among `Buckets`; None: each image by itself."""

_TIERS: tuple[tuple[Tier, str], ...] = ((None, "last"), *enumerate(LONGEST_BUCKETS))

Kept = Iterator[tuple[int, str]]
"""The positions of the images that a rule keeps, and why."""


class Dated(Protocol):
    """As much of an image as rules look at; its time in UTC."""

    @property
    def time(self) -> datetime:
        """When it is from."""
        ...

    @property
    def labels(self) -> frozenset[str]:
        """What `keep_labels` compares."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """The images that the rules judge, newest first, and the buckets of each.

    `reference` is the time that windows count from. `oldest` is the position of the image that
    fills places which are left; None if none does.
    """

    images: Sequence[Dated]
    buckets: Sequence[Buckets]
    calendar: RetentionCalendar
    reference: datetime
    oldest: int | None

    @classmethod
    def of(
        cls,
        newest_first: Sequence[Dated],
        calendar: RetentionCalendar,
        now: datetime,
        *,
        oldest_rule: bool,
    ) -> "Row":
        """Line images up; windows count from the newest one that is not in the future."""
        past = (image.time for image in newest_first if image.time < now)
        return cls(
            images=newest_first,
            buckets=calendar.buckets([image.time for image in newest_first]),
            calendar=calendar,
            reference=next(past, BEGINNING_OF_TIME),
            oldest=len(newest_first) - 1 if oldest_rule else None,
        )

    def of_tier(self, tier: Tier) -> Iterable[int]:
        """Return each image's bucket in one tier."""
        if tier is None:
            return range(len(self.images))
        return map(itemgetter(tier), self.buckets)


def reasons_to_keep(
    of: Row, rules: RetentionRules, keep_labels: Iterable[Collection[str]], *, strict: bool
) -> dict[int, list[str]]:
    """Return the positions of what at least one rule keeps, with all reasons."""
    reasons: dict[int, list[str]] = {}
    for found in _by_each_rule(of, rules, keep_labels, strict=strict):
        for position, reason in found:
            reasons.setdefault(position, []).append(reason)
    return reasons


def _by_each_rule(
    of: Row, rules: RetentionRules, keep_labels: Iterable[Collection[str]], *, strict: bool
) -> Iterator[Kept]:
    """Ask the rules in restic's order of reasons; in strict mode, in its words."""
    for labels in keep_labels:
        words = "labels" if strict else f"labels {','.join(sorted(labels))}"
        yield _with_labels(of, frozenset(labels), words)
    if window := rules.keep_within:
        words = "within" if strict else f"keep_within {window}"
        yield _in_window(of, None, window, words)
    for tier, name in _TIERS:
        if count := getattr(rules, f"keep_{name}"):
            places = None if count == "unlimited" else count
            words = name if strict else f"keep_{name}"
            yield _in_places(of, tier, places, words, numbered=not strict)
    for tier, name in _TIERS:
        if window := getattr(rules, f"keep_within_{name}", None):
            words = f"{name} within" if strict else f"keep_within_{name} {window}"
            yield _in_window(of, tier, window, words)


def _with_labels(of: Row, labels: frozenset[str], words: str) -> Kept:
    """`keep_labels`: whatever has all of these."""
    for position, image in enumerate(of.images):
        if labels <= image.labels:
            yield position, words


def _in_window(of: Row, tier: Tier, window: Duration, words: str) -> Kept:
    """`keep_within_daily 30d`: of each day in the window, the newest image."""
    since = of.calendar.before(of.reference, window)
    last_bucket = None
    for position, bucket in enumerate(of.of_tier(tier)):
        if of.images[position].time <= since:
            return
        if bucket != last_bucket or position == of.oldest:
            last_bucket = bucket
            yield position, words


def _in_places(of: Row, tier: Tier, places: int | None, words: str, *, numbered: bool) -> Kept:
    """`keep_daily 7`: the newest image of each day takes a place, until all 7 are taken.

    While places are left, the oldest image takes one too, whatever its day: a young series of
    yearly images then reaches back to its beginning. Without `places`, they never end.
    """
    oldest = of.oldest
    taken = 0
    last_bucket = None
    for position, bucket in enumerate(of.of_tier(tier)):
        if bucket != last_bucket:
            if taken == places:
                return
            taken += 1
            last_bucket = bucket
            place = "unlimited" if places is None else f"{taken}/{places}"
            yield position, f"{words} {place}" if numbered else words
        elif position == oldest and taken != places:
            yield position, f"oldest {words}"
