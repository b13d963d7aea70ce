"""The wire: one adapter through which every byte to and from a cloud goes, token calls included."""

import io
import ssl
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import certifi
import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connectionpool import HTTPSConnectionPool

from volume_images.cloud.answers import http_date
from volume_images.cloud.bounded import LARGEST_ANSWER_BYTES, Endless, bound_answers
from volume_images.cloud.hosts import AllowedHosts
from volume_images.cloud.pacing import Clock
from volume_images.errors import CloudError, CloudUnavailable, LostAnswer, SettingsError

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
_CHUNK_BYTES = 64 * 1024


def tls_context(ca_bundle: str | None = None) -> ssl.SSLContext:
    """Make the one context that all clouds share: parsing a CA bundle costs 14 ms each time.

    `ca_bundle` (a PEM file) is trusted beside the public authorities.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_bundle:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as error:  # ssl.SSLError is one
            reason = error.strerror or str(error)
            raise SettingsError(f"CA bundle {ca_bundle}: not a PEM file: {reason}") from error
    return context


class CloudAdapter(HTTPAdapter):
    """Sends requests only where the secret allows, with time-outs, and reads bounded answers.

    Every failure leaves as an error of our tree. LostAnswer means that the request may have
    reached the cloud; a plain CloudUnavailable, that it did not.
    """

    def __init__(
        self, *, tls: ssl.SSLContext, hosts: AllowedHosts, clock: Clock, connections: int
    ) -> None:
        self._tls = tls
        self._hosts = hosts
        self._clock = clock
        self.skew = timedelta(0)
        super().__init__(pool_maxsize=connections, max_retries=0)
        bound_answers(self, clock.monotonic)

    @override
    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object
    ) -> None:
        """Give the shared context to every connection."""
        pool_kwargs["ssl_context"] = self._tls
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)

    @override
    def cert_verify(
        self, conn: HTTPSConnectionPool, url: str, verify: object, cert: object
    ) -> None:
        """Verify in any case, and let no connection load a CA bundle of its own."""
        conn.cert_reqs = "CERT_REQUIRED"

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request, once; time-outs, verification and proxies are not the caller's."""
        url = request.url or ""
        self._hosts.check(url)
        where = place(request.method or "", url)
        try:
            response = super().send(
                request, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS), verify=True
            )
            body = _read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _failure(error, where) from error
        response.raw = io.BytesIO(body)
        self._note_date(response.headers.get("Date", ""))
        if response.is_redirect or response.is_permanent_redirect:
            raise CloudUnavailable(
                f"{where}: answered with a redirect, and none is followed: it would carry the"
                " token elsewhere; correct the address",
                status=response.status_code,
            )
        return response

    def _note_date(self, header: str) -> None:
        date = http_date(header)
        if date is not None:
            self.skew = date - self._clock.now()


def _read(response: requests.Response) -> bytes:
    """Read a body to its end; one that was compressed may grow while it is read."""
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            response.raw.close()
            raise Endless
    return bytes(body)


def place(method: str, url: str) -> str:
    """Name a request in a message: its query stays out, that is long and not needed."""
    parts = urlsplit(url)
    return f"{method} {parts.scheme}://{parts.netloc}{parts.path}"


def _failure(error: Exception, where: str) -> CloudError:
    root = _root(error)
    reason = (isinstance(root, OSError) and root.strerror) or type(root).__name__
    if isinstance(root, ssl.SSLCertVerificationError):
        detail = root.verify_message or reason
        return CloudUnavailable(f"{where}: the certificate cannot be trusted: {detail}")
    if _was_never_sent(error):
        return CloudUnavailable(f"{where}: no connection: {reason}")
    said = reason if isinstance(root, Endless) else f"no answer: {reason}"
    return LostAnswer(f"{where}: {said}")


def _was_never_sent(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, urllib3.exceptions.MaxRetryError) and isinstance(
        cause.reason, urllib3.exceptions.NewConnectionError
    )


def _root(error: BaseException) -> BaseException:
    """Find the innermost cause: requests and urllib3 wrap it up to four times."""
    seen = {id(error)}
    while True:
        nested = [
            error.__cause__,
            getattr(error, "reason", None),
            *error.args,
            error.__context__,
        ]
        inner = next(
            (item for item in nested if isinstance(item, BaseException) and id(item) not in seen),
            None,
        )
        if inner is None:
            return error
        seen.add(id(inner))
        error = inner
