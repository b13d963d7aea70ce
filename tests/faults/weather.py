"""What goes wrong in a simulated year, told by its seed: episodes, and what people do."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tests.faults.trouble import Episode, Kind

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SELDOM = 0.1
CALM_EVERY = 60 * DAY
CALM = 9 * DAY
"""So long all is well now and then, so that what must come in time can be seen to."""

IN_A_CLOUD: dict[Kind, tuple[timedelta, timedelta, float, float]] = {
    Kind.DOWN: (10 * MINUTE, 40 * HOUR, 1, 1),
    Kind.ERRORS: (HOUR, 30 * HOUR, 0.02, 0.4),
    Kind.THROTTLED: (HOUR, 30 * HOUR, 0.02, 0.4),
    Kind.NO_CREDENTIAL: (10 * MINUTE, 30 * HOUR, 1, 1),
    Kind.ANSWERS_LOST: (2 * HOUR, 3 * DAY, 0.2, 1),
    Kind.LISTINGS_LATE: (2 * HOUR, 3 * DAY, 30, 3000),
    Kind.LISTINGS_BROKEN: (10 * MINUTE, 10 * HOUR, 1, 1),
    Kind.EXPORTS_FAIL: (HOUR, 2 * DAY, 0.3, 1),
    Kind.EXPORTS_ARE_KILLED: (HOUR, 2 * DAY, 0.3, 1),
    Kind.EXPORTS_VANISH: (HOUR, 2 * DAY, 0.3, 1),
    Kind.EXPORTS_ARE_STUCK: (HOUR, 2 * DAY, 0.3, 1),
    Kind.VOLUMES_STAY_UPLOADING: (HOUR, 6 * HOUR, 0.3, 1),
    Kind.EXPORTS_ARE_SLOW: (HOUR, DAY, 600, 20_000),
    Kind.EXPORTS_ARE_REFUSED: (HOUR, DAY, 1, 1),
    Kind.QUOTA_IS_FULL: (HOUR, 2 * DAY, 1, 1),
    Kind.FULL: (HOUR, 20 * HOUR, 1, 1),
    Kind.CLOCK_IS_WRONG: (HOUR, DAY, -900, 900),
}
"""For how long, and by how much: from, to."""

EVERYWHERE: dict[Kind, tuple[timedelta, timedelta, float, float]] = {
    Kind.STORE_READS_FAIL: (HOUR, 10 * HOUR, 0.02, 0.3),
    Kind.STORE_WRITES_FAIL: (HOUR, 10 * HOUR, 0.02, 0.3),
    Kind.STORE_ANSWERS_LOST: (HOUR, 2 * DAY, 0.1, 1),
    Kind.STORE_ANSWERS_NEVER_COME: (HOUR, 10 * HOUR, 0.05, 0.3),
    Kind.TICKS_DO_NOT_COME: (20 * MINUTE, 40 * HOUR, 1, 1),
    Kind.TICKS_ARE_LATE: (HOUR, DAY, 60, 500),
    Kind.TICKS_ARE_DOUBLED: (HOUR, 2 * DAY, 1, 1),
    Kind.CLEANUPS_DO_NOT_COME: (DAY, 4 * DAY, 1, 1),
}


class Event(StrEnum):
    """Something that happens once."""

    EXPORT_KILLED = "export killed"
    CLEANUP_KILLED = "cleanup killed"
    EXPORTS_OVERLAP = "exports overlap"
    EXPORT_MEETS_CLEANUP = "export meets cleanup"
    EXPORT_STATE_LOST = "export state lost"
    EXPORT_STATE_DAMAGED = "export state damaged"
    CLEANUP_STATE_LOST = "cleanup state lost"
    CLEANUP_STATE_DAMAGED = "cleanup state damaged"
    REQUEST = "request"
    NARROWED_TICK = "narrowed tick"
    NARROWED_CLEANUP = "narrowed cleanup"
    RETENTION_SLIP = "retention slip"
    RETENTION_MENDED = "retention mended"
    TAG_SLIP = "tag slip"
    TAG_MENDED = "tag mended"
    SCHEDULE_EDITED = "schedule edited"
    POLICY_RENAMED = "policy renamed"
    CONFIG_SPOILT = "config spoilt"
    CONFIG_MENDED = "config mended"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    IMAGE_DELETED_BY_HAND = "image deleted by hand"
    VOLUME_DELETED = "volume deleted"
    VOLUME_TAKEN_OUT = "volume taken out of the config"
    VOLUME_EXTENDED = "volume extended"
    PEOPLE_REPAIR = "people repair"
    CALM_BEGINS = "calm begins"
    CALM_LASTS = "calm lasts"


IN_A_YEAR = {
    Event.EXPORT_KILLED: 40,
    Event.CLEANUP_KILLED: 20,
    Event.EXPORTS_OVERLAP: 20,
    Event.EXPORT_MEETS_CLEANUP: 10,
    Event.EXPORT_STATE_LOST: 4,
    Event.EXPORT_STATE_DAMAGED: 4,
    Event.CLEANUP_STATE_LOST: 2,
    Event.CLEANUP_STATE_DAMAGED: 3,
    Event.REQUEST: 40,
    Event.NARROWED_TICK: 20,
    Event.NARROWED_CLEANUP: 20,
    Event.RETENTION_SLIP: 8,
    Event.TAG_SLIP: 3,
    Event.SCHEDULE_EDITED: 3,
    Event.POLICY_RENAMED: 1,
    Event.CONFIG_SPOILT: 3,
    Event.PINNED: 6,
    Event.IMAGE_DELETED_BY_HAND: 12,
    Event.VOLUME_DELETED: 1,
    Event.VOLUME_EXTENDED: 3,
    Event.PEOPLE_REPAIR: 100,
}
"""About how often."""

UNDONE = {
    Event.RETENTION_SLIP: Event.RETENTION_MENDED,
    Event.TAG_SLIP: Event.TAG_MENDED,
    Event.CONFIG_SPOILT: Event.CONFIG_MENDED,
    Event.PINNED: Event.UNPINNED,
    Event.VOLUME_DELETED: Event.VOLUME_TAKEN_OUT,
}
"""What people take back or put right, hours or days later."""


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """An event and its time; `number` chooses whatever is to be chosen."""

    at: datetime
    event: Event
    number: int


def calms(first: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Return when all is well: now and then, and at the end."""
    times = []
    begin = first + CALM_EVERY
    while begin + CALM < until - CALM:
        times.append((begin, begin + CALM))
        begin += CALM_EVERY
    return [*times, (until - CALM, until)]


def episodes(
    dice: random.Random,
    kinds: dict[Kind, tuple[timedelta, timedelta, float, float]],
    first: datetime,
    until: datetime,
    every: timedelta,
) -> list[Episode]:
    """Let one kind of trouble come after another, about so often, but in calm times."""
    found = []
    pauses = calms(first, until)
    time = first + every * dice.random()
    while time < until:
        kind = dice.choice(list(kinds))
        shortest, longest, least, most = kinds[kind]
        lasts = shortest + (longest - shortest) * dice.random() ** 3
        amount = dice.uniform(least, most)
        if kind is Kind.LISTINGS_LATE and dice.random() < SELDOM:
            amount *= 6
        found += [Episode(kind, *span, amount) for span in _outside(time, time + lasts, pauses)]
        time += every * 2 * dice.random()
    return found


def _outside(
    since: datetime, until: datetime, pauses: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    for begin, _ in pauses:
        if since < begin < until:
            until = begin
    if not any(begin <= since < end for begin, end in pauses):
        yield since, until


def happenings(dice: random.Random, first: datetime, until: datetime) -> list[Happening]:
    """Let things happen at any time but in calm ones, and be taken back before the next calm."""
    found: list[Happening] = []
    pauses = calms(first, until)
    share = (until - first) / (365 * DAY)
    for event, often in IN_A_YEAR.items():
        number = round(often * share + dice.random() - 0.5)
        for _ in range(number):
            at = first + 2 * DAY + (until - first - 2 * DAY) * dice.random()
            if any(begin - HOUR <= at < end for begin, end in pauses):
                continue
            chosen = dice.getrandbits(32)
            found.append(Happening(at, event, chosen))
            if event in UNDONE:
                back = at + 10 * MINUTE + 4 * DAY * dice.random() ** 2
                latest = next(begin for begin, _ in pauses if begin > at)
                found.append(Happening(min(back, latest), UNDONE[event], chosen))
    for begin, _ in pauses:
        found.append(Happening(begin, Event.PEOPLE_REPAIR, 0))
        found.append(Happening(begin + DAY, Event.CALM_BEGINS, 0))
        found.append(Happening(begin + 6 * DAY + HOUR, Event.CALM_LASTS, 0))
    return sorted(found)
