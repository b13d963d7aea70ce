"""Access keys: each request is signed as it is sent, and a refused key is not used again."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.auth import AuthBase
from typing_extensions import override

from volume_images.cloud.answers import credential_error
from volume_images.cloud.credentials import AccessKey, is_project_id
from volume_images.cloud.fields import Entry
from volume_images.cloud.pacing import Clock
from volume_images.cloud.signing import (
    DATE_HEADER,
    Signable,
    authorization,
    canonical_query,
    date_text,
)
from volume_images.errors import CredentialError, NotFound, Refused

# A proxy on the way may change other headers, and would break a signature over them.
_SIGNED = ("Host", "Content-Type", DATE_HEADER, "X-Project-Id", "X-Domain-Id", "X-Security-Token")


class AccessKeySigner(AuthBase):
    """Signs requests for one project. After a refusal it signs no more: the fifth locks the key.

    `system_clock` tells the time by which the cloud checks signatures: the real one.
    """

    def __init__(self, key: AccessKey, system_clock: Clock) -> None:
        self._key = key
        self._clock = system_clock
        self._project_id = ""
        self._refusal: CredentialError | None = None

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign; requests calls this when all the rest of the request is ready to be sent."""
        if self._refusal is not None:
            raise credential_error(self._refusal, refused=True)
        parts = urlsplit(request.url or "")
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        # What is sent is what is signed, letter by letter: a space as %20 and not as a plus sign.
        request.url = parts._replace(query=canonical_query(query)).geturl()
        request.headers.update({"Host": parts.netloc, **self._scope()})
        request.headers[DATE_HEADER] = date_text(self._clock.now())
        body = request.body or b""
        signable = Signable(
            method=request.method or "",
            path=parts.path,
            query=query,
            headers={name: request.headers[name] for name in _SIGNED if name in request.headers},
            body=body.encode() if isinstance(body, str) else body,
        )
        request.headers["Authorization"] = authorization(
            signable, self._key.access_key, self._key.secret_key
        )
        return request

    def enter(self, project_id: str) -> None:
        """Sign for this project from now on."""
        self._project_id = project_id

    def proof(self, request: requests.PreparedRequest) -> str:
        """Return what must not be shown of a request: its signature opens the door for a while."""
        return str(request.headers["Authorization"]).rpartition("=")[2]

    def refuse(self, error: CredentialError) -> CredentialError:
        """Use the key no more: each further try would bring it nearer to the lock."""
        self._refusal = credential_error(error, refused=True)
        return self._refusal

    def _scope(self) -> dict[str, str]:
        scope = {"X-Project-Id": self._project_id}
        if not self._project_id:
            scope = {"X-Domain-Id": self._key.domain_id or ""}
        scope["X-Security-Token"] = self._key.security_token or ""
        return {name: value for name, value in scope.items() if value}


def find_project(
    read: Callable[[str, Mapping[str, str]], Entry], auth_url: str, project: str
) -> str:
    """Return the id of the project that the config names; this first call also proves the key.

    `read` GETs a JSON object, with query. Raises CredentialError, CloudUnavailable and Throttled.
    """
    base = auth_url.rstrip("/")
    url = f"{base if base.endswith('/v3') else f'{base}/v3'}/projects"
    if is_project_id(project):
        try:
            read(f"{url}/{project}", {})
        except (Refused, NotFound):
            # The key may not read projects, but it was not refused: the services tell the rest.
            return project
        return project
    try:
        answer = read(url, {"name": project})
    except (Refused, NotFound) as error:
        raise CredentialError(
            f"project {project}: the access key may not look it up; write the id of the project"
            f" into the config ({error.message})",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        ) from error
    ids = [
        entry.identifier("id")
        for entry in answer.entries("projects")
        if entry.text("name") == project
    ]
    if len(ids) != 1:
        raise CredentialError(
            f"project {project}: the identity service names {len(ids)} projects so;"
            " write the id of the project into the config"
        )
    return ids[0]
