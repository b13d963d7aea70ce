"""One session for each cloud: tokens, pacing, retries of reads, and errors of our own tree."""

import json as json_text
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from random import SystemRandom
from types import MappingProxyType

import requests
from keystoneauth1.access import AccessInfo
from keystoneauth1.session import Session

from volume_images.cloud.answers import Answer, error_of, json_object
from volume_images.cloud.credentials import Secret
from volume_images.cloud.fields import Entry
from volume_images.cloud.pacing import Clock, Gate
from volume_images.cloud.tokens import Tokens, silence_token_bodies
from volume_images.cloud.wire import CloudAdapter, place
from volume_images.errors import CloudUnavailable, CredentialError, LostAnswer, Throttled
from volume_images.model import Exchange

READS = 4
FIRST_DELAY_SECONDS = 0.5
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_JITTER = SystemRandom()

Params = Mapping[str, str]
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
        project: str,
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
        self._tokens = Tokens(secret, project, clock)
        self._adapter = CloudAdapter(
            tls=tls, hosts=secret.allowed_hosts, clock=clock, connections=connections
        )
        http = requests.Session()
        http.trust_env = False
        http.mount("https://", self._adapter)
        http.mount("http://", self._adapter)
        self._session = Session(
            auth=self._tokens,
            session=http,
            app_name="volume-images",
            redirect=False,
            rate_semaphore=gate,
        )

    @property
    def skew(self) -> timedelta:
        """How far the `Date` of the newest answer was ahead of our clock."""
        return self._adapter.skew

    def access(self) -> AccessInfo:
        """Return the token, bought if there is none yet."""
        return self._tokens.get_access(self._session)

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
        token = _token(response)
        text = response.content.decode(errors="replace")
        for secret in (*self._secret.hidden, token):
            text = text.replace(secret, "***")
        return Exchange(
            method=method,
            url=response.url,
            sent="" if sent is None else json_text.dumps(sent),
            status=response.status_code,
            headers=dict(response.headers),
            body=text,
            token_length=len(token),
        )

    def _successful(self, where: str, response: requests.Response) -> Answer:
        """Return the answer if it is a success; raise what it means if not."""
        answer = Answer(where, response.status_code, response.headers, response.content)
        if answer.ok:
            return answer
        token = _token(response)
        error = error_of(answer, hidden=(*self._secret.hidden, token), now=self._clock.now())
        if isinstance(error, CredentialError):
            self._tokens.replace(token)
        raise error


def _token(response: requests.Response) -> str:
    return str(response.request.headers["X-Auth-Token"])


def _lost_if_sent_on(error: CloudUnavailable) -> CloudUnavailable:
    """Make a LostAnswer of a 5xx: whoever failed may have handed the request on before."""
    if error.status is None or error.status < requests.codes.server_error:
        return error
    return LostAnswer(
        error.message, status=error.status, code=error.code, request_id=error.request_id
    )
