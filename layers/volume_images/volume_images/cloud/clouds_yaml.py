"""An entry of clouds.yaml in the place of a secret, found where openstacksdk finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from typing_extensions import override

from volume_images.cloud.credentials import (
    ApplicationCredential,
    Domain,
    Password,
    Secret,
    SecretReader,
    checked,
)
from volume_images.errors import CredentialError

LARGEST_BYTES = 64 * 1024
MOST_KEYS = 1_000
"""Of one mapping: far above what anybody writes."""

FILE_NAMES = ("clouds.yaml", "clouds.yml")
APPLICATION_CREDENTIAL = "v3applicationcredential"
OF_THE_ENVIRONMENT = "envvars"
"""What openstacksdk calls the cloud that the variables OS_* describe."""

PASSWORD_TYPES = frozenset({"password", "v3password"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry leads to: a region, and a project by its id or name; empty where not said."""

    region: str = ""
    project: str = ""


def read_clouds_yaml(entry: str, environ: Mapping[str, str]) -> Secret:
    """Read the credentials of `entry`; its `hosts`, a list beside `auth`, is ours alone.

    Raises CredentialError.
    """
    values, source = _entry(entry, environ)
    auth = SecretReader(_mapping(values, "auth", source), f"{source}.auth")
    kind = str(values.get("auth_type", _guessed(auth)))
    hosts = SecretReader(values, source).hosts()
    auth_url = auth.text("auth_url")
    if kind == APPLICATION_CREDENTIAL:
        return checked(
            Secret(
                auth_url=auth_url,
                hosts=hosts,
                login=ApplicationCredential(
                    id=auth.text("application_credential_id"),
                    secret=auth.text("application_credential_secret"),
                ),
            ),
            source,
        )
    if kind in PASSWORD_TYPES:
        login = Password(
            username=auth.text("username"), password=auth.text("password"), domain=_domain(auth)
        )
        return checked(Secret(auth_url=auth_url, hosts=hosts, login=login), source)
    raise CredentialError(
        f"{source}: auth_type must be password, v3password or {APPLICATION_CREDENTIAL}"
    )


def read_place(entry: str, environ: Mapping[str, str]) -> Place:
    """Read where `entry` leads to. Raises CredentialError."""
    values, source = _entry(entry, environ)
    auth = _mapping(values, "auth", source)
    return Place(
        region=_text(values.get("region_name")),
        project=_text(auth.get("project_id")) or _text(auth.get("project_name")),
    )


def has_entry(entry: str, environ: Mapping[str, str]) -> bool:
    """Whether there is such an entry; one in a file that cannot be read is none."""
    try:
        _entry(entry, environ)
    except CredentialError:
        return False
    return True


def _entry(entry: str, environ: Mapping[str, str]) -> tuple[Mapping[str, object], str]:
    """Return an entry and what it is called in messages."""
    if entry == OF_THE_ENVIRONMENT:
        return _from_environment(environ), "the environment (OS_*)"
    path = _find(environ)
    source = f"{path}: clouds.{entry}"
    return _mapping(_mapping(_read(path), "clouds", str(path)), entry, source), source


class _Loader(yaml.SafeLoader):
    """Stops at a mapping that merge keys (`<<`) have made huge: a few lines can say a billion."""

    @override
    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST_KEYS:
            raise yaml.YAMLError


def _read(path: Path) -> object:
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_BYTES + 1)
        if len(body) > LARGEST_BYTES:
            raise CredentialError(f"{path}: larger than {LARGEST_BYTES} bytes: name another file")
        document: object = yaml.load(body, Loader=_Loader)  # noqa: S506 - a SafeLoader # nosec B506
    except (OSError, yaml.YAMLError, RecursionError, ValueError, ArithmeticError):
        # Without the parser's own error: it would quote the file.
        raise CredentialError(f"{path}: cannot be read as YAML") from None
    return document


def _from_environment(environ: Mapping[str, str]) -> Mapping[str, object]:
    """Make an entry of the variables that `openstack` reads, as an `openrc` file sets them.

    OS_HOSTS, with commas, is ours alone, as `hosts` is in the file.
    """
    named: dict[str, object] = {
        name.removeprefix("OS_").lower(): text
        for name, text in environ.items()
        if name.startswith("OS_") and text
    }
    if "auth_url" not in named:
        raise CredentialError("the environment: OS_AUTH_URL is not set: source an openrc file")
    beside: dict[str, object] = {
        key: named[key] for key in ("region_name", "auth_type") if key in named
    }
    hosts = [host.strip() for host in environ.get("OS_HOSTS", "").split(",") if host.strip()]
    return {"auth": named, "hosts": hosts, **beside}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _find(environ: Mapping[str, str]) -> Path:
    named = environ.get("OS_CLIENT_CONFIG_FILE")
    config_home = environ.get("XDG_CONFIG_HOME") or "~/.config"
    home = environ.get("HOME", "")
    folders = [
        Path(),
        Path(config_home.replace("~", home, 1)) / "openstack",
        Path("/etc/openstack"),
    ]
    candidates = [Path(named)] if named else []
    candidates += [folder / name for folder in folders for name in FILE_NAMES]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise CredentialError(f"clouds.yaml: none found; looked at {looked}")


def _mapping(document: object, key: str, source: str) -> Mapping[str, object]:
    value = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(value, Mapping):
        raise CredentialError(f"{source}: has no mapping {key}")
    return value


def _guessed(auth: SecretReader) -> str:
    has_credential = "application_credential_id" in auth.values
    return APPLICATION_CREDENTIAL if has_credential else "password"


def _domain(auth: SecretReader) -> Domain:
    for prefix in ("user_domain", "domain", "project_domain"):
        if f"{prefix}_id" in auth.values:
            return Domain(id=auth.text(f"{prefix}_id"))
        if f"{prefix}_name" in auth.values:
            return Domain(name=auth.text(f"{prefix}_name"))
    return Domain(id="default")
