"""Why a run could not serve a cloud: the one place where an error becomes a cloud's result."""

from volume_images.errors import (
    ClockSkew,
    CloudError,
    Conflict,
    CredentialError,
    HostNotAllowed,
    IncompleteListing,
    StoreError,
)
from volume_images.report import CloudOutcome, CloudResult


def unserved(cloud: str, error: CloudError | ClockSkew | StoreError) -> CloudOutcome:
    """Say how a run fared with a cloud that it had to leave alone.

    A secret that opens nothing, or names other hosts, waits for a person; what is merely
    unavailable may come back by itself.
    """
    return CloudOutcome(cloud=cloud, result=_result_of(error), reason=str(error))


def out_of_time(cloud: str) -> CloudOutcome:
    """Say that the run's time was over before a cloud was served."""
    return CloudOutcome(cloud=cloud, result=CloudResult.UNAVAILABLE, reason="did not end in time")


def _result_of(error: CloudError | ClockSkew | StoreError) -> CloudResult:
    match error:
        case CredentialError() | HostNotAllowed():
            return CloudResult.NO_CREDENTIAL
        case IncompleteListing():
            return CloudResult.INCOMPLETE_LISTING
        case CloudError():
            return CloudResult.UNAVAILABLE
        case ClockSkew():
            return CloudResult.CLOCK_SKEW
        case Conflict():
            return CloudResult.CONFLICT
        case StoreError():
            return CloudResult.NO_STATE
