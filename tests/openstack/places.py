"""Where the parts of this OpenStack are: files below one folder, ports on loopback."""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
DEFAULT_FOLDER = CHECKOUT / ".tools" / "openstack"
REQUIREMENTS = CHECKOUT / "requirements" / "openstack.txt"
TEMPLATES = Path(__file__).parent / "etc"

REGION = "RegionOne"
SHARE = "127.0.0.1:/export"
"""What the NFS driver takes for the address of its share."""

IDENTITY, BRIEF_IDENTITY, IMAGE, BLOCK_STORAGE = 5000, 5001, 9292, 8776
"""The ports that the services are known by; on 5001 Keystone issues tokens that hardly last."""

BROKER, EPMD, ERLANG = 35672, 34369, 35673
"""Not those that RabbitMQ is known by: this machine may run another one."""


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files of one OpenStack; everything that it writes is below `folder`."""

    folder: Path

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.folder / "venv"

    @property
    def programs(self) -> Path:
        """The folder of the services' own commands."""
        return self.venv / "bin"

    @property
    def data(self) -> Path:
        """Whatever `down --wipe` removes: all but the virtual environment."""
        return self.folder / "data"

    @property
    def etc(self) -> Path:
        """The configuration files, written anew by each start."""
        return self.data / "etc"

    @property
    def logs(self) -> Path:
        """One log for each service and step."""
        return self.data / "log"

    @property
    def records(self) -> Path:
        """What runs: one file for each service."""
        return self.data / "run"

    @property
    def exported(self) -> Path:
        """The folder behind the share: each volume is one raw file in it."""
        return self.data / "cinder" / "export"

    @property
    def mount_point(self) -> Path:
        """Where the NFS driver looks for the share: it names the folder by the address's MD5."""
        name = hashlib.md5(SHARE.encode(), usedforsecurity=False).hexdigest()
        return self.data / "cinder" / "mnt" / name

    @property
    def socket(self) -> Path:
        """The database's socket. Its path may have 107 characters, so it is not in the folder."""
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"openstack-{name}" / "mariadb.sock"

    @property
    def facts(self) -> Path:
        """What tests need to know: addresses, users, volumes. Holds passwords."""
        return self.data / "facts.json"

    @property
    def clouds_yaml(self) -> Path:
        """The same for OpenStack's own clients."""
        return self.data / "clouds.yaml"

    def log(self, service: str) -> Path:
        """Return where a service's words go, those of all its starts."""
        return self.logs / f"{service}.log"

    def image_file(self, image_id: str) -> Path:
        """Return the file that an image's bytes are written to as they arrive."""
        return self.data / "glance" / "images" / image_id

    def image_files(self) -> Iterable[Path]:
        """Return all such files, also those that Glance no longer knows."""
        return (self.data / "glance" / "images").iterdir()

    def volume_file(self, volume_id: str) -> Path:
        """Return the file that holds a volume's bytes."""
        return self.exported / f"volume-{volume_id}"

    def forget_leftovers(self) -> None:
        """Remove the logs of the last time, and what exports that were cut off left half done."""
        for folder in (self.logs, self.data / "cinder" / "conversion"):
            for file in folder.iterdir():
                file.unlink()

    def prepare(self) -> None:
        """Make the folders."""
        for folder in (
            self.etc,
            self.logs,
            self.records,
            self.exported,
            self.mount_point,
            *(self.data / "glance" / name for name in ("images", "staging", "tasks")),
            *(self.data / "cinder" / name for name in ("conversion", "locks")),
            self.data / "bin",
            self.data / "rabbitmq",
        ):
            folder.mkdir(parents=True, exist_ok=True)
        for secret in (self.data / "fernet", self.socket.parent):
            secret.mkdir(mode=0o700, exist_ok=True)
