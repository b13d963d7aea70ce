"""What planning goes by: all that is known of one cloud at one time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from volume_images.config.schema import Config
from volume_images.export.outcomes import outcome_about
from volume_images.export.state import ExportState, UnderWay
from volume_images.model import GroupKey, Volume
from volume_images.recognition import Recognised
from volume_images.report import NO_DETAILS, Details, ExportResult, Outcome


@dataclass(frozen=True, kw_only=True)  # without slots: `busy` is worked out once, and kept
class Scene:
    """All that is known of one cloud when its exports are planned.

    `volumes` is None when the cloud could not be asked, `unread` are those that it does not list
    and was not asked about one by one. `posted` are the slots that this run has POSTed already;
    `images_left` is the room in the image quota, None where nobody knows one.
    """

    cloud: str
    config: Config
    config_version: str
    run_id: str
    now: datetime
    state: ExportState
    volumes: Mapping[str, Volume] | None
    groups: Mapping[GroupKey, Sequence[Recognised]]
    unread: frozenset[str] = frozenset()
    images_left: int | None = None
    posted: frozenset[str] = frozenset()

    @cached_property
    def busy(self) -> Mapping[str, UnderWay]:
        """The exports under way, by volume id: each volume has one at a time."""
        return {entry.group.volume_id: entry for entry in self.state.under_way.values()}

    def outcome(
        self,
        group: GroupKey,
        slot: datetime,
        result: ExportResult,
        reason: str,
        image: tuple[str, str] = ("", ""),
        details: Details = NO_DETAILS,
    ) -> Outcome:
        """Return an outcome about one slot of this cloud; `image` is its id and name."""
        return outcome_about(self.cloud, group, slot, result, reason, image=image, details=details)
