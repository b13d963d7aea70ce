"""The services: MariaDB, RabbitMQ, Keystone twice, Glance, and the three of Cinder."""

import http.client
import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from tests.openstack.configuration import URLS, passwords
from tests.openstack.machine import RABBITMQ, NotPossible, run
from tests.openstack.places import (
    BLOCK_STORAGE,
    BRIEF_IDENTITY,
    BROKER,
    EPMD,
    ERLANG,
    IDENTITY,
    IMAGE,
    REGION,
    Places,
)
from tests.openstack.processes import Service, is_recorded, start, wait_for

IN_A_MOUNT_NAMESPACE = (
    *("unshare", "--mount", "--propagation", "private"),
    *("sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"),
)
"""Runs a command with one folder mounted at another, which nobody else sees and nobody has to
unmount. Where the share is mounted already, the NFS driver does not mount it."""


def check_ports(places: Places) -> None:
    """Raise NotPossible if something else listens where we shall; unless we run already."""
    if is_recorded(places):
        return
    ports = (IDENTITY, BRIEF_IDENTITY, IMAGE, BLOCK_STORAGE, BROKER, EPMD, ERLANG)
    taken = [str(port) for port in ports if _listens(port)]
    if taken:
        raise NotPossible(
            f"something listens on 127.0.0.1:{', '.join(taken)} already: stop it, or the"
            " OpenStack of another checkout"
        )


def start_infrastructure(places: Places) -> None:
    """Start database and broker, with the databases that the services need."""
    database, epmd, broker = _database(places), _epmd(places), _broker(places)
    if not (places.data / "mariadb" / "mysql").exists():
        run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={places.data / 'mariadb'}",
                "--user=root",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            places.logs / "mariadb-install.log",
        )
    for service in (database, epmd, broker):
        start(service, places)
    wait_for(database, places)
    _prepare_databases(places)
    wait_for(broker, places)


def start_openstack(places: Places) -> None:
    """Start OpenStack's own services, and wait until their APIs answer."""
    start_again(places, *(service.name for service in _openstack(places)))


def start_again(places: Places, *names: str) -> None:
    """Start those of OpenStack's services that do not run, and wait until they answer."""
    services = [service for service in _openstack(places) if service.name in names]
    for service in services:
        start(service, places)
    for service in services:
        wait_for(service, places)


def _openstack(places: Places) -> tuple[Service, ...]:
    return (
        _keystone(places, "keystone", IDENTITY),
        _keystone(places, "keystone-brief", BRIEF_IDENTITY),
        _glance(places),
        *(_cinder(places, part) for part in ("api", "scheduler", "volume")),
    )


def _database(places: Places) -> Service:
    command = (
        "mariadbd",
        "--no-defaults",
        "--user=root",
        f"--datadir={places.data / 'mariadb'}",
        f"--socket={places.socket}",
        f"--pid-file={places.data / 'mariadb.pid'}",
        "--skip-networking",
        "--max-connections=500",
        # Nothing here has to survive a crash of the machine.
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
    )
    return Service("mariadb", command, lambda: _sql(places, "select 1"), _environment(places))


def _epmd(places: Places) -> Service:
    command = ("epmd", "-address", "127.0.0.1", "-port", str(EPMD))
    return Service("epmd", command, lambda: _listens(EPMD), _environment(places))


def _broker(places: Places) -> Service:
    folder = places.data / "rabbitmq"
    environment = {
        **_environment(places),
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(EPMD),
        "RABBITMQ_NODENAME": "openstack@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(BROKER),
        "RABBITMQ_DIST_PORT": str(ERLANG),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(places.logs),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(places.etc / "rabbitmq-plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }
    return Service("rabbitmq", (RABBITMQ,), lambda: _listens(BROKER), environment)


def _keystone(places: Places, name: str, port: int) -> Service:
    environment = {
        **_environment(places),
        "OS_KEYSTONE_CONFIG_DIR": str(places.etc),
        "OS_KEYSTONE_CONFIG_FILES": f"{name}.conf",
        "KEYSTONE_LISTEN": f"127.0.0.1:{port}",
    }
    # Without arguments: Keystone would read them as its own.
    return Service(name, (places.programs / "gunicorn",), _answers(port), environment)


def _glance(places: Places) -> Service:
    command = (places.programs / "glance-api", "--config-file", places.etc / "glance-api.conf")
    return Service("glance-api", command, _answers(IMAGE), _environment(places))


def _cinder(places: Places, part: str) -> Service:
    name = f"cinder-{part}"
    # What the scheduler and the volume service are ready for shows in Cinder's own answers.
    ready = _answers(BLOCK_STORAGE) if part == "api" else lambda: True
    mounted = (*IN_A_MOUNT_NAMESPACE, str(places.exported), str(places.mount_point))
    command = (
        *(mounted if part == "volume" else ()),
        str(places.programs / name),
        *("--config-file", str(places.etc / "cinder.conf")),
    )
    return Service(name, command, ready, _environment(places))


def _prepare_databases(places: Places) -> None:
    """Make the three services' databases, side by side: most of it is each one's start."""
    with ThreadPoolExecutor() as pool:
        for done in [
            pool.submit(_once, places, "keystone", lambda: _prepare_keystone(places)),
            pool.submit(_once, places, "glance", lambda: _manage(places, "glance", "db_sync")),
            pool.submit(_once, places, "cinder", lambda: _manage(places, "cinder", "db", "sync")),
        ]:
            done.result()


def _once(places: Places, name: str, prepare: Callable[[], None]) -> None:
    prepared = places.data / f"{name}.prepared"
    if not prepared.exists():
        _sql(places, f"create database if not exists {name} character set utf8mb3")
        prepare()
        prepared.touch()


def _prepare_keystone(places: Places) -> None:
    _manage(places, "keystone", "db_sync")
    url = f"{URLS['identity_url']}/v3"
    _manage(
        places,
        "keystone",
        "bootstrap",
        *("--bootstrap-region-id", REGION),
        *("--bootstrap-public-url", url),
        # Its middleware looks for the internal endpoint, and fails without.
        *("--bootstrap-internal-url", url),
    )


def _manage(places: Places, service: str, *arguments: str) -> None:
    config = "glance-api" if service == "glance" else service
    program, file = places.programs / f"{service}-manage", places.etc / f"{config}.conf"
    run(
        [str(program), "--config-file", str(file), *arguments],
        places.logs / f"{service}-manage.log",
        {**_environment(places), "OS_BOOTSTRAP_PASSWORD": passwords(places)["admin"]},
    )


def _environment(places: Places) -> Mapping[str, str]:
    path = f"{places.data / 'bin'}:{places.programs}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(places.data), "LANG": "C.UTF-8", "PYTHONWARNINGS": "ignore"}


def _sql(places: Places, statement: str) -> bool:
    socket_path = str(places.socket)
    command = ["mariadb", "--no-defaults", "-u", "root", "-S", socket_path, "-e", statement]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _answers(port: int) -> Callable[[], bool]:
    def answers() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    return answers


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
