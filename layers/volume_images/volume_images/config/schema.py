"""The config document: every key with its meaning and limits, all validated at once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from volume_images.config.documents import read_document
from volume_images.config.fields import (
    PATTERNS,
    CloudName,
    DeploymentId,
    Flag,
    Name,
    PolicyName,
    Positive,
    Prefix,
    Schedule,
    Tags,
    TagSelector,
    Text,
    Url,
    VolumeId,
    Wait,
    Zone,
    keeps_something,
    known_version,
)
from volume_images.config.problems import problems_of
from volume_images.dialect import Dialect, DiskFormat
from volume_images.errors import ConfigError
from volume_images.retention.rules import Count, RetentionRules


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Endpoints(_Strict):
    """Where a cloud's services are; one that is left out comes from the service catalogue."""

    block_storage: Url | None = Field(
        default=None, description="URL of EVS or Cinder; /v3 is added unless it ends in a version"
    )
    image: Url | None = Field(default=None, description="URL of IMS or Glance")


class CloudConfig(_Strict):
    """One project of one cloud."""

    dialect: Dialect = Field(description="which family of clouds this is")
    region: Name = Field(description="the region, as the cloud's catalogue names it")
    project: Name = Field(description="the project's name or id")
    clouds_yaml: Name | None = Field(
        default=None,
        description="without AWS: the entry of clouds.yaml with the credentials, or envvars for"
        " those of the environment (OS_AUTH_URL, OS_USERNAME ...)",
    )
    endpoints: Endpoints | None = Field(
        default=None, description="service addresses, instead of those in the catalogue"
    )
    strategy: Literal["volume_upload", "ims_job"] = Field(
        default="volume_upload",
        description="how exports are asked for; ims_job: attached volumes only, no formats",
    )
    max_in_flight: Positive = Field(default=20, description="exports under way at once")
    max_concurrency: Positive = Field(default=16, description="HTTP requests at once")
    requests_per_second: Annotated[float, Field(strict=True, ge=0.001, le=1_000_000)] = Field(
        default=10, description="HTTP requests that a run begins in a second, at most"
    )
    image_quota: Positive | None = Field(
        default=None, description="how many images the project may hold, where the cloud is silent"
    )
    export_minutes: Annotated[int, Field(strict=True, ge=1, le=10080)] = Field(
        default=10, description="how long an export takes: decides whether the fleet fits"
    )


class ExportOptions(_Strict):
    """What an export is asked to produce."""

    disk_format: DiskFormat | None = Field(
        default=None, description="format of the image's disk; vhd on huawei, raw on openstack"
    )
    container_format: Literal["ami", "ari", "aki", "ovf", "bare"] = Field(
        default="bare", description="format around the image's disk"
    )
    os_type: Literal["linux", "windows"] | None = Field(
        default=None, description="operating system; the huawei dialect alone knows it"
    )
    force: Flag = Field(default=False, description="export volumes that are in use, too")
    deadline: Wait | None = Field(
        default=None, description="an export may take this long; else 1 h and 1 min per GiB"
    )


class RequestRules(RetentionRules):
    """Retention and pace of requested exports: a group of their own beside the scheduled ones."""

    keep_last: Count = Field(default=3, description="the newest N images")
    min_interval: Wait = Field(
        default=timedelta(hours=1),
        description="a request this soon after another one of its volume is that one",
        json_schema_extra={"default": "1h"},
    )


class Policy(_Strict):
    """Which volumes are exported, when, as what, and how long the images stay."""

    select: TagSelector = Field(
        description="tags that a volume must all have; of a list, any one value"
    )
    exclude: TagSelector = Field(
        default_factory=dict, description="tags of which none may be there"
    )
    schedule: Schedule | None = Field(
        default=None, description="cron with five fields; without it, only triggers that name it"
    )
    timezone: Zone = Field(
        default="UTC", description="IANA time zone of the schedule and of the retention's periods"
    )
    catch_up: Wait | None = Field(
        default=None, description="a slot may start this late; by default until the next slot"
    )
    export: ExportOptions = Field(
        default_factory=ExportOptions, description="what an export is asked to produce"
    )
    retention: Annotated[RetentionRules, AfterValidator(keeps_something)] = Field(
        description="which scheduled images stay"
    )
    requests: Annotated[RequestRules, AfterValidator(keeps_something)] = Field(
        default_factory=RequestRules, description="which requested images stay, and their pace"
    )
    formerly: tuple[PolicyName, ...] = Field(
        default=(), description="earlier names of this policy, whose images stay in its groups"
    )
    max_age: Wait | None = Field(
        default=None, description="a volume without a good image this young is stale"
    )

    def rules(self, requested: bool) -> RetentionRules:  # noqa: FBT001 - rules(group.requested)
        """Give the rules of the scheduled or of the requested group."""
        return self.requests if requested else self.retention


class VolumeEntry(_Strict):
    """A volume that is listed by its id."""

    id: VolumeId = Field(description="the volume's id")
    cloud: CloudName = Field(description="the cloud it is in, a name of `clouds`")
    name: Text = Field(default="", description="a name for people, for the image's name")
    tags: Tags = Field(default_factory=dict, description="what policies select it by")


class Discovery(_Strict):
    """Volumes that are found in a cloud by their tags there."""

    cloud: CloudName = Field(description="the cloud to look in, a name of `clouds`")
    tags: TagSelector = Field(description="tags that a volume must all have")


class Orphans(_Strict):
    """What becomes of images whose volume or policy left the config."""

    after: Wait = Field(description="how long an image stays an orphan before these rules judge it")
    keep: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=1, description="the newest N images of a group stay all the same"
    )


def _no_state_of_ours(clouds: Mapping[str, CloudConfig]) -> Mapping[str, CloudConfig]:
    if "config" in clouds:  # its state would be the object that remembers the config
        raise ValueError("a cloud cannot be named config: choose another name")
    return clouds


class Config(_Strict):
    """The whole document."""

    version: Annotated[int, Field(strict=True), AfterValidator(known_version)] = Field(
        default=1, description="of this format", json_schema_extra={"const": 1}
    )
    prefix: Prefix = Field(description="first part of every image name of this deployment")
    former_prefixes: tuple[Prefix, ...] = Field(
        default=(), description="earlier prefixes, whose images stay in their groups"
    )
    clouds: Annotated[Mapping[CloudName, CloudConfig], AfterValidator(_no_state_of_ours)] = Field(
        min_length=1, description="cloud projects by a name of our own"
    )
    policies: Mapping[PolicyName, Policy] = Field(
        min_length=1, description="policies by name; a request without one takes the first fit"
    )
    volumes: tuple[VolumeEntry, ...] = Field(default=(), description="volumes listed by id")
    discover: tuple[Discovery, ...] = Field(
        default=(), description="volumes found by tag; an entry of `volumes` wins over these"
    )
    orphans: Orphans | None = Field(
        default=None, description="without it, orphaned images keep what they have"
    )
    grace: Wait = Field(
        default=timedelta(hours=72),
        description="how long an image stands announced before it is deleted",
        json_schema_extra={"default": "72h"},
    )
    former_deployments: tuple[DeploymentId, ...] = Field(
        default=(), description="ids of deployments whose images are ours, too"
    )


def parse_config(body: bytes, source: str) -> Config:
    """Parse a config document. Raises ConfigError with every problem; `source` names it there."""
    document = read_document(body, source)
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        problems = problems_of(error, document, config_schema(), PATTERNS)
        raise ConfigError(source, problems) from None


def config_schema() -> dict[str, Any]:
    """Give the JSON Schema of the document, for editors."""
    schema = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
