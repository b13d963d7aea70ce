"""What a run has said and POSTed so far in one cloud."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from volume_images.export.changes import Say
from volume_images.export.outcomes import group_of
from volume_images.export.state import ExportState, slot_key, spelled
from volume_images.report import ExportResult, Outcome

_SLOT = "%Y%m%dT%H%M%SZ"
_WAITS_FOR_ITS_CLOUD = frozenset({"no_room", "not_sent", "throttled", "cloud_paused"})


class Said(NamedTuple):
    """What a run said last of a group: of which slot, and why."""

    slot: datetime
    result: ExportResult
    reason: str


def last_said(text: str) -> Said | None:
    """Read back what `Record.said` holds; None where no run said anything yet."""
    if not text:
        return None
    slot, result, reason = text.split(" ", 2)
    return Said(datetime.strptime(slot, _SLOT).replace(tzinfo=UTC), ExportResult(result), reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Outcomes by slot, and the slots POSTed.

    `before` is what was last said of each group, `unserved` how the run before failed to serve the
    cloud.
    """

    before: Mapping[str, str]
    unserved: str
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    posted: frozenset[str] = frozenset()

    @classmethod
    def since(cls, state: ExportState) -> "Progress":
        """Begin with what the runs before left."""
        said = {group: record.said for group, record in state.records.items()}
        return cls(before=said, unserved=state.unserved)

    def noting(self, outcomes: Iterable[Outcome], posted: Iterable[str] = ()) -> "Progress":
        """Take outcomes in: that a slot waits says nothing new of one that was acted on."""
        noted = dict(self.outcomes)
        for outcome in outcomes:
            assert outcome.slot is not None
            key = slot_key(group_of(outcome), outcome.slot)
            known = noted.get(key)
            waits = outcome.result is ExportResult.DEFERRED
            if known is None or not waits or known.result is ExportResult.DEFERRED:
                noted[key] = outcome
        return replace(self, outcomes=noted, posted=self.posted.union(posted))

    def news(self) -> tuple[Outcome, ...]:
        """Return the outcomes that no run before said of the same group."""
        return tuple(one for one in self.outcomes.values() if self._is_news(one))

    def sayings(self) -> list[Say]:
        """Return what to remember, so that the next run knows what is news."""
        return [
            Say(group_of(one), _text(one))
            for one in self.outcomes.values()
            if self.before.get(group_of(one)) != _text(one)
        ]

    def _is_news(self, outcome: Outcome) -> bool:
        return _gist(self.before.get(group_of(outcome), "")) != _gist(_text(outcome))


def _gist(text: str) -> str:
    """Return what makes it news: what waits for its cloud waits, whatever keeps the cloud."""
    head, _, reason = text.rpartition(" ")
    return head if reason in _WAITS_FOR_ITS_CLOUD else text


def _text(outcome: Outcome) -> str:
    assert outcome.slot is not None
    return f"{spelled(outcome.slot)} {outcome.result.value} {outcome.reason}"
