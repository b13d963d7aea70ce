"""Outcomes and run reports, as data: what a run says about what it did."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from operator import methodcaller
from types import MappingProxyType
from typing import Any


class Function(StrEnum):
    """The functions, by the names of their folders."""

    EXPORT = "export_volumes"
    CLEANUP = "cleanup_images"
    DRILL = "drill_images"

    @property
    def role(self) -> str:
        """Return the word that keys of states and reports use."""
        return self.value.partition("_")[0]

    @property
    def secret_role(self) -> str:
        """Return the word that names of secrets use: a drill restores."""
        return "restore" if self is Function.DRILL else self.role


class ExportResult(StrEnum):
    """What became of one due slot of one volume."""

    STARTED = "started"
    DONE = "done"
    DEFERRED = "deferred"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    MISSED = "missed"


class ImageResult(StrEnum):
    """What became of one image."""

    KEPT = "kept"
    ANNOUNCED = "announced"
    DELETED = "deleted"
    GONE = "gone"
    CHANGED = "changed"
    NOT_DELETED = "not_deleted"
    UNKNOWN = "unknown"


class DrillResult(StrEnum):
    """What became of one policy's drill."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


Result = ExportResult | ImageResult | DrillResult

RESULTS: Mapping[Function, type[Result]] = MappingProxyType(
    {
        Function.EXPORT: ExportResult,
        Function.CLEANUP: ImageResult,
        Function.DRILL: DrillResult,
    }
)
"""What the outcomes of a function's runs may be."""


class CloudResult(StrEnum):
    """How a run fared with one cloud as a whole."""

    IDLE = "idle"
    SERVED = "served"
    UNAVAILABLE = "unavailable"
    NO_CREDENTIAL = "no_credential"
    CONFLICT = "conflict"
    NO_STATE = "no_state"
    INCOMPLETE_LISTING = "incomplete_listing"
    CLOCK_SKEW = "clock_skew"


SERVED_RESULTS = frozenset({CloudResult.IDLE, CloudResult.SERVED})


Details = Mapping[str, str | int | bool]
"""The fields of a reason: what a person needs besides its code."""

NO_DETAILS: Details = MappingProxyType({})


def iso(moment: datetime | None) -> str | None:
    """Spell a time in JSON, or that there is none."""
    return moment.isoformat() if moment else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run did about one slot of a volume, one image, or one policy's drill, and why.

    `reason` is a short code (or, for images, the verdict's reasons joined by ", ");
    `details` are its fields. `slot` and ids are empty where there is none.
    """

    cloud: str
    result: Result
    reason: str
    policy: str = ""
    volume_id: str = ""
    slot: datetime | None = None
    image_id: str = ""
    image_name: str = ""
    details: Details = field(default_factory=lambda: NO_DETAILS)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form (contract): the documented keys first."""
        return {
            "volume_id": self.volume_id,
            "image_id": self.image_id,
            "image_name": self.image_name,
            "result": self.result.value,
            "reason": self.reason,
            "cloud": self.cloud,
            "policy": self.policy,
            "slot": iso(self.slot),
            "details": dict(self.details),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudOutcome:
    """How a run fared with one cloud; `reason` is empty when it was served or idle."""

    cloud: str
    result: CloudResult
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"cloud": self.cloud, "result": self.result.value, "reason": self.reason}


class FreshnessState(StrEnum):
    """Whether a volume's newest good image is young enough."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER_EXPORTED = "never_exported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """One volume under one policy: its newest good image and how that compares with `max_age`."""

    cloud: str
    policy: str
    volume_id: str
    state: FreshnessState
    newest_slot: datetime | None
    stale: bool

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "cloud": self.cloud,
            "policy": self.policy,
            "volume_id": self.volume_id,
            "state": self.state.value,
            "newest_slot": iso(self.newest_slot),
            "stale": self.stale,
        }


@dataclass(frozen=True, kw_only=True)  # no slots: cached_property needs a dictionary
class Report:
    """All that one run has to say.

    `red` lists why the run could not do its own work (settings, config, store, or every cloud);
    an outcome of a single volume is never a reason. `changed` are the outcomes that differ from
    what the run before said of the same thing: only these are logged one by one; so are
    `changed_clouds`, that were served and are not, or the other way round.
    `gauges` are fleet totals beyond the counts of results, by metric name (see `metrics.Gauge`).
    `in_flight` counts exports under way by (cloud, policy), for the metrics that somebody asked to
    see in such detail.
    `safety_stops` says where a safety rule kept the run from judging or deleting.
    """

    run_id: str
    function: Function
    started_at: datetime
    finished_at: datetime
    config_version: str = ""
    dry_run: bool = False
    outcomes: Sequence[Outcome] = ()
    changed: Sequence[Outcome] = ()
    clouds: Sequence[CloudOutcome] = ()
    changed_clouds: Sequence[CloudOutcome] = ()
    freshness: Sequence[Freshness] = ()
    gauges: Mapping[str, int] = field(default_factory=dict)
    in_flight: Mapping[tuple[str, str], int] = field(default_factory=dict)
    red: Sequence[str] = ()
    safety_stops: Sequence[str] = ()
    failed_records: Sequence[str] = ()
    address: str = ""

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many outcomes of each result; every result is there, zeros too."""
        seen = Counter(outcome.result for outcome in self.outcomes)
        return {result.value: seen[result] for result in RESULTS[self.function]}

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form (contract): `run_id`, `outcomes` and `counts`, then the rest."""
        return {
            **self._document(),
            "outcomes": [outcome.as_json() for outcome in self.outcomes],
            "clouds": [cloud.as_json() for cloud in self.clouds],
            "freshness": [entry.as_json() for entry in self.freshness],
        }

    def as_text(self) -> str:
        """Return the same as text.

        Each entry is turned into its JSON form when its turn comes: all at once, those of a fleet
        would take a third more memory than the whole run does (`make bench-scale`).
        """
        return json.dumps(self._document(), default=methodcaller("as_json"))

    def _document(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "outcomes": self.outcomes,
            "counts": self.counts,
            "function": self.function.value,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "config_version": self.config_version,
            "dry_run": self.dry_run,
            "clouds": self.clouds,
            "freshness": self.freshness,
            "gauges": dict(self.gauges),
            "red": list(self.red),
            "safety_stops": list(self.safety_stops),
        }
