"""What would have to change for an image to stay or to go: found by judging again, not guessed."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from volume_images.errors import SafetyStop
from volume_images.retention.judging import Candidate, Verdict, judge
from volume_images.retention.rules import (
    COUNT_RULES,
    WINDOW_RULES,
    Duration,
    RetentionRules,
)

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A group and the rules that judge it."""

    images: Sequence[Candidate]
    rules: RetentionRules
    timezone: str
    now: datetime

    def verdict(self, image_id: str) -> Verdict | None:
        """Judge one of the images; None where a safety rule stops the whole group."""
        try:
            verdicts = judge(self.images, self.rules, timezone=self.timezone, now=self.now)
        except SafetyStop:
            return None
        return next(verdict for verdict in verdicts if verdict.id == image_id)

    def keeps(self, image_id: str) -> bool:
        """Whether an image stays; all do where a safety rule stops the group."""
        verdict = self.verdict(image_id)
        return verdict is None or verdict.keep

    def ruled_by(self, **rules: object) -> "Case":
        """Return the same group under other rules."""
        return replace(self, rules=RetentionRules.model_validate(rules))

    def without_marks(self, image_id: str) -> "Case":
        """Return the group with one image neither pinned nor protected."""
        images = [
            replace(image, pinned=False, protected=False) if image.id == image_id else image
            for image in self.images
        ]
        return replace(self, images=images)

    def without(self, image_id: str) -> "Case":
        """Return the group without one of its images."""
        return replace(self, images=[image for image in self.images if image.id != image_id])


@dataclass(frozen=True, slots=True)
class Bound:
    """The least value of a rule, in `unit`s of time if it is a window, that keeps an image."""

    rule: str
    least: int
    unit: str = ""

    @property
    def enough(self) -> str:
        """Say what keeps the image."""
        return f"{self.rule} {self.least}{self.unit} or {'longer' if self.unit else 'more'}"

    @property
    def too_little(self) -> str:
        """Say what does not keep it."""
        return f"{self.rule} {'shorter than' if self.unit else 'below'} {self.least}{self.unit}"

    @property
    def lowered(self) -> object:
        """Return the largest value that does not keep it; None for no window at all."""
        if not self.unit:
            return self.least - 1
        return f"{self.least - 1}{self.unit}" if self.least > 1 else None


def what_would_keep(case: Case, image_id: str) -> tuple[Bound, ...]:
    """Say which single rules would keep an image that expires, each from which value on."""
    found = [_least_count(case, image_id, rule) for rule in COUNT_RULES]
    found.append(_least_window(case, image_id, "keep_within", "d"))
    found.append(_least_floor(case, image_id))
    return tuple(bound for bound in found if bound is not None)


def what_lets_go(case: Case, image_id: str) -> tuple[Bound, ...]:
    """Say below which values, of all these rules together, an image that is kept would expire.

    Empty if no change of the rules lets it go: something of each group stays.
    """
    bounds = []
    for rule in (*COUNT_RULES, *WINDOW_RULES):
        value = getattr(case.rules, rule)
        if value and case.ruled_by(**{rule: value}).keeps(image_id):
            bound = (
                _least_window(case, image_id, rule, "h" if value.hours else "d")
                if isinstance(value, Duration)
                else _least_count(case, image_id, rule)
            )
            bounds += [bound] if bound is not None else []
    floor = _least_floor(case, image_id)
    if floor is not None and floor.least <= case.rules.min_keep:
        bounds.append(floor)
    if any(bound.rule == "min_keep" and bound.least == 1 for bound in bounds):
        return ()  # the newest one
    lowered = {
        **case.rules.model_dump(),
        **{bound.rule: bound.lowered for bound in bounds},
    }
    return () if case.ruled_by(**lowered).keeps(image_id) else tuple(bounds)


def goes_after(case: Case, image_id: str, slots: Sequence[datetime]) -> int | None:
    """Say how many good images of these slots, oldest first, make an image expire.

    None if it stays even with all of them.
    """

    def gone(count: int) -> bool:
        newer = [
            Candidate(id=f"newer-{number}", time=slot, created_at=slot)
            for number, slot in enumerate(slots[:count])
        ]
        later = max(case.now, slots[count - 1])
        return not replace(case, images=[*case.images, *newer], now=later).keeps(image_id)

    return _least(len(slots), gone)


def _least_count(case: Case, image_id: str, rule: str) -> Bound | None:
    least = _least(len(case.images), lambda count: case.ruled_by(**{rule: count}).keeps(image_id))
    return None if least is None else Bound(rule, least)


def _least_floor(case: Case, image_id: str) -> Bound | None:
    def keeps(least: int) -> bool:
        return case.ruled_by(keep_last=1, min_keep=least).keeps(image_id)

    least = _least(len(case.images), keeps)
    return None if least is None else Bound("min_keep", least)


def _least_window(case: Case, image_id: str, rule: str, unit: str) -> Bound | None:
    """Look for the shortest window in days or hours; a day more than between them, for the zone."""
    times = [image.time for image in case.images]
    most = (max(times) - min(times)) // (_HOUR if unit == "h" else _DAY) + (
        26 if unit == "h" else 2
    )
    least = _least(most, lambda count: case.ruled_by(**{rule: f"{count}{unit}"}).keeps(image_id))
    return None if least is None else Bound(rule, least, unit)


def _least(most: int, holds: Callable[[int], bool]) -> int | None:
    """Find the least number from 1 on for which something holds; it holds for all above, too."""
    if most < 1 or not holds(most):
        return None
    return 1 + bisect_left(range(1, most), x=True, key=holds)
