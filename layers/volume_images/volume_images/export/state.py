"""What the exporter remembers of one cloud."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
)

from volume_images.model import GroupKey
from volume_images.schedule import validate_schedule
from volume_images.state import FORMAT, CloudState, Count, Instant


def schedule_and_zone(text: str) -> tuple[str, str]:
    """Take a schedule's text apart, as in `0 2 * * * UTC`; both are empty where there is none."""
    schedule, _, timezone = text.rpartition(" ")
    return schedule, timezone


def _known_schedule(text: str) -> str:
    schedule, timezone = schedule_and_zone(text)
    if text:
        validate_schedule(schedule)
        try:
            ZoneInfo(timezone)
        except (KeyError, OSError) as error:
            raise ValueError(f"{timezone!r} is no time zone") from error
    return text


ScheduleText = Annotated[str, AfterValidator(_known_schedule)]
"""A schedule and its time zone in one text; empty where there was none."""


def _read_group(written: object) -> GroupKey:
    if isinstance(written, str):
        return GroupKey.parse(written)
    if isinstance(written, GroupKey):
        return written
    raise ValueError("a group is written as text")


Group = Annotated[GroupKey, PlainValidator(_read_group), PlainSerializer(str)]
"""A group, which a state writes as image names begin."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewestGood(_Entry):
    """The newest image of a group that was seen good."""

    slot: Instant
    image_id: str
    created_at: Instant


class Refusal(_Entry):
    """Why a slot was refused, and under which facts: with the same ones it would be again."""

    reason: str
    facts: str
    config_version: str
    at: Instant


class Record(_Entry):
    """What is known of one volume under one policy.

    Every slot up to `accounted_until` is good or reported missed; it only moves forward.
    `failures` counts failed exports in a row, in whatever slots. `posts` counts the POSTs for
    `posts_slot`. `said` is the last outcome, so that only changes are logged.
    """

    accounted_until: Instant | None = None
    newest_good: NewestGood | None = None
    failures: Count = 0
    failed_at: Instant | None = None
    failure: str = ""
    refusal: Refusal | None = None
    unanswered_at: Instant | None = None
    posts_slot: Instant | None = None
    posts: Count = 0
    said: str = ""

    def posts_for(self, slot: datetime) -> int:
        """Return how often an export of this slot was POSTed."""
        return self.posts if self.posts_slot == slot else 0


NOTHING_KNOWN = Record()
"""The record of a group that no run has seen."""


class UnderWay(_Entry):
    """An export that was intended or started and is not settled; without an id, an intent.

    It is followed under this name and id, whatever the config says meanwhile. One that a job makes
    has that job's id, and its image's when the job tells it.
    """

    group: Group
    slot: Instant
    image_name: str
    run_id: str
    intended_at: Instant
    deadline: Instant
    image_id: str = ""
    job_id: str = ""


class Unmarked(_Entry):
    """An image that we made and that does not say so yet; `failure` is why the last try failed."""

    group: Group
    slot: Instant
    since: Instant
    failure: str = ""


class Stuck(_Entry):
    """An image still pending past its deadline while its volume is not uploading."""

    group: Group
    slot: Instant
    image_name: str
    found_at: Instant


class FormerSchedule(_Entry):
    """What a policy's schedule was until an edit came into force; without a text, it had none."""

    text: ScheduleText
    until: Instant


class Waiting(_Entry):
    """An accepted export outside a policy's own schedule: requested, or its slot named."""

    group: Group
    slot: Instant


class Missed(_Entry):
    """A slot that was never exported, until a report that says so is written."""

    group: Group
    slot: Instant
    reason: str


class Discovered(_Entry):
    """A volume found by its tags: it counts as there until a GET by id answers 404."""

    name: str
    tags: Mapping[str, str]


class ExportState(CloudState):
    """The exporter's state of one cloud.

    `served_at` is when a run last gave the cloud its turn, `unserved` how it then failed to serve
    it. `next_look` is when something may be due again. `schedules` are those that the newest look
    knew, by policy: an edit must not invent slots in the past. `former_schedules` are the ones
    before that may still owe a slot, oldest first. `schedule_has_turn` when the newest export was
    one outside the schedule: a lone free place is then not for another such. `discovered` are
    volumes found by their tags, by id; `records` and `waiting` go by group, `under_way` and `late`
    by image name, `stuck` and `unmarked` by image id. `late` are exports that hold no place any
    more, long beyond their deadlines, but whose volumes are still uploading.
    """

    next_look: Instant | None = None
    config_version: str = ""
    paused_until: Instant | None = None
    served_at: Instant | None = None
    unserved: str = ""
    schedules: Mapping[str, ScheduleText] = Field(default_factory=dict)
    former_schedules: Mapping[str, tuple[FormerSchedule, ...]] = Field(default_factory=dict)
    schedule_has_turn: bool = False
    discovered: Mapping[str, Discovered] = Field(default_factory=dict)
    records: Mapping[str, Record] = Field(default_factory=dict)
    under_way: Mapping[str, UnderWay] = Field(default_factory=dict)
    late: Mapping[str, UnderWay] = Field(default_factory=dict)
    stuck: Mapping[str, Stuck] = Field(default_factory=dict)
    unmarked: Mapping[str, Unmarked] = Field(default_factory=dict)
    waiting: Mapping[str, Waiting] = Field(default_factory=dict)
    missed: Mapping[str, Missed] = Field(default_factory=dict)

    def record(self, group: GroupKey) -> Record:
        """Return what is known of a group; an empty record where nothing is."""
        return self.records.get(str(group), NOTHING_KNOWN)


def empty_export_state(deployment_id: str) -> ExportState:
    """Return the state of a cloud that no run has looked at."""
    return ExportState(version=FORMAT, deployment=deployment_id)


def export_state_key(cloud: str) -> str:
    """Return the key of a cloud's export state."""
    return f"state/export/{cloud}.json"


def slot_key(group: GroupKey | str, slot: datetime) -> str:
    """Return the key of one slot of one group, which may be given as it is written."""
    return f"{group}@{spelled(slot)}"


@lru_cache(maxsize=256)  # a look spells a few slots, for each of thousands of volumes
def spelled(slot: datetime) -> str:
    """Return a slot as image names spell it."""
    return f"{slot:%Y%m%dT%H%M%SZ}"
