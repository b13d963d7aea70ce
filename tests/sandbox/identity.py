"""Who may call the sandbox's cloud: users, application credentials, tokens."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from weakref import WeakSet

from tests.sandbox.answers import gateway_error
from tests.sandbox.signatures import AccessKey, BadSignature, Gatekeeper
from tests.sandbox.wire import Request
from volume_images.dialect import Dialect

DOMAIN_ID = "default"
OPERATORS_DOMAIN = "acme-operations"
"""The account of the user to whom the others are delegated, by an agency each."""
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


class WithoutAuth(Malformed):
    """It does not even hold `auth`, which is looked for before the schema is."""


class NotDelegated(Exception):
    """The asking user is no Agent Operator, or nothing is delegated to it under this name."""


class ScopeForbidden(Exception):
    """An application credential is bound to its project and takes no scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user with a password, one application credential, and an access key."""

    id: str
    name: str
    domain_name: str
    password: str
    credential_id: str
    credential_secret: str
    access_key: AccessKey
    admin: bool = False

    @property
    def agency_name(self) -> str:
        """The agency by which the operator may act as this user."""
        return f"{self.name}-agency"


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


def _user(name: str, domain_name: str, *, admin: bool = False) -> User:
    return User(
        id=uuid.uuid5(uuid.NAMESPACE_DNS, name).hex,
        name=name,
        domain_name=domain_name,
        password=secrets.token_urlsafe(18),
        credential_id=uuid.uuid4().hex,
        credential_secret=secrets.token_urlsafe(32),
        access_key=AccessKey.permanent(),
        admin=admin,
    )


class Identity:
    """The users of one project, and the tokens they hold. Token lifetimes are real time.

    `known` are all of them that are in use: their secrets must not show up anywhere.
    """

    known: ClassVar["WeakSet[Identity]"] = WeakSet()

    def __init__(self, dialect: Dialect, project: Project) -> None:
        self.known.add(self)
        self.dialect = dialect
        self.project = project
        domain = project.domain_name
        self.users = {
            "export": _user("exporter", domain),
            "cleanup": _user("cleaner", domain),
            "restore": _user("restorer", domain, admin=True),
        }
        self.operator = _user("operator", OPERATORS_DOMAIN)
        self.gatekeeper = Gatekeeper()
        self._signers: dict[str, User] = {}
        for user in self.users.values():
            self._hand_out(user.access_key, user)
        self.token_lifetime = TOKEN_LIFETIME
        self._tokens: dict[str, Token] = {}

    def secrets(self) -> set[str]:
        """Return everything that opens this cloud, tokens included."""
        users = (*self.users.values(), self.operator)
        keys = self.gatekeeper.keys.values()
        hidden = {secret for user in users for secret in (user.password, user.credential_secret)}
        hidden |= {secret for key in keys for secret in (key.secret, key.security_token) if secret}
        return hidden | set(self._tokens)

    def temporary_key(self, role: str, lifetime: timedelta) -> AccessKey:
        """Hand out another access key of a role, with an end."""
        key = AccessKey.temporary(lifetime)
        self._hand_out(key, self.users[role])
        return key

    def authenticate(self, body: object, asker: str = "") -> Token:
        """Issue a token for the body of `POST /v3/auth/tokens`; `asker` is its X-Auth-Token.

        Raises Malformed, WrongCredentials, UnknownCredential, NotDelegated or ScopeForbidden.
        """
        if not isinstance(body, Mapping) or not body.get("auth"):
            raise WithoutAuth
        auth = _mapping(body, "auth")
        identity = _mapping(auth, "identity")
        scope = auth.get("scope")
        match identity.get("methods"):
            case ["password"]:
                user = self._by_password(_mapping(_mapping(identity, "password"), "user"))
                return self._issue(user, "password", scoped=self._scope(scope, user))
            case ["assume_role"] if self.dialect is Dialect.HUAWEI:
                user = self._by_agency(_mapping(identity, "assume_role"), asker)
                return self._issue(user, "assume_role", scoped=self._scope(scope, user))
            case ["application_credential"]:
                user = self._by_credential(_mapping(identity, "application_credential"))
                if scope is not None:
                    raise ScopeForbidden
                return self._issue(user, "application_credential", scoped=True)
            case _:
                raise Malformed("'methods' is a required property")

    def holder(self, request: Request) -> Token:
        """Return the token of a request, or what its signature stands for.

        Raises Unauthenticated, or the gateway's Refusal of a bad signature.
        """
        if self.dialect is Dialect.HUAWEI and request.header("Authorization"):
            return self._signer(request)
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

    def expire_all(self) -> None:
        """Let every token that was issued end now."""
        for text, token in self._tokens.items():
            self._tokens[text] = replace(token, expires_at=datetime.now(UTC))

    def _hand_out(self, key: AccessKey, user: User) -> None:
        self.gatekeeper.keys[key.id] = key
        self._signers[key.id] = user

    def _signer(self, request: Request) -> Token:
        try:
            key = self.gatekeeper.check(request)
        except BadSignature as error:
            message = f"Incorrect IAM authentication information: {error}"
            raise gateway_error(401, error.code, message) from error
        now = datetime.now(UTC)
        return Token(
            id="",
            user=self._signers[key.id],
            scoped=request.header("X-Project-Id") == self.project.id,
            method="hw_access_key",
            issued_at=now,
            expires_at=key.expires_at or now,
        )

    def _by_password(self, given: Mapping[str, Any]) -> User:
        for user in (*self.users.values(), self.operator):
            named = given.get("id") == user.id or given.get("name") == user.name
            if named and given.get("password") == user.password:
                if "id" not in given:
                    self._require_domain(given, user.domain_name)
                return user
        raise WrongCredentials

    def _by_agency(self, given: Mapping[str, Any], asker: str) -> User:
        try:
            operator = self.validate(asker).user
        except Unauthenticated as error:
            raise WrongCredentials from error
        for user in self.users.values():
            named = given.get("agency_name") == user.agency_name
            if named and given.get("domain_name") == user.domain_name and operator == self.operator:
                return user
        raise NotDelegated

    def _by_credential(self, given: Mapping[str, Any]) -> User:
        for user in self.users.values():
            if given.get("id") == user.credential_id:
                if given.get("secret") == user.credential_secret:
                    return user
                raise WrongCredentials
        raise UnknownCredential(str(given.get("id")))

    def _scope(self, scope: object, user: User) -> bool:
        if scope is None or scope == "unscoped":
            return False
        if isinstance(scope, Mapping) and "domain" in scope:
            self._require_domain(scope, user.domain_name)
            return False
        project = _mapping(scope, "project")
        if "id" not in project and self.dialect is Dialect.OPENSTACK:
            self._require_domain(project, self.project.domain_name)
        if user.domain_name != self.project.domain_name:
            raise WrongCredentials
        if self.project.id != project.get("id") and self.project.name != project.get("name"):
            raise WrongCredentials
        return True

    def _require_domain(self, given: Mapping[str, Any], name: str) -> None:
        domain = _mapping(given, "domain")
        by_id = domain.get("id") == DOMAIN_ID and name == self.project.domain_name
        if not by_id and domain.get("name") != name:
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
