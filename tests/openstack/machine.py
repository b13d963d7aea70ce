"""What must be on the machine: packages of Debian, and a virtual environment with OpenStack."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.openstack.places import REQUIREMENTS, Places

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's own wrapper in /usr/sbin would change the user, and keep its data elsewhere."""

PACKAGES = {
    "qemu-img": "qemu-utils",
    RABBITMQ: "rabbitmq-server",
    "mariadbd": "mariadb-server",
    "epmd": "erlang-base",
}
POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian's hook that says whether a package may start its service: 101 is no."""


class NotPossible(Exception):
    """It cannot go on; the message says what to do."""


def check_machine() -> None:
    """Raise NotPossible on a machine that this cannot work on."""
    if os.geteuid() != 0:
        raise NotPossible("run it as root: it mounts a folder and installs packages")
    if sys.version_info[:2] != (3, 11):
        raise NotPossible(f"{sys.executable} must be Python 3.11: the pins are compiled for it")


def install(places: Places) -> None:
    """Install what is missing."""
    _install_packages(places)
    if not (places.venv / ".ready").exists():
        _install_openstack(places)


def run(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a step; its output goes to a log. Raises NotPossible with the log's last lines."""
    with log.open("ab") as output:
        ended = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False)
    if ended.returncode:
        raise NotPossible(
            f"{Path(command[0]).name} ended with status {ended.returncode}:\n{last_lines(log)}"
        )


def last_lines(log: Path, count: int = 15, without: str = "\n") -> str:
    """Return the end of a log, less what is said in some lines, and where the rest of it is."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    lines = [line for line in lines if without not in line]
    return "\n".join([*(f"    {line}" for line in lines[-count:]), f"  (all of it: {log})"])


def _install_packages(places: Places) -> None:
    missing = [package for command, package in PACKAGES.items() if not shutil.which(command)]
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian keeps it in a package of its own
    except ImportError:
        missing.append("python3-venv")
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise NotPossible(f"install {' '.join(missing)}: there is no apt-get to do it with")
    kept_from_starting = not POLICY.exists()
    if kept_from_starting:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    log = places.logs / "apt.log"
    try:
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run(["apt-get", "update", "-q"], log)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], log)
    finally:
        if kept_from_starting:
            POLICY.unlink()


def _install_openstack(places: Places) -> None:
    shutil.rmtree(places.venv, ignore_errors=True)
    log = places.logs / "install.log"
    python = places.programs / "python"
    run([sys.executable, "-m", "venv", places.venv], log)
    # pip takes two minutes for what uv, which is one of the pins, does in twenty seconds.
    pin = places.data / "uv.txt"
    pin.write_text(_pin_of("uv"))
    checked = ["--quiet", "--require-hashes", "--no-deps", "--requirement"]
    run([python, "-m", "pip", "install", *checked, pin], log)
    uv = [str(places.programs / "uv"), "pip", "install", "--compile-bytecode", "--python"]
    run([*uv, str(python), *checked, str(REQUIREMENTS)], log)
    (places.venv / ".ready").touch()


def _pin_of(package: str) -> str:
    """Cut one package with its hashes out of the pins."""
    found = re.search(rf"(?m)^{package}==(?:.*\\\n)*.*\n", REQUIREMENTS.read_text())
    if found is None:
        raise NotPossible(f"{REQUIREMENTS}: has no pin of {package}")
    return found[0]
