"""Every change of what the exporter remembers of a cloud as a whole, one fact each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from volume_images.export.draft import Draft
from volume_images.export.state import Discovered, FormerSchedule


@dataclass(frozen=True, slots=True)
class Reschedule:
    """A policy's schedule was edited: the one before still owes what was due until then."""

    policy: str
    schedule: str
    former: FormerSchedule

    def apply(self, draft: Draft) -> None:
        """Keep since when the new one is in force if another run saw the edit first."""
        if draft.schedules.get(self.policy) != self.schedule:
            draft.schedules[self.policy] = self.schedule
            before = draft.former_schedules.get(self.policy, ())
            draft.former_schedules[self.policy] = (*before, self.former)


@dataclass(frozen=True, slots=True)
class Discover:
    """The volumes found by their tags, known ones that still exist included."""

    volumes: Mapping[str, Discovered]

    def apply(self, draft: Draft) -> None:
        """Replace the list before."""
        draft.discovered = dict(self.volumes)


@dataclass(frozen=True, slots=True)
class Pause:
    """The whole cloud asked for time, or did not answer."""

    until: datetime

    def apply(self, draft: Draft) -> None:
        """Hold new exports until then."""
        draft.single["paused_until"] = self.until


@dataclass(frozen=True, slots=True)
class Unserved:
    """A run could not serve the cloud: it had its turn all the same, others go before it now."""

    at: datetime
    result: str

    def apply(self, draft: Draft) -> None:
        """Remember, so that only a change is news."""
        draft.single["served_at"] = self.at
        draft.single["unserved"] = self.result


@dataclass(frozen=True, slots=True)
class Reached:
    """A run served the cloud."""

    def apply(self, draft: Draft) -> None:
        """Forget that it could not be."""
        draft.single["unserved"] = ""


@dataclass(frozen=True, slots=True)
class SecretRefused:
    """The cloud refused this secret: trying it again could lock the account."""

    fingerprint: str
    at: datetime | None

    def apply(self, draft: Draft) -> None:
        """Remember which secret it was."""
        draft.single["refused_secret"] = self.fingerprint
        draft.single["refused_secret_at"] = self.at


@dataclass(frozen=True, slots=True)
class Looked:
    """A run looked at the whole cloud: its schedules, and when something may be due again."""

    at: datetime
    next_look: datetime
    config_version: str
    schedules: Mapping[str, str]
    former_schedules: Mapping[str, tuple[FormerSchedule, ...]]

    def apply(self, draft: Draft) -> None:
        """Replace what the run before said."""
        draft.schedules = dict(self.schedules)
        draft.former_schedules = dict(self.former_schedules)
        draft.single["served_at"] = self.at
        draft.single["next_look"] = self.next_look
        draft.single["config_version"] = self.config_version


@dataclass(frozen=True, slots=True)
class LookSoon:
    """Something was added by a run that did not look at the whole cloud."""

    at: datetime

    def apply(self, draft: Draft) -> None:
        """Let the next tick look."""
        draft.single["next_look"] = self.at
