"""The services' configuration files, filled in from the templates in `etc`."""

import base64
import json
import secrets
from pathlib import Path
from string import Template

from tests.openstack.places import (
    BLOCK_STORAGE,
    BROKER,
    IDENTITY,
    IMAGE,
    SHARE,
    TEMPLATES,
    Places,
)

TOKEN_SECONDS, BRIEF_TOKEN_SECONDS = 3600, 2

URLS = {
    "identity_url": f"http://127.0.0.1:{IDENTITY}",
    "image_url": f"http://127.0.0.1:{IMAGE}",
    "block_storage_url": f"http://127.0.0.1:{BLOCK_STORAGE}",
}


def passwords(places: Places) -> dict[str, str]:
    """Return the users' passwords: made up once, and kept with the data."""
    path = places.data / "passwords.json"
    if not path.exists():
        made = {name: secrets.token_urlsafe(24) for name in ("admin", "service", "demo", "other")}
        _write_secret(path, json.dumps(made))
    read: dict[str, str] = json.loads(path.read_text())
    return read


def write_configuration(places: Places) -> None:
    """Write every file that a service reads."""
    values = {
        **URLS,
        "data": places.data,
        "etc": places.etc,
        "venv": places.venv,
        "socket": places.socket,
        "broker_port": BROKER,
        "image_port": IMAGE,
        "block_storage_port": BLOCK_STORAGE,
        "service_password": passwords(places)["service"],
        "token_seconds": TOKEN_SECONDS,
    }
    for template in TEMPLATES.iterdir():
        text = Template(template.read_text()).substitute(values)
        _write_secret(places.etc / template.name, text)
    brief = Template((TEMPLATES / "keystone.conf").read_text())
    (places.etc / "keystone-brief.conf").write_text(
        brief.substitute(values | {"token_seconds": BRIEF_TOKEN_SECONDS})
    )
    (places.etc / "shares").write_text(f"{SHARE}\n")
    (places.etc / "rabbitmq-plugins").write_text("[].\n")
    # The NFS driver wants this command to exist; its share is there before it would call it.
    mount_nfs = places.data / "bin" / "mount.nfs"
    mount_nfs.write_text("#!/bin/sh\nexit 0\n")
    mount_nfs.chmod(0o755)
    _write_keys(places.data / "fernet")


def _write_keys(folder: Path) -> None:
    """Make what `keystone-manage fernet_setup` would, which takes four seconds to begin."""
    for number in (0, 1):
        key = folder / str(number)
        if not key.exists():
            _write_secret(key, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
