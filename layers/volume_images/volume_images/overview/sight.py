"""What there is to see of one cloud, gathered before anything is said of it."""

from dataclasses import dataclass
from datetime import timedelta

from volume_images.cleanup.plan import CleanupPlan, CloudFacts
from volume_images.cleanup.state import CleanupState
from volume_images.export.state import ExportState
from volume_images.report import CloudOutcome, Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A cloud that was looked at, and what the next cleanup would say of its images.

    `before` is what the newest cleanup left, `after` is that with this plan in it: written nowhere.
    After a cleanup both are what it wrote, and the images `gone` since the facts were seen are
    those that it deleted.
    """

    facts: CloudFacts
    plan: CleanupPlan
    before: CleanupState
    after: CleanupState
    grace: timedelta
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One cloud: how it could be asked, what the exporter remembers, and what is judged of it.

    Without `judged` it could not be asked; `freshness` is then what the state tells of it.
    `remarks` say what was wrong with a state.
    """

    outcome: CloudOutcome
    exports: ExportState
    judged: Judged | None = None
    freshness: tuple[Freshness, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def cloud(self) -> str:
        """Its name in the config."""
        return self.outcome.cloud
