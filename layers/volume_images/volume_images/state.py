"""What every state object carries: its format, whose it is, and which write made it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

FORMAT = 1
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # room for what is added: the calendar ends in 9999

SECRET_RESTS = timedelta(hours=1)
"""How long a refused credential is left alone, unless another one takes its place."""


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


Instant = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST), AfterValidator(_utc)]
"""A time in a state that a run could have written: aware, and in UTC, however it was written."""

Count = Annotated[int, Field(ge=0, lt=2**31)]
"""How often something happened."""


class WriteMark(BaseModel):
    """The random id of a run and a counter: how a run recognises its own write.

    A PUT whose answer was lost is repeated by botocore and then answers 412 to its own success.
    """

    model_config = ConfigDict(frozen=True)

    run_id: str = ""
    counter: Annotated[int, Field(ge=0, lt=2**63)] = 0

    def next(self, run_id: str) -> "WriteMark":
        """Return the mark of the next write by this run."""
        return WriteMark(run_id=run_id, counter=self.counter + 1)


class State(BaseModel):
    """The base of every state; `version` is that of the format."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    deployment: str
    mark: WriteMark = WriteMark()


class CloudState(State):
    """What both functions remember of a cloud.

    `refused_secret` is the fingerprint of a credential that the cloud refused.
    """

    refused_secret: str = ""
    refused_secret_at: Instant | None = None

    def resting_secret(self, now: datetime) -> str:
        """Return the fingerprint of a credential not to be tried again yet: accounts lock."""
        at = self.refused_secret_at
        return self.refused_secret if at is not None and now < at + SECRET_RESTS else ""
