"""Groups of volumes -> a Config whose exports fit their time, and whose images fit the quota."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import fmean

from volume_images.config.capacity import image_need
from volume_images.config.schema import (
    CloudConfig,
    Config,
    Discovery,
    ExportOptions,
    Policy,
    RequestRules,
)
from volume_images.model import Volume, VolumeStatus
from volume_images.proposal.grouping import Group, Grouping, group_volumes
from volume_images.retention.rules import RetentionRules

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
USUAL_EXPORT = 10
GIB_A_MINUTE = 4
"""How fast a cloud writes an image, where nobody has measured it: about 70 MB a second."""

USUALLY_AT_ONCE = 20
MOST_AT_ONCE = 40
"""Open Telekom Cloud runs so many exports at once ("Limitations and Constraints" of EVS)."""

AGE_TO_SPARE = 2 * HOUR


class Cadence(StrEnum):
    """How often a group is exported."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """A schedule with its largest gap, how late a slot usually and at most may start, and rules.

    Gaps are those of a zone that changes its clocks. The rules are from many images to few.
    """

    schedule: str
    largest_gap: timedelta
    usual_catch_up: timedelta
    longest_catch_up: timedelta
    rules: tuple[Mapping[str, int], ...]


RHYTHMS = {
    Cadence.DAILY: _Rhythm(
        "0 2 * * *",
        25 * HOUR,
        12 * HOUR,
        22 * HOUR,
        (
            {"keep_daily": 7, "keep_weekly": 5, "keep_monthly": 12},
            {"keep_daily": 7, "keep_weekly": 4, "keep_monthly": 3},
            {"keep_daily": 7, "keep_weekly": 4},
            {"keep_daily": 5},
            {"keep_last": 2},
        ),
    ),
    Cadence.WEEKLY: _Rhythm(
        "0 2 * * 0",
        169 * HOUR,
        48 * HOUR,
        144 * HOUR,
        (
            {"keep_weekly": 5, "keep_monthly": 12},
            {"keep_weekly": 5, "keep_monthly": 3},
            {"keep_weekly": 4},
            {"keep_weekly": 2},
            {"keep_last": 1},
        ),
    ),
    Cadence.MONTHLY: _Rhythm(
        "0 2 1 * *",
        745 * HOUR,
        72 * HOUR,
        648 * HOUR,
        (
            {"keep_monthly": 12, "keep_yearly": 3},
            {"keep_monthly": 12},
            {"keep_monthly": 6},
            {"keep_monthly": 3},
            {"keep_last": 1},
        ),
    ),
}

_RUNGS = 5
_ONE_REQUEST_FROM = 2
"""From these rules on, one requested image of a volume is kept instead of three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was seen of a cloud.

    `cloud` says how it was reached. `quota` is how many images the project may hold, None where
    the cloud does not tell; `images` is how many there are.
    """

    name: str
    prefix: str
    timezone: str
    cloud: CloudConfig
    volumes: tuple[Volume, ...]
    images: int
    quota: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A config for a cloud, and what is to be said of it.

    `asked` is how often each policy's tag asks for an image, `used` how often there will be one.
    `needed` are the images of all volumes once the rules are full; `fits` says whether they fit.
    """

    survey: Survey
    config: Config
    grouping: Grouping
    asked: Mapping[str, Cadence]
    used: Mapping[str, Cadence]
    takes: timedelta
    needed: int
    fits: bool


@dataclass(frozen=True, slots=True)
class _Pace:
    """How many exports run at once, for how long, and how often there is time for all of them."""

    at_once: int
    minutes: int
    least: Cadence
    takes: timedelta


def propose(survey: Survey) -> Proposal:
    """Propose the config that keeps the most and fits; if none fits, the one that keeps least."""
    grouping = group_volumes(survey.volumes)
    pace = _pace(grouping.volumes)
    asked = {group.policy: _asked(group) for group in grouping.groups}
    counts = {group.policy: len(group.volumes) for group in grouping.groups}
    room = None if survey.quota is None else survey.quota - survey.images
    for used, rung in _candidates(asked, pace.least):
        config = _config(survey, grouping, used, rung, pace)
        needed = image_need(config, survey.name, counts, len(grouping.volumes)).images
        fits = room is None or needed <= room
        if fits:
            break
    return Proposal(
        survey=survey,
        config=config,
        grouping=grouping,
        asked=asked,
        used=used,
        takes=pace.takes,
        needed=needed,
        fits=fits,
    )


def _candidates(
    asked: Mapping[str, Cadence], least: Cadence
) -> Iterator[tuple[Mapping[str, Cadence], int]]:
    order = list(Cadence)
    for slowest in order[order.index(least) :]:
        used = {name: max(cadence, slowest, key=order.index) for name, cadence in asked.items()}
        for rung in range(_RUNGS):
            yield used, rung


def _pace(volumes: Sequence[Volume]) -> _Pace:
    """Find out how often all volumes can be exported, if all fall due in the same hour."""
    mean = fmean([volume.size_gib for volume in volumes] or [0])
    minutes = min(max(USUAL_EXPORT, math.ceil(mean / GIB_A_MINUTE)), 10080)
    for cadence, rhythm in RHYTHMS.items():
        for at_once in (USUALLY_AT_ONCE, MOST_AT_ONCE):
            takes = -(-len(volumes) // at_once) * minutes * MINUTE
            if takes <= rhythm.longest_catch_up:
                return _Pace(at_once, minutes, cadence, takes)
    rounds = RHYTHMS[Cadence.MONTHLY].longest_catch_up // (minutes * MINUTE)
    at_once = -(-len(volumes) // rounds)
    return _Pace(at_once, minutes, Cadence.MONTHLY, rounds * minutes * MINUTE)


def _asked(group: Group) -> Cadence:
    value = (group.value or "").lower()
    if "month" in value:
        return Cadence.MONTHLY
    return Cadence.WEEKLY if "week" in value else Cadence.DAILY


def _config(
    survey: Survey, grouping: Grouping, used: Mapping[str, Cadence], rung: int, pace: _Pace
) -> Config:
    cloud = survey.cloud.model_copy(
        update={"max_in_flight": pace.at_once, "export_minutes": pace.minutes}
    )
    return Config(
        version=1,
        prefix=survey.prefix,
        clouds={survey.name: cloud},
        policies={
            group.policy: _policy(survey, grouping, group, RHYTHMS[used[group.policy]], rung, pace)
            for group in grouping.groups
        },
        discover=(Discovery(cloud=survey.name, tags=_found_by(grouping)),),
        grace=72 * HOUR,
    )


def _policy(
    survey: Survey, grouping: Grouping, group: Group, rhythm: _Rhythm, rung: int, pace: _Pace
) -> Policy:
    catch_up = max(rhythm.usual_catch_up, -(-pace.takes // HOUR) * HOUR)
    export = -(-pace.minutes * MINUTE // HOUR) * HOUR
    others = tuple(one.value for one in grouping.groups if one.value is not None)
    tagged = others + grouping.opted_out
    parts: dict[str, object] = {}
    if group.value is None and tagged:
        parts["exclude"] = {grouping.key: tagged}
    if any(volume.status == VolumeStatus.IN_USE for volume in group.volumes):
        parts["export"] = ExportOptions(force=True)
    if rung >= _ONE_REQUEST_FROM:
        parts["requests"] = RequestRules(keep_last=1)
    return Policy.model_validate(
        {
            "select": {} if group.value is None else {grouping.key: (group.value,)},
            "schedule": rhythm.schedule,
            "timezone": survey.timezone,
            "catch_up": catch_up,
            "retention": RetentionRules(**rhythm.rules[rung]),
            "max_age": rhythm.largest_gap + catch_up + export + AGE_TO_SPARE,
            **parts,
        }
    )


def _found_by(grouping: Grouping) -> Mapping[str, tuple[str, ...]]:
    """Return the tags to look for: none, which finds every volume, if a policy takes the rest."""
    values = tuple(group.value for group in grouping.groups if group.value is not None)
    return {} if len(values) < len(grouping.groups) else {grouping.key: values}
