"""An entry of clouds.yaml in the place of a secret, found where openstacksdk finds it."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from volume_images.cloud.credentials import (
    ApplicationCredential,
    Domain,
    Password,
    Secret,
    SecretReader,
    checked,
)
from volume_images.errors import CredentialError

FILE_NAMES = ("clouds.yaml", "clouds.yml")
APPLICATION_CREDENTIAL = "v3applicationcredential"
PASSWORD_TYPES = frozenset({"password", "v3password"})


def read_clouds_yaml(entry: str, environ: Mapping[str, str]) -> Secret:
    """Read the credentials of `entry`; its `hosts`, a list beside `auth`, is ours alone.

    Raises CredentialError.
    """
    path = _find(environ)
    try:
        document = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError, RecursionError):
        # Without the parser's own error: it would quote the file.
        raise CredentialError(f"{path}: cannot be read as YAML") from None
    source = f"{path}: clouds.{entry}"
    values = _mapping(_mapping(document, "clouds", str(path)), entry, source)
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
