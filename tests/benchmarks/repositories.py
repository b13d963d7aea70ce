"""Repositories of restic and borg with long histories, which no backup has to be made for.

A backup for each of 10,000 snapshots would take an hour. restic's snapshots are small files, sealed
with the repository's key ("Repository Format" of restic's design document), so that they are
written here; borg's archives are written by its own Python package.
"""

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from tests.benchmarks.names import history

RESTIC = "/usr/bin/restic"
BORG = "/usr/bin/borg"
BORG_PYTHON = "/usr/bin/python3"
BORG_HISTORY = Path(__file__).with_name("borg_history.py")


@dataclass(frozen=True, slots=True)
class Repository:
    """One that its program finds by its environment."""

    program: str
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Run the program; return what it prints."""
        ran = subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return ran.stdout


def group(number: int) -> str:
    """Return the name of a group: a host of restic, a prefix of borg."""
    return f"volume-{number}"


def restic_repository(folder: Path, groups: int, each: int) -> Repository:
    """Make one with so many snapshots of each host."""
    place = folder / "restic"
    environment = {
        **_environment(folder),
        "RESTIC_REPOSITORY": str(place),
        "RESTIC_PASSWORD": "benchmark",
    }
    repository = Repository(RESTIC, environment)
    repository.run("init", "--quiet")
    repository.run("backup", "--quiet", str(_file(folder)))
    (made,) = json.loads(repository.run("snapshots", "--json"))
    document = json.loads(repository.run("cat", "snapshot", made["id"]))
    sealed = _sealing(json.loads(repository.run("cat", "masterkey")))
    snapshots = place / "snapshots"
    (snapshots / made["id"]).unlink()
    for number in range(groups):
        for slot in history(each):
            facts = {**document, "hostname": group(number), "time": slot.isoformat()}
            content = sealed(json.dumps(facts).encode())
            (snapshots / sha256(content).hexdigest()).write_bytes(content)
    return repository


def borg_repository(folder: Path, groups: int, each: int) -> Repository:
    """Make one with so many archives of each prefix."""
    environment = {
        **_environment(folder),
        "BORG_REPO": str(folder / "borg"),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    }
    repository = Repository(BORG, environment)
    repository.run("init", "--encryption", "none")
    repository.run("create", "::made", str(_file(folder)))
    archives = [
        [f"{group(number)}_{slot:%Y%m%dT%H%M%SZ}", slot.isoformat()]
        for number in range(groups)
        for slot in history(each)
    ]
    subprocess.run(
        [BORG_PYTHON, BORG_HISTORY],
        env=environment,
        input=json.dumps(archives),
        text=True,
        check=True,
    )
    return repository


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TZ": "UTC"}


def _file(folder: Path) -> Path:
    file = folder / "file"
    file.write_text("the same each time")
    return file


def _sealing(key: Mapping[str, object]) -> Callable[[bytes], bytes]:
    """Return what encrypts by AES-256 in counter mode and signs by Poly1305-AES."""
    mac = key["mac"]
    assert isinstance(mac, dict)
    encrypting = b64decode(str(key["encrypt"]))
    signing, masked = b64decode(mac["k"]), b64decode(mac["r"])

    def sealed(text: bytes) -> bytes:
        nonce = os.urandom(16)
        hidden = Cipher(algorithms.AES(encrypting), modes.CTR(nonce)).encryptor().update(text)
        once = Cipher(algorithms.AES(signing), modes.ECB()).encryptor().update(nonce)  # noqa: S305
        return nonce + hidden + Poly1305.generate_tag(masked + once, hidden)

    return sealed
