"""Signatures with an access key: SDK-HMAC-SHA256, the scheme of Huawei Cloud's API gateway.

Pure text: a request in, the value of its `Authorization` header out. Public source: "API Request
Signing Guide" of Huawei Cloud; Open Telekom Cloud's gateway checks the same. The vendor's own
signer comes with a package that needs a MongoDB driver, so it is the oracle of the tests instead.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
DATE_HEADER = "X-Sdk-Date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signable:
    """A request as it will be sent.

    `path` is percent-encoded, `query` is not. `headers` are those to sign and no others; `Host`
    and `X-Sdk-Date` must be among them.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


def authorization(request: Signable, access_key: str, secret_key: str) -> str:
    """Return the value of the `Authorization` header."""
    names = ";".join(_canonical_headers(request.headers))
    signed = signature(request, secret_key)
    return f"{ALGORITHM} Access={access_key}, SignedHeaders={names}, Signature={signed}"


def signature(request: Signable, secret_key: str) -> str:
    """Sign with the secret key itself: unlike AWS, no key is derived from it."""
    digest = sha256(canonical_request(request).encode()).hexdigest()
    text = f"{ALGORITHM}\n{request.headers[DATE_HEADER]}\n{digest}"
    return hmac.new(secret_key.encode(), text.encode(), sha256).hexdigest()


def canonical_request(request: Signable) -> str:
    """Write the request in the one way in which both sides hash it."""
    headers = _canonical_headers(request.headers)
    lines = [
        request.method.upper(),
        canonical_path(request.path),
        canonical_query(request.query),
        *(f"{name}:{value}" for name, value in headers.items()),
        "",
        ";".join(headers),
        sha256(request.body).hexdigest(),
    ]
    return "\n".join(lines)


def canonical_path(path: str) -> str:
    """Encode the path anew and end it with a slash, which the address that is sent does not get."""
    encoded = quote(unquote(path), safe="/")
    return encoded if encoded.endswith("/") else f"{encoded}/"


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Sort, then encode: so does the official signer, and in this order only it agrees."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(pairs)
    )


def date_text(moment: datetime) -> str:
    """Write a time in UTC as `X-Sdk-Date` has it; the gateway allows 15 minutes of difference."""
    return f"{moment:%Y%m%dT%H%M%SZ}"


def _canonical_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted((name.lower(), value.strip()) for name, value in headers.items()))
