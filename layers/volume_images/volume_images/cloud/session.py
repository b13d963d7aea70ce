"""One session for each cloud: tokens, pacing, retries of reads, and errors of our own tree."""

import json as json_text
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom
from types import MappingProxyType
from typing import assert_never

import requests
from keystoneauth1.access import AccessInfo
from keystoneauth1.session import Session

from volume_images.cloud.access_keys import AccessKeySigner, find_project
from volume_images.cloud.answers import Answer, error_of, json_object
from volume_images.cloud.credentials import Secret
from volume_images.cloud.fields import Entry
from volume_images.cloud.pacing import Clock, Gate
from volume_images.cloud.tokens import Tokens, project_of, silence_token_bodies
from volume_images.cloud.wire import CloudAdapter, place
from volume_images.errors import CloudUnavailable, CredentialError, LostAnswer, Throttled
from volume_images.model import Exchange

READS = 4
FIRST_DELAY_SECONDS = 0.5
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_JITTER = SystemRandom()

Params = Mapping[str, str]
Login = Tokens | AccessKeySigner
"""How requests prove who sends them: by a token, or each by its own signature."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The project that a secret opens; `access` is the token's content, where there is one."""

    project_id: str
    access: AccessInfo | None


Record = Callable[[Exchange], None]
"""Takes in each exchange with a cloud's services, for a transcript."""


class CloudSession:
    """Speaks to one cloud as one project: at a measured pace, and to allowed hosts only.

    keystoneauth1 does tokens and the catalogue. Its own retries, redirects, repeated requests
    after a 401 and logs are all off: whether a request may be sent twice is decided here.
    """

    def __init__(
        self,
        secret: Secret,
        login: Login,
        *,
        gate: Gate,
        connections: int,
        clock: Clock,
        tls: ssl.SSLContext,
        record: Record | None = None,
    ) -> None:
        silence_token_bodies()
        self._record = record
        self._secret = secret
        self._gate = gate
        self._clock = clock
        self._login = login
        self._adapter = CloudAdapter(
            tls=tls, hosts=secret.allowed_hosts, clock=clock, connections=connections
        )
        http = requests.Session()
        http.trust_env = False
        http.auth = login if isinstance(login, AccessKeySigner) else None
        http.mount("https://", self._adapter)
        http.mount("http://", self._adapter)
        self._session = Session(
            auth=login if isinstance(login, Tokens) else None,
            session=http,
            app_name="volume-images",
            redirect=False,
            rate_semaphore=gate,
        )

    @property
    def skew(self) -> timedelta:
        """How far the `Date` of the newest answer was ahead of our clock."""
        return self._adapter.skew

    def enter(self, project: str) -> Admission:
        """Show the secret to the cloud for the first time, and have it open this project.

        Raises CredentialError, CloudUnavailable and Throttled.
        """
        match self._login:
            case Tokens() as tokens:
                access = tokens.get_access(self._session)
                return Admission(project_of(access, project), access)
            case AccessKeySigner() as signer:
                project_id = find_project(self.read, self._secret.auth_url, project)
                signer.enter(project_id)
                return Admission(project_id, None)
            case _:
                assert_never(self._login)

    def read(
        self, url: str, params: Params = _NO_HEADERS, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Entry:
        """GET a JSON object; what may pass by itself is tried again, a few times."""
        for attempt in range(1, READS):
            try:
                return json_object(self._renewed("GET", url, params, headers))
            except Throttled:
                continue  # the gate is closed for as long as the cloud said
            except CloudUnavailable:
                longest = FIRST_DELAY_SECONDS * 2**attempt
                self._clock.sleep(_JITTER.uniform(longest / 2, longest))
        try:
            return json_object(self._renewed("GET", url, params, headers))
        except LostAnswer as error:
            # A read changes nothing, so nothing of it can be lost.
            raise CloudUnavailable(error.message, status=error.status) from error

    def delete(self, url: str, done: int = requests.codes.no_content) -> None:
        """DELETE, once (a request that was refused for its token alone is sent again).

        Raises LostAnswer whenever the request may have been carried out all the same.
        """
        try:
            answer = self._renewed("DELETE", url)
        except CloudUnavailable as error:
            raise _lost_if_sent_on(error) from error.__cause__
        if answer.status != done:
            raise LostAnswer(f"{answer.where}: answered {answer.status} instead of {done}")

    def change(self, method: str, url: str, body: object = None) -> None:
        """PUT or POST what may be done twice without harm, as a tag is set."""
        self._renewed(method, url, json=body)

    def post_once(self, url: str, body: object) -> Answer:
        """POST, once and never again, whatever the answer.

        Raises LostAnswer whenever the request may have been carried out all the same.
        """
        try:
            return self._call("POST", url, json=body)
        except CloudUnavailable as error:
            raise _lost_if_sent_on(error) from error.__cause__

    def _renewed(
        self,
        method: str,
        url: str,
        params: Params = _NO_HEADERS,
        headers: Mapping[str, str] = _NO_HEADERS,
        json: object = None,
    ) -> Answer:
        """Call; and once more, with another token, if the service did not take this one."""
        try:
            return self._call(method, url, params, headers, json)
        except CredentialError as error:
            if error.refused:
                raise
        return self._call(method, url, params, headers, json)

    def _call(
        self,
        method: str,
        url: str,
        params: Params = _NO_HEADERS,
        headers: Mapping[str, str] = _NO_HEADERS,
        json: object = None,
    ) -> Answer:
        try:
            response = self._session.request(
                url,
                method,
                json=json,
                params=dict(params),
                headers={"Accept": "application/json", **headers},
                raise_exc=False,
                allow_reauth=False,
                log=False,
            )
            if self._record is not None:
                self._record(self._exchange(method, json, response))
            return self._successful(place(method, url), response)
        except Throttled as error:
            self._gate.pause(error.retry_after)
            raise

    def _exchange(self, method: str, sent: object, response: requests.Response) -> Exchange:
        """Write down what was said, without what is secret in it."""
        text = response.content.decode(errors="replace")
        hidden = (*self._secret.hidden, self._login.proof(response.request))
        for secret in filter(None, hidden):
            text = text.replace(secret, "***")
        return Exchange(
            method=method,
            url=response.url,
            sent="" if sent is None else json_text.dumps(sent),
            status=response.status_code,
            headers=dict(response.headers),
            body=text,
            token_length=len(response.request.headers.get("X-Auth-Token", "")),
        )

    def _successful(self, where: str, response: requests.Response) -> Answer:
        """Return the answer if it is a success; raise what it means if not."""
        answer = Answer(where, response.status_code, response.headers, response.content)
        if answer.ok:
            return answer
        proof = self._login.proof(response.request)
        error = error_of(answer, hidden=(*self._secret.hidden, proof), now=self._clock.now())
        if isinstance(error, CredentialError):
            error = self._distrusted(error, proof)
        raise error

    def _distrusted(self, error: CredentialError, proof: str) -> CredentialError:
        """Never show again what a service did not take: buy another token, or stop."""
        match self._login:
            case Tokens() as tokens:
                tokens.replace(proof)
                return error
            case AccessKeySigner() as signer:
                return signer.refuse(error)
            case _:
                assert_never(self._login)


def _lost_if_sent_on(error: CloudUnavailable) -> CloudUnavailable:
    """Make a LostAnswer of a 5xx: whoever failed may have handed the request on before."""
    if error.status is None or error.status < requests.codes.server_error:
        return error
    return LostAnswer(
        error.message, status=error.status, code=error.code, request_id=error.request_id
    )
