"""Who may call the sandbox's cloud: users, application credentials, tokens."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sandbox.wire import Request
from volume_images.model import Dialect

DOMAIN_ID = "default"
TOKEN_LIFETIME = timedelta(hours=1)
"""Keystone's default; Huawei's IAM gives 24 hours."""


class Unauthenticated(Exception):
    """A request without a token that is good now."""

    def __init__(self, *, missing: bool = False, expired: bool = False) -> None:
        self.missing = missing
        self.expired = expired
        super().__init__("no token" if missing else "expired" if expired else "unknown token")


class WrongCredentials(Exception):
    """No such user, project, or password: Keystone does not say which."""


class UnknownCredential(Exception):
    """No application credential has this id."""


class Malformed(Exception):
    """The body of a token request is not what Keystone's schema asks for."""


class ScopeForbidden(Exception):
    """An application credential is bound to its project and takes no scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user with a password and one application credential."""

    id: str
    name: str
    password: str
    credential_id: str
    credential_secret: str
    admin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project and the domain (Huawei says account) that holds it."""

    id: str
    name: str
    domain_name: str

    @property
    def domain(self) -> dict[str, str]:
        """The domain as Keystone writes it."""
        return {"id": DOMAIN_ID, "name": self.domain_name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token; without a scope it opens no project."""

    id: str
    user: User
    scoped: bool
    method: str
    issued_at: datetime
    expires_at: datetime


def _user(name: str, *, admin: bool = False) -> User:
    return User(
        id=uuid.uuid5(uuid.NAMESPACE_DNS, name).hex,
        name=name,
        password=secrets.token_urlsafe(18),
        credential_id=uuid.uuid4().hex,
        credential_secret=secrets.token_urlsafe(32),
        admin=admin,
    )


class Identity:
    """The users of one project, and the tokens they hold. Token lifetimes are real time."""

    def __init__(self, dialect: Dialect, project: Project) -> None:
        self.dialect = dialect
        self.project = project
        self.users = {
            "export": _user("exporter"),
            "cleanup": _user("cleaner"),
            "restore": _user("restorer", admin=True),
        }
        self.token_lifetime = TOKEN_LIFETIME
        self._tokens: dict[str, Token] = {}

    def authenticate(self, body: object) -> Token:
        """Issue a token for the body of `POST /v3/auth/tokens`.

        Raises Malformed, WrongCredentials, UnknownCredential or ScopeForbidden.
        """
        auth = _mapping(body, "auth")
        identity = _mapping(auth, "identity")
        scope = auth.get("scope")
        match identity.get("methods"):
            case ["password"]:
                user = self._by_password(_mapping(_mapping(identity, "password"), "user"))
                return self._issue(user, "password", scoped=self._scope(scope))
            case ["application_credential"]:
                user = self._by_credential(_mapping(identity, "application_credential"))
                if scope is not None:
                    raise ScopeForbidden
                return self._issue(user, "application_credential", scoped=True)
            case _:
                raise Malformed("'methods' is a required property")

    def holder(self, request: Request) -> Token:
        """Return the token of a request. Raises Unauthenticated."""
        text = request.header("X-Auth-Token")
        if not text:
            raise Unauthenticated(missing=True)
        return self.validate(text)

    def validate(self, text: str) -> Token:
        """Return the token that is written so. Raises Unauthenticated."""
        token = self._tokens.get(text)
        if token is None:
            raise Unauthenticated
        if token.expires_at <= datetime.now(UTC):
            raise Unauthenticated(expired=True)
        return token

    def revoke(self, text: str) -> None:
        """Forget a token."""
        self._tokens.pop(text, None)

    def revoke_all(self) -> None:
        """Forget every token, as when permissions change."""
        self._tokens.clear()

    def _by_password(self, given: Mapping[str, Any]) -> User:
        if "id" not in given:
            self._require_domain(given)
        for user in self.users.values():
            named = given.get("id") == user.id or given.get("name") == user.name
            if named and given.get("password") == user.password:
                return user
        raise WrongCredentials

    def _by_credential(self, given: Mapping[str, Any]) -> User:
        for user in self.users.values():
            if given.get("id") == user.credential_id:
                if given.get("secret") == user.credential_secret:
                    return user
                raise WrongCredentials
        raise UnknownCredential(str(given.get("id")))

    def _scope(self, scope: object) -> bool:
        if scope is None or scope == "unscoped":
            return False
        project = _mapping(scope, "project")
        if "id" not in project and self.dialect is Dialect.OPENSTACK:
            self._require_domain(project)
        if self.project.id != project.get("id") and self.project.name != project.get("name"):
            raise WrongCredentials
        return True

    def _require_domain(self, given: Mapping[str, Any]) -> None:
        domain = _mapping(given, "domain")
        if domain.get("id") != DOMAIN_ID and domain.get("name") != self.project.domain_name:
            raise WrongCredentials

    def _issue(self, user: User, method: str, *, scoped: bool) -> Token:
        now = datetime.now(UTC)
        token = Token(
            id=f"gAAAA{secrets.token_urlsafe(96)}",
            user=user,
            scoped=scoped,
            method=method,
            issued_at=now,
            expires_at=now + self.token_lifetime,
        )
        self._tokens[token.id] = token
        return token


def _mapping(document: object, key: str) -> Mapping[str, Any]:
    part = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(part, Mapping):
        raise Malformed(f"'{key}' is a required property")
    return part
