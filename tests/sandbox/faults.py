"""The faults of the sandbox's cloud, as data: which requests they strike, and what happens."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Service(StrEnum):
    """A part of the cloud; each has its own path below the cloud's address."""

    IDENTITY = "identity"
    VOLUME = "volume"
    IMAGE = "image"


class Overload(StrEnum):
    """How a cloud says that it is too much."""

    TOO_MANY = "429"
    """A proxy's page, RFC 6585."""

    GATEWAY = "APIGW.0308"
    """429 of Huawei Cloud's API gateway."""

    IMS = "IMG.0060"
    """400 of Huawei Cloud's image service."""

    OVER_LIMIT = "413"
    """Cinder's `overLimit`, with `retryAfter` if a time is given."""

    UNAVAILABLE = "503"
    """A proxy's page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The requests that a fault strikes.

    A request matches by `service`, `method` and `path`: a pattern with `*` for the whole path
    without the query, `/volume/v3/*/action`. Of those that match, the first `skip` are let go;
    then every `every`-th of the `first` ones (all, if None) is struck, with `probability`, while
    the sandbox's clock stands between `since` and `until`.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    service: Service | None = None
    method: str = "*"
    path: str = "*"
    skip: Annotated[int, Field(ge=0)] = 0
    every: Count = 1
    first: Count | None = None
    probability: Share = 1.0
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle(Rule):
    """More than `rate` requests a second, past a `burst`, are refused; the refused cost nothing.

    All that the rule strikes share one bucket, which goes by the sandbox's clock.
    """

    fault: Literal["throttle"] = "throttle"
    rate: Annotated[float, Field(gt=0)]
    burst: Count = 1
    says: Overload = Overload.TOO_MANY
    retry_after: Seconds | None = None


Fault = Throttle


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The rules in force, and the seed of everything random about them.

    A request meets the rules in their order. One that answers it ends it: later rules neither
    strike nor count it.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    seed: int = 0
    rules: tuple[Fault, ...] = ()
