"""What `sam build` left for Lambda, and the borrowed packages built again for this machine."""

import platform
import re
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from shutil import copytree

ROOT = Path(__file__).parents[2]
FOR_LAMBDA = ROOT / ".aws-sam" / "build"
FOR_HERE = ROOT / ".aws-sam" / "host"
BORROWED = FOR_LAMBDA / "DependenciesLayer" / "python"
BORROWED_HERE = FOR_HERE / "python"
OURS = FOR_LAMBDA / "VolumeImagesLayer" / "python"

PYTHON = Path(sys.executable).resolve()
"""The interpreter itself, without the virtual environment that the tests live in."""

HERE = f"CPython {platform.python_version()} on {platform.machine()}"

RUNTIME_CLIENT = ("awslambdaric", "snapshot-restore-py", "simplejson")
"""What Lambda puts into /var/runtime; boto3 is left out: ours comes with the layer."""

_NATIVE = re.compile(r"\.(cpython-\d+|abi3)[a-z0-9_-]*\.so$")


@dataclass(frozen=True)
class Places:
    """Where the code of a function's process lies; like in Lambda, nothing is written there."""

    opt: Path
    runtime: Path

    @property
    def python_path(self) -> str:
        """Return the layers, then the runtime client, in Lambda's order."""
        return f"{self.opt}:{self.runtime}"


def lay_out(folder: Path) -> Places:
    """Merge the layers as Lambda does below /opt, and put the runtime client beside them."""
    places = Places(opt=folder / "opt" / "python", runtime=folder / "runtime")
    for layer in (BORROWED_HERE, OURS):
        copytree(layer, places.opt, dirs_exist_ok=True)
    places.runtime.mkdir()
    for name in RUNTIME_CLIENT:
        installed = distribution(name)
        files = installed.files or []
        for top in {file.parts[0] for file in files if file.parts[0] != ".."}:
            (places.runtime / top).symlink_to(Path(str(installed.locate_file(top))))
    return places


@dataclass(frozen=True)
class Build:
    """A folder of installed packages; native modules are named without their platform."""

    folder: Path
    files: dict[str, Path] = field(init=False)

    def __post_init__(self) -> None:
        depth = len(self.folder.parts)  # what is below it and hidden is caches of tools
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        named = {
            _NATIVE.sub(".so", str(path.relative_to(self.folder))): path
            for path in paths
            if not any(part.startswith((".", "__pycache__")) for part in path.parts[depth:])
        }
        object.__setattr__(self, "files", named)

    @property
    def native(self) -> set[str]:
        """Return the names of its native modules."""
        return {name for name in self.files if name.endswith(".so")}

    @property
    def versions(self) -> dict[str, str]:
        """Return the version of each package."""
        named = (path.stem.rpartition("-") for path in sorted(self.folder.glob("*.dist-info")))
        return {name: version for name, _, version in named}

    @property
    def size(self) -> int:
        """Return how many bytes it unpacks to."""
        return sum(path.stat().st_size for path in self.files.values())

    def digest(self, name: str) -> str:
        """Return what tells a file's content."""
        return sha256(self.files[name].read_bytes()).hexdigest()
