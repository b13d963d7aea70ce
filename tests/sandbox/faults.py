"""The faults of the sandbox's cloud, as data: which requests they strike, and what happens."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from tests.sandbox.fates import ImageFate, VolumeFate

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


class Body(StrEnum):
    """What is in an answer that is not the service's own."""

    HTML = "html"
    JSON = "json"
    EMPTY = "empty"


class TokenEnd(StrEnum):
    """Why a token is no longer good."""

    EXPIRED = "expired"
    REVOKED = "revoked"


class Reads(StrEnum):
    """Where images and volumes are read."""

    LISTINGS = "listings"
    BY_ID = "by_id"
    ALL = "all"


class Slip(StrEnum):
    """What is wrong with a page."""

    REPEATED = "repeated"
    MISSING = "missing"
    SHUFFLED = "shuffled"


def _text(said: object) -> object:
    return str(said) if isinstance(said, int) else said


Words = Annotated[Overload, BeforeValidator(_text)]
"""YAML reads 429 as a number."""


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
    says: Words = Overload.TOO_MANY
    retry_after: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Rule):
    """The request waits, before it is worked on: `seconds`, and up to `spread` more."""

    fault: Literal["latency"] = "latency"
    seconds: Seconds
    spread: Seconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Rule):
    """The connection is reset, and nothing was worked on."""

    fault: Literal["reset"] = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Rule):
    """The work is done, then the connection ends without an answer.

    `wait` is how many seconds later; `reset` whether by RST, as when a server dies, or in an
    orderly way, as when a proxy gives up.
    """

    fault: Literal["lost"] = "lost"
    wait: Seconds = 0
    reset: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing listens: every connection is refused, and open ones end. Clock and faults stay."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    fault: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Rule):
    """Something else answers, a proxy say; before the work, or, if `worked`, in place of its own.

    A status of 200 with HTML is a proxy's login page.
    """

    fault: Literal["answer"] = "answer"
    status: Annotated[int, Field(ge=200, le=599)] = 503
    body: Body = Body.HTML
    worked: bool = False
    retry_after: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowBody(Rule):
    """The body arrives in so many `pieces`, over so many `seconds`."""

    fault: Literal["slow_body"] = "slow_body"
    seconds: Seconds
    pieces: Count = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedBody(Rule):
    """Only this share of the body arrives.

    The connection ends there; if `unnoticed`, Content-Length says that it is all, and it does not.
    """

    fault: Literal["truncated_body"] = "truncated_body"
    keep: Share = 0.5
    unnoticed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BadTokens(Rule):
    """Every token that was ever issued is no longer good when the request comes."""

    fault: Literal["tokens"] = "tokens"
    are: TokenEnd = TokenEnd.REVOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew(Rule):
    """The cloud's clock is so many seconds ahead: in `Date`, and to dates in signatures."""

    fault: Literal["skew"] = "skew"
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLate(Rule):
    """What changed in the last `seconds` has not arrived where it is read.

    New images and volumes are missing, deleted ones are still there, and finished images are not
    finished yet; `reads` says where. By the sandbox's clock.
    """

    fault: Literal["shown_late"] = "shown_late"
    seconds: Seconds
    reads: Reads = Reads.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class BadPages(Rule):
    """A page of a listing is not what it should be: strikes listings alone.

    `repeated`: it begins with the last item of the page that the rule struck before it, unless it
    is a first page. `missing`: one of its items is left out. `shuffled`: they are in any order.
    """

    fault: Literal["pages"] = "pages"
    items: Slip


@dataclass(frozen=True, slots=True, kw_only=True)
class LostMarker(Rule):
    """The image or volume at which a page begins is deleted: strikes listings with a marker."""

    fault: Literal["lost_marker"] = "lost_marker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending(Rule):
    """How exports end: strikes the requests that start one. `seconds` is how long they take."""

    fault: Literal["export"] = "export"
    image: ImageFate = ImageFate.ACTIVE
    volume: VolumeFate = VolumeFate.RELEASED
    seconds: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight(Rule):
    """No export is started while so many are under way: strikes the requests that start one."""

    fault: Literal["in_flight"] = "in_flight"
    limit: Annotated[int, Field(ge=0)]
    says: Words = Overload.TOO_MANY
    retry_after: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuota(Rule):
    """The project has room for so many images."""

    fault: Literal["image_quota"] = "image_quota"
    limit: Annotated[int, Field(ge=0)]


OfTheWorld = ShownLate | LostMarker | Ending | InFlight | ImageQuota | Skew
"""What is wrong while the cloud works on a request, rather than on the way there or back."""

OfTheWay = (
    Throttle | Latency | Reset | Lost | Answered | SlowBody | TruncatedBody | BadTokens | BadPages
)
"""What happens to a request or its answer on the way."""

Striking = OfTheWay | OfTheWorld
Fault = Striking | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The rules in force, and the seed of everything random about them.

    A request meets the rules in their order. One that answers it ends it: later rules neither
    strike nor count it.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    seed: int = 0
    rules: tuple[Annotated[Fault, Field(discriminator="fault")], ...] = ()
