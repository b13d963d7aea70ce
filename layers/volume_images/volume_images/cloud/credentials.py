"""The secret of a cloud: JSON of a few shapes, read once and never shown."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from volume_images.cloud.hosts import AllowedHosts, host_name, is_host_name
from volume_images.errors import CredentialError

# Keystone and IAM write project ids so.
_PROJECT_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An account of the cloud; secrets give its name, clouds.yaml its name or its id."""

    name: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """What another account lets ours do in its place: IAM's agency, assumed with our token."""

    name: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """A user of a domain, with a password; perhaps one who acts through an agency."""

    username: str
    password: str = field(repr=False)
    domain: Domain
    agency: Agency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCredential:
    """A Keystone application credential: its project is fixed."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key of Huawei Cloud's IAM; a temporary one comes with a security token.

    `domain_id` (the account's) goes with requests to IAM itself, where the cloud asks for it.
    """

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    domain_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What a cloud is opened with, and the hosts that may see it."""

    auth_url: str
    hosts: tuple[str, ...] = ()
    login: Password | ApplicationCredential | AccessKey

    @property
    def allowed_hosts(self) -> AllowedHosts:
        """The hosts that this secret, and every token bought with it, may be sent to."""
        return AllowedHosts.of(self.auth_url, self.hosts)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The strings that must not show up anywhere."""
        match self.login:
            case Password(password=password):
                return (password,)
            case ApplicationCredential(secret=secret):
                return (secret,)
            case AccessKey(secret_key=secret_key, security_token=security_token):
                return (secret_key, *([security_token] if security_token else []))
            case _:
                assert_never(self.login)


KINDS: Mapping[str, tuple[str, ...]] = {
    "password": ("username", "password", "domain"),
    "application_credential": ("application_credential_id", "application_credential_secret"),
    "access_key": ("access_key", "secret_key"),
}
_SHAPES = "; or ".join(", ".join(keys) for keys in KINDS.values())


def parse_secret(text: str, source: str) -> Secret:
    """Read a secret; `source` is its name, for messages, which never hold its values.

    Raises CredentialError, and HostNotAllowed when `auth_url` is no address to send a secret to.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        # Without the parser's own error: it would quote the secret.
        raise CredentialError(f"secret {source}: must be a JSON object") from None
    reader = SecretReader(document, f"secret {source}")
    login = _login(_kind(document, source), reader)
    secret = Secret(auth_url=reader.text("auth_url"), hosts=reader.hosts(), login=login)
    return checked(secret, f"secret {source}")


def _login(kind: str, reader: "SecretReader") -> Password | ApplicationCredential | AccessKey:
    if kind == "password":
        return Password(
            username=reader.text("username"),
            password=reader.text("password"),
            domain=Domain(name=reader.text("domain")),
            agency=_agency(reader),
        )
    if kind == "application_credential":
        return ApplicationCredential(
            id=reader.text("application_credential_id"),
            secret=reader.text("application_credential_secret"),
        )
    return AccessKey(
        access_key=reader.text("access_key"),
        secret_key=reader.text("secret_key"),
        security_token=reader.optional_text("security_token"),
        domain_id=reader.optional_text("domain_id"),
    )


def _agency(reader: "SecretReader") -> Agency | None:
    if "agency" not in reader.values:
        return None
    inner = reader.values["agency"]
    if not isinstance(inner, dict):
        raise CredentialError(f"{reader.source}: agency must be an object with name and domain")
    agency = SecretReader(inner, f"{reader.source}: agency")
    return Agency(name=agency.text("name"), domain=agency.text("domain"))


def is_project_id(text: str) -> bool:
    """Whether a project is named by its id; every other word is a name."""
    return bool(_PROJECT_ID.fullmatch(text))


def checked(secret: Secret, source: str) -> Secret:
    """Return the secret if its own address is one that it may be sent to."""
    if not host_name(secret.auth_url):
        raise CredentialError(f"{source}: auth_url must be an address like https://HOST/v3")
    secret.allowed_hosts.check(secret.auth_url)
    return secret


def _kind(document: Mapping[str, object], source: str) -> str:
    found = [kind for kind, keys in KINDS.items() if any(key in document for key in keys)]
    if len(found) != 1:
        which = " and ".join(found) if found else "none"
        raise CredentialError(
            f"secret {source}: must hold auth_url and exactly one of: {_SHAPES} (found: {which})"
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class SecretReader:
    """Reads strings out of a secret; messages name the key and never the value."""

    values: Mapping[str, object] = field(repr=False)
    source: str

    def text(self, key: str) -> str:
        """Read a string that must be there."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value or not value.isprintable():
            raise CredentialError(f"{self.source}: {key} must be a string, and not empty")
        return value

    def optional_text(self, key: str) -> str | None:
        """Read a string that may be left out."""
        return self.text(key) if key in self.values else None

    def hosts(self) -> tuple[str, ...]:
        """Read `hosts`: bare host names."""
        value = self.values.get("hosts", [])
        names = value if isinstance(value, list) else [None]
        hosts = tuple(str(name).lower() for name in names)
        if None in names or not all(is_host_name(host) for host in hosts):
            raise CredentialError(
                f"{self.source}: hosts must be a list of host names, without scheme, port or path"
            )
        return hosts
