"""What a cleanup plan is made from, and what it says: facts before, decisions after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from volume_images.cleanup.freshness import Covered
from volume_images.cleanup.orphans import Orphanhood
from volume_images.cleanup.state import CleanupState, VolumeFacts
from volume_images.model import GroupKey, Image, Volume
from volume_images.recognition import Recognised
from volume_images.report import ImageResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudFacts:
    """All that cleanup saw of one cloud project at `at`: every volume and every image.

    `stuck` are exports that will never end, by image id, with when that was found. `quota_used`
    tells how full the project's image quota is, in percent; None where nobody knows one.
    """

    cloud: str
    project_id: str
    at: datetime
    volumes: Mapping[str, Volume]
    images: Sequence[Image]
    stuck: Mapping[str, datetime] = field(default_factory=dict)
    quota_used: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which groups a run judges; an empty set does not narrow."""

    policies: frozenset[str] = frozenset()
    volume_ids: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether every group is judged."""
        return not (self.policies or self.volume_ids)

    def includes(self, key: GroupKey) -> bool:
        """Whether a group is judged."""
        return (not self.policies or key.policy in self.policies) and (
            not self.volume_ids or key.volume_id in self.volume_ids
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """An image that stays: kept for reasons, unknown, or gone by itself."""

    recognised: Recognised
    result: ImageResult
    reason: str


@dataclass(frozen=True, slots=True)
class Expired:
    """A good image that no rule keeps; a duplicate of a slot also names the image that stays."""

    recognised: Recognised
    reason: str
    winner: Image | None

    @property
    def image_id(self) -> str:
        """The image's id."""
        return self.recognised.image.id


@dataclass(frozen=True, slots=True)
class Failed:
    """An image of an export that failed, or has been stuck since `stuck_since`."""

    recognised: Recognised
    stuck_since: datetime | None

    @property
    def image_id(self) -> str:
        """The image's id."""
        return self.recognised.image.id


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """What is to become of the images of one group.

    `digest` is that of the rules it stands under: a policy's, if one covers it. `orphaned` is what
    is known of a group of ours that no policy covers. `floor` are the good images that stay
    whatever happens: deletions rest on them. `stop` says which safety rule stopped this group:
    nothing of it is announced then.
    """

    key: GroupKey
    digest: str
    is_covered: bool
    kept: tuple[Kept, ...]
    expired: tuple[Expired, ...] = ()
    failed: tuple[Failed, ...] = ()
    floor: tuple[Image, ...] = ()
    orphaned: Orphanhood | None = None
    stop: str = ""

    @property
    def image_ids(self) -> frozenset[str]:
        """Every image of the group."""
        return frozenset(image.image.id for image in self.images)

    @property
    def images(self) -> tuple[Recognised, ...]:
        """Every image of the group, recognised."""
        return tuple(entry.recognised for entry in (*self.kept, *self.to_go))

    @property
    def to_go(self) -> tuple[Failed | Expired, ...]:
        """What goes, in that order: failed ones, then duplicates before what they duplicate."""
        oldest_first = sorted(
            self.expired, key=lambda entry: (entry.winner is None, entry.recognised.name.slot)
        )
        return (*self.failed, *oldest_first)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupPlan:
    """What is to become of every image of ours in one cloud project.

    `covered` and `newest_slots` tell how fresh each volume is; `facts` are those of the volumes
    that were seen, `living` the volumes of which any image lives.
    """

    cloud: str
    project_id: str
    now: datetime
    config_version: str
    is_whole: bool
    groups: tuple[GroupPlan, ...]
    covered: tuple[Covered, ...]
    newest_slots: Mapping[tuple[str, str], datetime]
    facts: Mapping[str, VolumeFacts]
    living: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCloud:
    """A cloud that was looked at, and what was judged of its images.

    `before` is what the newest cleanup left, `after` is that with this plan in it. Once a cleanup
    has ended, both are what it wrote, and the images `gone` since the facts were seen are those
    that it deleted.
    """

    facts: CloudFacts
    plan: CleanupPlan
    before: CleanupState
    after: CleanupState
    grace: timedelta
    gone: frozenset[str] = frozenset()
