"""What there is to see of one cloud, gathered before anything is said of it."""

from dataclasses import dataclass

from volume_images.cleanup.plan import JudgedCloud
from volume_images.export.state import ExportState
from volume_images.report import CloudOutcome, Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One cloud: how it could be asked, what the exporter remembers, and what is judged of it.

    Without `judged` it could not be asked; `freshness` is then what the state tells of it.
    `remarks` say what was wrong with a state.
    """

    outcome: CloudOutcome
    exports: ExportState
    judged: JudgedCloud | None = None
    freshness: tuple[Freshness, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def cloud(self) -> str:
        """Its name in the config."""
        return self.outcome.cloud
