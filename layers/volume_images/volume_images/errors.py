"""Everything that can go wrong, as one tree.

The type says what to do; the instance says what happened, where, and what to do about it.

    VolumeImagesError
    ├── InputError              the request, the settings or the config are wrong: exit code 2
    │   ├── SettingsError         the environment
    │   ├── ConfigError           the config document; carries every problem with its path
    │   │   └── NoConfigYet         none was ever there: idle until somebody writes one
    │   └── TriggerError          the event
    ├── SafetyStop              a safety rule stopped the run: exit code 3
    │   ├── ClockSkew             our clock and the cloud's disagree
    │   ├── EmptyPolicy           no retention rule keeps anything
    │   └── PolicyWouldEmptyGroup the retention rules keep no image of a group
    ├── RunFailed               a run is red; its report is already published
    ├── StoreError              config, state or reports cannot be read or written
    │   └── Conflict              somebody else replaced the object since it was read
    └── CloudError              a cloud said no, or nothing
        ├── CredentialError       the secret is missing, of the wrong shape, or refused
        ├── HostNotAllowed        the secret does not allow this host
        ├── CloudUnavailable      no connection, 5xx, or an answer that is no answer: retry later
        │   └── LostAnswer          the request may have been carried out all the same
        ├── Throttled             429, 503, 413 overLimit, 400 IMG.0060: slow down, then retry
        ├── NotFound              404
        ├── IncompleteListing     a listing repeated, went backwards or broke, three times
        └── Refused               any other 4xx: the same request would be refused again
"""

from collections.abc import Sequence
from dataclasses import dataclass


class VolumeImagesError(Exception):
    """The root: every error that this product raises on purpose."""


class InputError(VolumeImagesError):
    """The request, the settings or the config are wrong; nothing was done."""


class SettingsError(InputError):
    """An environment variable is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a document: `path` as in `volumes[3].id`, and what is wrong there."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(InputError):
    """The config document cannot be used; `problems` are all of its faults."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(str(problem) for problem in self.problems))


class NoConfigYet(ConfigError):
    """There is no config, and there never was one: nothing to do until somebody writes it."""


class TriggerError(InputError):
    """The event is none of the shapes that start a run."""


class SafetyStop(VolumeImagesError):
    """A safety rule stopped the run before it could do harm."""


class ClockSkew(SafetyStop):
    """Our clock and the cloud's disagree: no age can be trusted, so nothing is judged."""


class EmptyPolicy(SafetyStop):
    """No retention rule keeps anything: nothing is judged by it."""


class PolicyWouldEmptyGroup(SafetyStop):
    """The retention rules keep none of the images that they judge: nothing is deleted there."""


class RunFailed(VolumeImagesError):
    """The run could not do its own work: raised after its report is published."""


class StoreError(VolumeImagesError):
    """The store did not answer as it must; the message names the object."""


class Conflict(StoreError):
    """The object was replaced by another run since it was read."""


class CloudError(VolumeImagesError):
    """A call to a cloud failed.

    `status` is the HTTP status (None without an answer), `code` the cloud's own code
    (`EVS.5404`, `itemNotFound`, `APIGW.0308`, ...), `request_id` what its support asks for.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
    ) -> None:
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        said = [str(part) for part in (status, code) if part]
        head = f"{' '.join(said)}: " if said else ""
        tail = f" (request id {request_id})" if request_id else ""
        super().__init__(f"{head}{message}{tail}")


class CredentialError(CloudError):
    """The secret is missing, of the wrong shape, or refused by the cloud.

    `refused` is True when the cloud itself refused it: trying again could lock the account.
    `fingerprint` then tells this secret from its successor, and nothing else of it.
    """

    refused: bool = False
    fingerprint: str = ""


class HostNotAllowed(CloudError):
    """A request to a host that the secret does not name was stopped before it was sent."""


class CloudUnavailable(CloudError):
    """No connection, a 5xx, or an answer that cannot be read; later it may work."""


class LostAnswer(CloudUnavailable):
    """The request was sent and its answer lost: it may have been carried out."""


class Throttled(CloudError):
    """The cloud asks to slow down; `retry_after` is in seconds, None where it does not say."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, request_id=request_id)
        self.retry_after = retry_after


class NotFound(CloudError):
    """404, or what the cloud says instead (`IMG.0027`, `EVS.5404`)."""


class IncompleteListing(CloudError):
    """A listing repeated, went backwards or broke, each time it was walked: it proves nothing."""


class Refused(CloudError):
    """The cloud understood the request and refuses it; the same request would be refused again."""
