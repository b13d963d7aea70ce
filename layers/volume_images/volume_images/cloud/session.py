"""One session for each cloud: tokens, pacing, retries of reads, and errors of our own tree."""

import json as json_text
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TypeVar, assert_never

import requests
from keystoneauth1.access import AccessInfo
from keystoneauth1.session import Session

from volume_images.cloud.access_keys import AccessKeySigner, find_project
from volume_images.cloud.answers import Answer, error_of, json_object
from volume_images.cloud.credentials import Secret
from volume_images.cloud.fields import Entry
from volume_images.cloud.pacing import LONGEST_WAIT_SECONDS, Clock, Gate
from volume_images.cloud.retries import (
    TRIES,
    TRIES_FOR_A_TURN,
    Outages,
    delay,
    may_pass,
    turned_away,
)
from volume_images.cloud.tokens import Tokens, project_of, silence_token_bodies
from volume_images.cloud.wire import CloudAdapter, place
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    LostAnswer,
    Throttled,
)
from volume_images.model import Exchange

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

T = TypeVar("T")
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
    after a 401 and logs are all off: whether a request may be sent twice is decided here. Reads
    are sent again after what may pass. Anything else is sent again only if it was turned away for
    its pace, before the cloud did anything about it.
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
        self._outages = Outages(clock)
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
                access: AccessInfo = self._persist(
                    self._secret.auth_url, lambda: tokens.get_access(self._session), turned_away
                )
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
        try:
            return self._persist(
                url, lambda: json_object(self._renewed("GET", url, params, headers)), may_pass
            )
        except LostAnswer as error:
            # A read changes nothing, so nothing of it can be lost.
            raise CloudUnavailable(error.message, status=error.status) from error

    def delete(self, url: str, done: int = requests.codes.no_content) -> None:
        """DELETE, once (a request that was refused for its token alone is sent again).

        Raises LostAnswer whenever the request may have been carried out all the same.
        """
        try:
            answer = self._persist(url, lambda: self._renewed("DELETE", url), turned_away)
        except CloudUnavailable as error:
            raise _lost_if_sent_on(error) from error.__cause__
        if answer.status != done:
            raise LostAnswer(f"{answer.where}: answered {answer.status} instead of {done}")

    def change(self, method: str, url: str, body: object = None) -> None:
        """PUT or POST what may be done twice without harm, as a tag is set."""
        self._persist(url, lambda: self._renewed(method, url, json=body), turned_away)

    def post_once(self, url: str, body: object, read: Callable[[Entry], T]) -> T:
        """POST what must not be done twice: never again once the cloud may have begun with it.

        Who asks for another pace or another token has not begun. `read` takes what is wanted out
        of the answer, a JSON object.
        Raises LostAnswer whenever the request may have been carried out all the same.
        """
        try:
            answer = self._persist(url, lambda: self._renewed("POST", url, json=body), turned_away)
        except CloudUnavailable as error:
            raise _lost_if_sent_on(error) from error.__cause__
        try:
            return read(json_object(answer))
        except CloudUnavailable as error:
            # It was accepted: what cannot be read is only under which id.
            raise LostAnswer(
                error.message, status=answer.status, request_id=error.request_id
            ) from error

    def _persist(self, url: str, send: Callable[[], T], again: Callable[[CloudError], bool]) -> T:
        """Send, and after the errors that `again` names send again: not often, and not for long."""
        first_at = self._clock.monotonic()
        tries = 0
        while True:
            self._outages.check(url)
            began_at = self._clock.monotonic()
            tries += 1
            try:
                result = send()
            except Throttled as error:
                # The gate itself says Throttled, too: then there is no status, and no hope.
                if error.status is None:
                    raise
                until = self._clock.monotonic() + self._gate.refused(error.retry_after)
                too_long = until - first_at > LONGEST_WAIT_SECONDS
                if too_long or tries == TRIES_FOR_A_TURN or not again(error):
                    raise
            except CloudUnavailable as error:
                self._outages.failed(url, error, self._clock.monotonic() - began_at)
                if tries == TRIES or not again(error):
                    raise
                self._clock.sleep(delay(tries))
            except CloudError as error:
                if error.status is not None:
                    self._answered(url)
                raise
            else:
                self._answered(url)
                return result

    def _answered(self, url: str) -> None:
        self._gate.accepted()
        self._outages.answered(url)

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
        params: Params,
        headers: Mapping[str, str],
        json: object,
    ) -> Answer:
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
