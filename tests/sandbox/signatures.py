"""Access keys and their signatures, checked as Huawei Cloud's gateway does (SDK-HMAC-SHA256).

Written from the server's side, out of what arrives; it shares no line with the client's signing.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from tests.sandbox.wire import Request

ALLOWED_SKEW = timedelta(minutes=15)
FAILURES_BEFORE_LOCK = 5
LOCKED_FOR = timedelta(minutes=5)
MUST_BE_SIGNED = frozenset({"host", "x-sdk-date"})

_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256 Access=([^,\s]+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class BadSignature(Exception):
    """A signed request that the gateway refuses, under one of its codes."""

    def __init__(self, message: str, code: str = "APIGW.0301") -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key of a user; a temporary one has a security token and an end."""

    id: str
    secret: str
    security_token: str = ""
    expires_at: datetime | None = None

    @classmethod
    def permanent(cls) -> "AccessKey":
        """Make a key as the console does."""
        return cls(id=secrets.token_hex(10).upper(), secret=secrets.token_urlsafe(30))

    @classmethod
    def temporary(cls, lifetime: timedelta) -> "AccessKey":
        """Make a key as IAM's `securitytokens` call does."""
        return cls(
            id=secrets.token_hex(10).upper(),
            secret=secrets.token_urlsafe(30),
            security_token=secrets.token_urlsafe(150),
            expires_at=datetime.now(UTC) + lifetime,
        )


class Gatekeeper:
    """Checks signatures, and locks a key that failed too often in a row. All in real time."""

    def __init__(self) -> None:
        self.keys: dict[str, AccessKey] = {}
        self.skew = timedelta()
        """How far the gateway's clock is ahead."""
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, datetime] = {}

    def check(self, request: Request) -> AccessKey:
        """Return the key that signed this request. Raises BadSignature."""
        match = _AUTHORIZATION.fullmatch(request.header("Authorization"))
        if match is None:
            raise BadSignature("Authorization format is incorrect")
        key_id, names, signature = match.groups()
        now = datetime.now(UTC) + self.skew
        if self._locked_until.get(key_id, now) > now:
            raise BadSignature("AK access failed to reach the limit,forbidden")
        try:
            key = self._checked(request, key_id, names.split(";"), signature, now)
        except BadSignature:
            self._count_failure(key_id, now)
            raise
        self._failures.pop(key_id, None)
        return key

    def _checked(
        self, request: Request, key_id: str, names: list[str], signature: str, now: datetime
    ) -> AccessKey:
        key = self.keys.get(key_id)
        if key is None:
            raise BadSignature(f"Get secretKey failed,ak:{key_id},err:ak not exist")
        if not set(names) >= MUST_BE_SIGNED or names != sorted(names):
            raise BadSignature("SignedHeaders is incorrect")
        if abs(_date(request) - now) > ALLOWED_SKEW:
            raise BadSignature("the signature has expired: X-Sdk-Date is too far", "APIGW.0303")
        canonical = canonical_request(request, names)
        if not hmac.compare_digest(_sign(key.secret, request, canonical), signature):
            shown = canonical.replace("\n", "|")
            raise BadSignature(f"verify aksk signature fail, canonicalRequest:{shown}")
        if request.header("X-Security-Token") != key.security_token:
            raise BadSignature("the security token is missing or not that of the access key")
        if key.expires_at is not None and key.expires_at <= now:
            raise BadSignature("the security token has expired")
        return key

    def _count_failure(self, key_id: str, now: datetime) -> None:
        self._failures[key_id] = self._failures.get(key_id, 0) + 1
        if self._failures[key_id] > FAILURES_BEFORE_LOCK:
            self._failures[key_id] = 0
            self._locked_until[key_id] = now + LOCKED_FOR


def canonical_request(request: Request, names: list[str]) -> str:
    """Write a request as both sides hash it; the path that counts is the one that was sent."""
    path = quote(unquote(request.sent_path), safe="/")
    path = path if path.endswith("/") else f"{path}/"
    pairs = sorted(request.arguments)
    query = [f"{quote(key, safe='')}={quote(text, safe='')}" for key, text in pairs]
    headers = "".join(f"{name}:{request.header(name).strip()}\n" for name in names)
    payload = request.header("X-Sdk-Content-Sha256") or hashlib.sha256(request.body).hexdigest()
    parts = [request.method, path, "&".join(query), headers, ";".join(names), payload]
    return "\n".join(parts)


def _date(request: Request) -> datetime:
    try:
        return datetime.strptime(f"{request.header('X-Sdk-Date')}+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError as error:
        raise BadSignature("X-Sdk-Date is missing or in a wrong format") from error


def _sign(secret: str, request: Request, canonical: str) -> str:
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{request.header('X-Sdk-Date')}\n{hashed}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
