"""Tokens: bought through keystoneauth1, renewed at half life, not asked for again once refused."""

import logging
from threading import Lock
from typing import assert_never

import requests
from keystoneauth1 import exceptions
from keystoneauth1.access import AccessInfo
from keystoneauth1.identity import BaseIdentityPlugin, v3
from keystoneauth1.session import Session

from volume_images.cloud.answers import Answer, credential_error, error_of
from volume_images.cloud.assume_role import AssumeRole
from volume_images.cloud.credentials import (
    Agency,
    ApplicationCredential,
    Password,
    Secret,
    is_project_id,
)
from volume_images.cloud.fields import IDENTIFIER
from volume_images.cloud.pacing import Clock
from volume_images.cloud.wire import place
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    LostAnswer,
    Throttled,
)


class Tokens(BaseIdentityPlugin):
    """An auth plugin around one of keystoneauth1's, with this product's rules for tokens."""

    def __init__(
        self,
        secret: Secret,
        login: Password | ApplicationCredential,
        project: str,
        clock: Clock,
    ) -> None:
        super().__init__(auth_url=secret.auth_url)
        self._source = _source(secret.auth_url, login, project)
        self._unknown_is_refused = isinstance(login, ApplicationCredential)
        self._hidden = secret.hidden
        self._clock = clock
        self._refusal: CredentialError | None = None
        self._replacing = Lock()

    def get_access(self, session: Session, **kwargs: object) -> AccessInfo:
        """Return a token that can be used.

        keystoneauth1 reads its token once more after it let go of its lock: until then, no other
        thread may have this one forgotten.
        """
        with self._replacing:
            return super().get_access(session, **kwargs)

    def get_auth_ref(self, session: Session) -> AccessInfo:
        """Buy a token. keystoneauth1 calls this when there is none, or when it is too old.

        Raises CredentialError (`refused`: trying again could lock the account) and
        CloudUnavailable.
        """
        if self._refusal is not None:
            raise credential_error(self._refusal, refused=True)
        error: CloudError
        try:
            access = self._source.get_auth_ref(session)
            self.MIN_TOKEN_LIFE_SECONDS = _half_life(access)
        except LostAnswer as lost:
            # The request that waits for this token was not sent: nothing of it can be lost.
            raise CloudUnavailable(lost.message) from lost
        except (exceptions.HttpError, exceptions.MissingAuthMethods) as failure:
            error = self._error_of(failure.response)
        except (exceptions.ClientException, KeyError, TypeError, ValueError, AttributeError):
            error = CloudUnavailable(f"{self._where()}: answered without a token that can be read")
        else:
            return access
        # Outside the `except`: keystoneauth1's own error quotes whatever the cloud said.
        raise error

    def proof(self, request: requests.PreparedRequest) -> str:
        """Return what must not be shown of a request: its token."""
        return str(request.headers["X-Auth-Token"])

    def replace(self, token: str) -> None:
        """Forget this token, which a service did not take, unless it was replaced already."""
        with self._replacing:
            access = self.auth_ref
            if access is not None and access.auth_token == token:
                self.invalidate()

    def _where(self) -> str:
        return place("POST", f"{self._source.token_url}")

    def _error_of(self, response: requests.Response | None) -> CloudError:
        assert response is not None, "keystoneauth1 makes these errors from answers alone"
        answer = Answer(self._where(), response.status_code, response.headers, response.content)
        hidden = (*self._hidden, response.request.headers.get("X-Auth-Token", ""))
        error = error_of(answer, hidden=hidden, now=self._clock.now())
        refusals = {401, 403, 404} if self._unknown_is_refused else {401, 403}
        if error.status in refusals:
            self._refusal = credential_error(error, refused=True)
            return self._refusal
        if isinstance(error, CloudUnavailable | Throttled):
            return error
        # Every other refusal of a token call lies in the secret or in the name of the project.
        return credential_error(error, refused=False)


def _half_life(access: AccessInfo) -> int:
    if not access.auth_token or access.expires is None or access.issued is None:
        raise ValueError
    half = max(int((access.expires - access.issued).total_seconds() / 2), 0)
    # With clocks far apart a new token can look old at once: then use it to its end, rather than
    # ask for another one with every request.
    return 0 if access.will_expire_soon(half) else half


def _source(auth_url: str, login: Password | ApplicationCredential, project: str) -> v3.Auth:
    named = not is_project_id(project)
    project_id, project_name = (None, project) if named else (project, None)
    match login:
        case ApplicationCredential(id=credential_id, secret=secret):
            return v3.ApplicationCredential(
                auth_url,
                application_credential_id=credential_id,
                application_credential_secret=secret,
            )
        case Password(domain=domain, agency=Agency() as agency):
            # The right to assume an agency ("Agent Operator") is one over the user's own account.
            user = v3.Auth(
                auth_url, [_by_password(login)], domain_id=domain.id, domain_name=domain.name
            )
            return v3.Auth(
                auth_url,
                [AssumeRole(user, agency)],
                project_id=project_id,
                project_name=project_name,
            )
        case Password(domain=domain):
            return v3.Auth(
                auth_url,
                [_by_password(login)],
                project_id=project_id,
                project_name=project_name,
                project_domain_name=domain.name if named else None,
                project_domain_id=domain.id if named else None,
            )
        case _:
            assert_never(login)


def _by_password(login: Password) -> v3.PasswordMethod:
    return v3.PasswordMethod(
        username=login.username,
        password=login.password,
        user_domain_name=login.domain.name,
        user_domain_id=login.domain.id,
    )


def project_of(access: AccessInfo, project: str) -> str:
    """Return the id of the token's project, which must be the one that the config names.

    An application credential brings its project along: the config cannot change it.
    """
    project_id = access.project_id
    if not isinstance(project_id, str) or not IDENTIFIER.fullmatch(project_id):
        raise CredentialError(
            f"project {project}: the token belongs to no project; give the user a role there"
        )
    if project not in {project_id, access.project_name}:
        raise CredentialError(
            f"project {project}: the secret belongs to another project, {project_id};"
            " correct `project` in the config, or the secret"
        )
    return project_id


class _WithoutBodies(logging.Filter):
    """Drops what keystoneauth1 logs at debug level of a token call: the answer's whole body."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


def silence_token_bodies() -> None:
    """Keep the bodies of token calls out of every log; calling it again changes nothing."""
    logging.getLogger("keystoneauth.identity.v3.base").addFilter(_WITHOUT_BODIES)


_WITHOUT_BODIES = _WithoutBodies()
