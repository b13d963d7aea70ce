"""What cleanup remembers between runs, for one cloud: announcements above all.

Nothing is deleted that this state, as it was written before, does not carry.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from volume_images.model import GroupKey, Volume
from volume_images.report import ImageResult
from volume_images.state import FORMAT, CloudState, Count, Instant


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Announced(_Record):
    """An image that every plan since `since` has had expired, and why."""

    since: Instant
    reason: str


class Judged(_Record):
    """The last plan that judged a group: when, by which rules, under which config version."""

    at: Instant
    digest: str
    config_version: str


class GroupRecord(_Record):
    """One group of images; its key in the state names the cloud project too.

    A plan judges a group as a whole, so `judged` confirms all that stands `announced`.
    `failed_since` tells when an image was first seen failed, or found stuck.
    `results` are the last results of images that were neither kept nor announced.
    `orphan_since` tells when a group of ours was first seen uncovered by the config; a person's
    wish to have it forgotten holds only if it came later. `all_ours` says that this deployment
    made all of an orphaned group; else only those of its images are, that are tagged so.
    `adopted` are unknown images that a person has taken in, and when.
    """

    judged: Judged | None = None
    announced: Mapping[str, Announced] = Field(default_factory=dict)
    failed_since: Mapping[str, Instant] = Field(default_factory=dict)
    results: Mapping[str, ImageResult] = Field(default_factory=dict)
    orphan_since: Instant | None = None
    all_ours: bool = False
    forgotten_at: Instant | None = None
    adopted: Mapping[str, Instant] = Field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether this record says nothing about any image, and so need not be kept."""
        says = self.announced or self.failed_since or self.results or self.adopted
        return not says and self.orphan_since is None

    def result_of(self, image_id: str) -> ImageResult:
        """Return what the last run said of an image; a new image counts as kept."""
        if image_id in self.results:
            return self.results[image_id]
        waits = image_id in self.announced or image_id in self.failed_since
        return ImageResult.ANNOUNCED if waits else ImageResult.KEPT

    def without(self, image_ids: frozenset[str]) -> "GroupRecord":
        """Return the record without these images: they are not there any more."""
        by_image: dict[str, Mapping[str, object]] = {
            "announced": self.announced,
            "failed_since": self.failed_since,
            "results": self.results,
            "adopted": self.adopted,
        }
        return self.model_copy(
            update={
                field: {key: value for key, value in known.items() if key not in image_ids}
                for field, known in by_image.items()
            }
        )


NOTHING_KNOWN = GroupRecord()
"""The record of a group that no plan has judged."""


class Series(_Record):
    """A volume under a policy: since when it is covered, and its newest good slot."""

    first_seen: Instant
    newest_slot: Instant | None = None


class VolumeFacts(_Record):
    """What a volume was like; kept as long as an image of it lives, for its restoration."""

    zone: str = ""
    volume_type: str = ""
    size_gib: Count = 0
    server_id: str = ""
    device: str = ""
    encrypted: bool = False

    @classmethod
    def of(cls, volume: Volume) -> "VolumeFacts":
        """Return the facts of a volume as its cloud describes it now."""
        return cls(
            zone=volume.zone,
            volume_type=volume.volume_type,
            size_gib=volume.size_gib,
            server_id=volume.server_id,
            device=volume.device,
            encrypted=volume.encrypted,
        )


class CleanupState(CloudState):
    """Cleanup's memory of one cloud.

    `groups` by `{project id}/{group}`, `series` by `{policy}/{volume id}`, `volumes` by volume id.
    """

    groups: Mapping[str, GroupRecord] = Field(default_factory=dict)
    series: Mapping[str, Series] = Field(default_factory=dict)
    volumes: Mapping[str, VolumeFacts] = Field(default_factory=dict)

    def group(self, project_id: str, key: GroupKey) -> GroupRecord:
        """Return what is known of a group; an empty record where nothing is."""
        return self.groups.get(record_key(project_id, key), NOTHING_KNOWN)

    def adopted_images(self, project_id: str) -> frozenset[str]:
        """Return the ids of the images of a project that a person has taken in."""
        here = f"{project_id}/"
        return frozenset(
            image_id
            for key, record in self.groups.items()
            if key.startswith(here)
            for image_id in record.adopted
        )

    def with_group(self, project_id: str, key: GroupKey, record: GroupRecord) -> "CleanupState":
        """Return the state with another record of a group."""
        groups = {**self.groups, record_key(project_id, key): record}
        return self.model_copy(update={"groups": groups})

    def with_refused_secret(self, fingerprint: str, at: datetime | None) -> "CleanupState":
        """Return the state with a refused credential noted, or cleared by an empty one."""
        return self.model_copy(
            update={"refused_secret": fingerprint, "refused_secret_at": at if fingerprint else None}
        )

    @property
    def covered_volume_ids(self) -> frozenset[str]:
        """The volumes that some policy covered at the last run."""
        return frozenset(parse_series_key(key)[1] for key in self.series)

    def without_announcements(self) -> "CleanupState":
        """Return the state with every wait starting anew: its announcements cannot be trusted.

        Nor can a wish to forget a group: it may have been void since.
        """
        doubted: dict[str, object] = {"judged": None, "announced": {}, "forgotten_at": None}
        groups = {key: record.model_copy(update=doubted) for key, record in self.groups.items()}
        return self.model_copy(update={"groups": groups})


def empty_cleanup_state(deployment_id: str) -> CleanupState:
    """Return the state of a cloud that no run has looked at."""
    return CleanupState(version=FORMAT, deployment=deployment_id)


def cleanup_state_key(cloud: str) -> str:
    """Return where cleanup keeps its memory of a cloud."""
    return f"state/cleanup/{cloud}.json"


def record_key(project_id: str, key: GroupKey) -> str:
    """Return the key of a group's record: the same volume id in another project is another."""
    return f"{project_id}/{key}"


def series_key(policy: str, volume_id: str) -> str:
    """Return the key of a series: scheduled and requested exports together."""
    return f"{policy}/{volume_id}"


def parse_series_key(key: str) -> tuple[str, str]:
    """Read back the policy and the volume id."""
    policy, _, volume_id = key.partition("/")
    return policy, volume_id
