"""From an answer to its meaning: the JSON it must hold, or the error of our tree that it is."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from volume_images.cloud.fields import Entry
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    NotFound,
    Refused,
    Throttled,
)

# EVS, IMS and API gateway error codes ("Error Codes" of each API reference).
THROTTLED_CODES = frozenset({"IMG.0060", "APIGW.0308", "APIG.0308"})
GONE_CODES = frozenset({"EVS.5404", "IMG.0027", "IMG.0086", "IMG.0144"})
# These come with HTTP 400 as well as with 401: the token is too old, or of another project.
TOKEN_CODES = frozenset(
    {"Common.0011", "Common.0013", "Common.0018", "EVS.0002", "IMG.0030", "IMG.0087"}
    | {f"{gateway}.{number}" for gateway in ("APIGW", "APIG") for number in ("0301", "0303")}
    | {f"{gateway}.{number}" for gateway in ("APIGW", "APIG") for number in ("0305", "0307")}
)
_GATEWAY_CODES = ("APIGW.", "APIG.")
_REQUEST_ID_HEADERS = ("X-Request-Id", "X-Openstack-Request-Id", "X-Compute-Request-Id")

_LONGEST_MESSAGE = 300
_LONGEST_RETRY_AFTER = 86_400.0
_SHORTEST_SECRET = 4
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_MARKUP = re.compile(r"<[^<>]{0,200}>")
# A failed signature is answered with the whole canonical request, headers and all.
_CANONICAL_REQUEST = re.compile(r"(?is)\bcanonical.*|(?<=signature fail).*")
# No word of a sentence is so long; a token that was echoed is.
_LONG_WORD = re.compile(r"\S{100,}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `where` is method and address, for messages; header names ignore case."""

    where: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the cloud did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110: 2xx is success


def json_object(answer: Answer) -> Entry:
    """Read the body, which must be a JSON object; raises CloudUnavailable if it is not."""
    document = _parsed(answer.body)
    if document is None:
        raise CloudUnavailable(
            f"{answer.where}: answered {_kind(answer.body)} instead of JSON",
            status=answer.status,
            request_id=_request_id(answer, {}),
        )
    return Entry(document, answer.where)


def error_of(answer: Answer, *, hidden: Collection[str], now: datetime) -> CloudError:
    """Turn an answer that is no success into the error that it is.

    `hidden` are secrets that must not come back in a message, whoever spelled them there.
    `now` is for a Retry-After that is a date.
    """
    document = _parsed(answer.body)
    code, said = _code_and_message(document or {})
    kept = clean(said, hidden) or f"answered {_kind(answer.body)}"
    message = f"{answer.where}: {kept}"
    status = answer.status
    request_id = _request_id(answer, document or {})
    wait = retry_after(answer.headers.get("Retry-After", "") or _told_wait(document), now)
    if _is_throttling(status, code, wait):
        return Throttled(message, status=status, code=code, request_id=request_id, retry_after=wait)
    kind = _kind_of_error(status, code, readable=document is not None)
    return kind(message, status=status, code=code, request_id=request_id)


def credential_error(error: CloudError, *, refused: bool) -> CredentialError:
    """Say of a refusal that it is the credential's, in an error of its own for each thread."""
    made = CredentialError(
        error.message, status=error.status, code=error.code, request_id=error.request_id
    )
    made.refused = refused
    return made


def _is_throttling(status: int, code: str, wait: float | None) -> bool:
    return (
        status in {429, 503}
        or code in THROTTLED_CODES
        # A full quota of Cinder says so, too, with a Retry-After of 0: no wait would help.
        or ((status, code) == (413, "overLimit") and wait != 0)
    )


def _told_wait(document: Mapping[str, object] | None) -> str:
    """Return the seconds that Cinder writes into the body of a 413, beside its message."""
    over_limit = (document or {}).get("overLimit")
    told = over_limit.get("retryAfter") if isinstance(over_limit, dict) else None
    return str(told) if isinstance(told, str | int) else ""


def _kind_of_error(status: int, code: str, *, readable: bool) -> type[CloudError]:
    if status == 401 or code in TOKEN_CODES:  # noqa: PLR2004 - RFC 9110: Unauthorized
        return CredentialError
    if code in GONE_CODES:
        return NotFound
    if status == 404:  # noqa: PLR2004 - RFC 9110: Not Found
        # Only the service itself knows what exists: a gateway that has no such API, or a proxy
        # with a page of its own, says nothing about the volume or the image.
        if code.startswith(_GATEWAY_CODES):
            return Refused
        return NotFound if readable else CloudUnavailable
    if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - RFC 9110: client errors
        return Refused
    return CloudUnavailable


def retry_after(header: str, now: datetime) -> float | None:
    """Read a Retry-After, seconds or a date (RFC 9110 10.2.3); None when it says nothing."""
    text = header.strip()
    if text.isdecimal():
        return min(float(text[:9]), _LONGEST_RETRY_AFTER)
    date = http_date(text)
    if date is None:
        return None
    return min(max((date - now).total_seconds(), 0.0), _LONGEST_RETRY_AFTER)


def http_date(text: str) -> datetime | None:
    """Read an HTTP date; None when it is none."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clean(text: str, hidden: Collection[str] = ()) -> str:
    """Make one short line of what a cloud said: no markup, no control characters, no secrets."""
    line = _MARKUP.sub(" ", text[: 100 * _LONGEST_MESSAGE])
    for secret in hidden:
        if len(secret) >= _SHORTEST_SECRET:
            line = line.replace(secret, "***")
    line = _CANONICAL_REQUEST.sub("", line)
    line = "".join(character if character.isprintable() else " " for character in line)
    line = _LONG_WORD.sub("***", " ".join(line.split()))
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 3]}..."


def _parsed(body: bytes) -> dict[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _code_and_message(document: Mapping[str, object], name: str = "") -> tuple[str, str]:
    """Find code and message in any of the shapes in which these services answer errors.

    Cinder names the error by the key that holds it (`itemNotFound`); Keystone and Glance have a
    number where others have a code, and say no more than the status does.
    """
    for code_key, message_key in (
        ("error_code", "error_msg"),
        ("errorCode", "errorMsg"),
        ("code", "message"),
    ):
        if code_key in document or message_key in document:
            code, message = document.get(code_key), document.get(message_key)
            named = isinstance(code, str) and bool(_CODE.fullmatch(code))
            return str(code) if named else name, message if isinstance(message, str) else ""
    for key, value in document.items():
        if isinstance(value, dict):
            named = key != "error" and bool(_CODE.fullmatch(key))
            return _code_and_message(value, key if named else "")
    return "", ""


def _request_id(answer: Answer, document: Mapping[str, object]) -> str:
    candidates = [answer.headers.get(name) for name in _REQUEST_ID_HEADERS]
    for candidate in (*candidates, document.get("request_id")):
        if isinstance(candidate, str) and _REQUEST_ID.fullmatch(candidate):
            return candidate
    return ""


def _kind(body: bytes) -> str:
    start = body.lstrip()[:1]
    if not start:
        return "an empty body"
    return "an HTML page" if start == b"<" else "a body that cannot be understood"
