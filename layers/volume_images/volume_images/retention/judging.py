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

# ruff: noqa: FBT003 - a fleet has a million verdicts, and a tuple is made faster by position
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple, assert_never

from volume_images.errors import EmptyPolicy, PolicyWouldEmptyGroup
from volume_images.retention.calendar import retention_calendar
from volume_images.retention.keeping import Row, reasons_to_keep
from volume_images.retention.rules import RetentionRules
from volume_images.schedule import SLOT_AHEAD

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


class Verdict(NamedTuple):  # a fleet has a million, and a tuple is made in a third of the time
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
    future_allowance: timedelta = SLOT_AHEAD,
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
    images = _in_utc(candidates, by_creation=strict)
    # With one image per slot, time alone orders them: that takes a tenth off judging a fleet.
    order = attrgetter("time", "id") if strict else attrgetter("time")
    newest_first = sorted(images, key=order, reverse=True)
    verdicts: dict[str, Verdict] = {}
    if not strict:
        latest = now + future_allowance
        holders = _slot_holders(newest_first, latest)
        newest_first = [image for image in holders if not (image.pinned or image.protected)]
        if len(newest_first) < len(images):
            verdicts = _settled_without_rules(images, holders, latest)
    calendar = retention_calendar(timezone, local_hours=strict)
    lined_up = Row.of(newest_first, calendar, now, oldest_rule=oldest_rule)
    kept = reasons_to_keep(lined_up, rules, keep_labels, strict=strict)
    if newest_first and not kept:
        raise PolicyWouldEmptyGroup(
            f"the retention rules keep none of {len(newest_first)} images:"
            " add one that does, as in keep_last: 3"
        )
    if not strict:
        _fill_floor(kept, rules.min_keep, len(newest_first))
    for position, reasons in kept.items():
        image_id = newest_first[position].id
        verdicts[image_id] = Verdict(image_id, keep=True, reasons=tuple(reasons))
    return tuple([verdicts.get(one.id) or Verdict(one.id, False, EXPIRED) for one in images])


def _in_utc(images: Sequence[Candidate], *, by_creation: bool) -> list[Candidate]:
    return [
        image if image.time.tzinfo is UTC and not by_creation else _one_in_utc(image, by_creation)
        for image in images
    ]


def _one_in_utc(image: Candidate, by_creation: bool) -> Candidate:  # noqa: FBT001
    time = image.created_at if by_creation else image.time
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return image if utc is image.time else replace(image, time=utc)


def _fill_floor(kept: dict[int, list[str]], least: int, count: int) -> None:
    """Keep the newest of `count` images, whatever the rules said of them."""
    for position in range(min(least, count)):
        kept.setdefault(position, [f"floor {position + 1}/{least}"])


def _slot_holders(newest_first: Sequence[Candidate], latest: datetime) -> list[Candidate]:
    """Choose for each slot the good image that all other good ones of it are duplicates of."""
    good = State.GOOD  # looked up once: a fleet has a million images
    holders: list[Candidate] = []
    slot = None
    for image in newest_first:
        if image.state is good and image.time <= latest:
            if image.time != slot:
                slot = image.time
                holders.append(image)
            elif _precedence(image) < _precedence(holders[-1]):
                holders[-1] = image
    return holders


def _settled_without_rules(
    images: Sequence[Candidate], holders: Sequence[Candidate], latest: datetime
) -> dict[str, Verdict]:
    """Settle what the rules are not asked about: what takes no place, and duplicates."""
    holder_of = {holder.time: holder for holder in holders}
    verdicts: dict[str, Verdict] = {}
    for image in images:
        if apart := _reasons_apart(image, latest):
            verdicts[image.id] = Verdict(image.id, keep=True, reasons=apart)
        elif (holder := holder_of[image.time]) is not image:
            duplicate = (f"duplicate of {holder.id}",)
            verdicts[image.id] = Verdict(image.id, False, duplicate, holder.id)
    return verdicts


def _precedence(image: Candidate) -> tuple[bool, datetime, str]:
    return not image.pinned, image.created_at.astimezone(UTC), image.id


def _reasons_apart(image: Candidate, latest: datetime) -> tuple[str, ...]:
    """Say why an image stays without taking a place; empty if the rules are to judge it."""
    marks = {
        "pinned": image.pinned,
        "protected": image.protected,
        "future": image.time > latest,
    }
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
