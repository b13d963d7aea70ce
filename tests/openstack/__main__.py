"""A real OpenStack on loopback: `up` installs and starts it, `down` stops it."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from tests.openstack.configuration import write_configuration
from tests.openstack.machine import NotPossible, check_machine, install
from tests.openstack.places import DEFAULT_FOLDER, Places
from tests.openstack.processes import is_recorded, stop_all
from tests.openstack.seeding import seed
from tests.openstack.services import check_ports, start_infrastructure, start_openstack


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked for; return the exit code."""
    options = _parser().parse_args(arguments)
    places = Places(options.folder.resolve())
    try:
        if options.command == "up":
            up(places, options.volume_mib)
        else:
            down(places, wipe=options.wipe)
    except NotPossible as error:
        print(f"openstack: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    return 0


def up(places: Places, volume_mib: int) -> None:
    """Bring it up: whatever is done already is not done again."""
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"openstack: {what} after {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201

    check_machine()
    places.prepare()
    check_ports(places)
    if not is_recorded(places):
        places.forget_leftovers()
    install(places)
    tell("installed")
    write_configuration(places)
    start_infrastructure(places)
    tell("databases and broker run")
    start_openstack(places)
    tell("Keystone, Glance and Cinder answer")
    seed(places, volume_mib)
    tell("ready")
    print(f"  export OS_CLIENT_CONFIG_FILE={places.clouds_yaml} OS_CLOUD=openstack-demo")  # noqa: T201
    print(f"  {places.programs}/openstack volume list")  # noqa: T201


def down(places: Places, *, wipe: bool) -> None:
    """Stop what `up` has started; with `wipe`, forget all volumes, images and users too."""
    stopped = stop_all(places)
    print(f"openstack: stopped {stopped} processes")  # noqa: T201
    shutil.rmtree(places.socket.parent, ignore_errors=True)
    if wipe:
        shutil.rmtree(places.data, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help=f"for all of it ({DEFAULT_FOLDER})"
    )
    parser = argparse.ArgumentParser(prog="python3 -m tests.openstack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    upwards = commands.add_parser("up", parents=[where], help="install what is missing, and start")
    upwards.add_argument(
        "--volume-mib", type=int, default=16, help="random bytes in each volume of 1 GiB (16)"
    )
    downwards = commands.add_parser("down", parents=[where], help="stop")
    downwards.add_argument("--wipe", action="store_true", help="remove the data too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
