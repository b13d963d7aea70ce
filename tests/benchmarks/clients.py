"""One client in a process of its own: so many exports, so many at once; it says what that took.

`raw` is the floor: asyncio sockets that write bytes and read a length. `session` is requests as
its documentation shows it. `ours` is the product's client of a cloud, `run` a whole export run.
Imports are not measured here.
"""

import argparse
import asyncio
import itertools
import json
import resource
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.benchmarks.names import ACTION, REGION, project_id, volume_id
from tests.benchmarks.peak import peak_bytes
from volume_images.clock import SystemClock
from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.cloud.wire import tls_context
from volume_images.config.schema import Config
from volume_images.export.run import export_run
from volume_images.model import ExportRequest, Tick
from volume_images.protocols import World
from volume_images.stopwatch import RunLimits
from volume_images.storage.folder import ConfigFile, FolderStore

PROJECT = "benchmark"
UNLIMITED = 1_000_000


def wanted(count: int) -> Iterator[tuple[str, str]]:
    """Yield volumes, and the names of their images."""
    project = project_id(PROJECT)
    for index in range(count):
        one = volume_id(project, index)
        yield one, f"bench_daily_db_{one}_20260302T020000Z"


def action(image_name: str) -> dict[str, object]:
    """Return the body of an export."""
    options = {
        "image_name": image_name,
        "force": False,
        "container_format": "bare",
        "disk_format": "qcow2",
    }
    return {ACTION: options}


def login(secret: dict[str, str]) -> dict[str, Any]:
    """Return the body of a token call."""
    user = {
        "name": secret["username"],
        "password": secret["password"],
        "domain": {"name": secret["domain"]},
    }
    return {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": PROJECT, "domain": {"name": secret["domain"]}}},
        }
    }


def raw(options: argparse.Namespace, secret: dict[str, str]) -> int:
    return asyncio.run(_raw(options, secret))


async def _raw(options: argparse.Namespace, secret: dict[str, str]) -> int:
    tls = ssl.create_default_context(cafile=options.ca)
    url = urlsplit(secret["auth_url"])
    body = json.dumps(login(secret))
    head, _ = await _asked(
        await asyncio.open_connection(url.hostname, url.port, ssl=tls),
        f"POST {url.path}/auth/tokens",
        "",
        body,
    )
    token = next(
        line.split(b": ", 1)[1].decode()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"x-subject-token")
    )
    todo = wanted(options.volumes)
    done = 0

    async def work() -> None:
        nonlocal done
        connection = await asyncio.open_connection(url.hostname, url.port, ssl=tls)
        for one, name in todo:
            path = f"/volume/v3/{project_id(PROJECT)}/volumes/{one}/action"
            head, _ = await _asked(connection, f"POST {path}", token, json.dumps(action(name)))
            done += head.startswith(b"HTTP/1.1 202")
        connection[1].close()

    await asyncio.gather(*(work() for _ in range(options.at_once)))
    return done


async def _asked(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], line: str, token: str, body: str
) -> tuple[bytes, bytes]:
    reader, writer = connection
    writer.write(
        f"{line} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"X-Auth-Token: {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, await reader.readexactly(length)


def session(options: argparse.Namespace, secret: dict[str, str]) -> int:
    http = requests.Session()
    http.verify = options.ca
    answer = http.post(f"{secret['auth_url']}/auth/tokens", json=login(secret))
    http.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
    base = secret["auth_url"].removesuffix("/identity/v3")

    def export(one: tuple[str, str]) -> bool:
        url = f"{base}/volume/v3/{project_id(PROJECT)}/volumes/{one[0]}/action"
        answer = http.post(url, json=action(one[1]))
        return bool(answer.status_code == requests.codes.accepted)

    with ThreadPoolExecutor(options.at_once) as pool:
        return sum(pool.map(export, wanted(options.volumes)))


def config(at_once: int, volumes: int, a_second: float = UNLIMITED) -> Config:
    """Return the config of a run that starts all of its volumes at once."""
    document = {
        "version": 1,
        "prefix": "bench",
        "clouds": {
            "bench": {
                "dialect": "openstack",
                "region": REGION,
                "project": PROJECT,
                "max_in_flight": volumes,
                "max_concurrency": at_once,
                "requests_per_second": a_second,
                "export_minutes": 1,
            }
        },
        "policies": {
            "daily": {
                "select": {"backup": "daily"},
                "schedule": "0 * * * *",
                "retention": {"keep_last": 3},
            }
        },
        "discover": [{"cloud": "bench", "tags": {"backup": ["daily"]}}],
    }
    return Config.model_validate(document)


def opened(options: argparse.Namespace, secret: dict[str, str]) -> OpenedCloud:
    return open_cloud(
        config(options.at_once, options.volumes, options.a_second).clouds["bench"],
        parse_secret(json.dumps(secret), "benchmark"),
        clock=SystemClock(),
        tls=tls_context(options.own_ca),
    )


def ours(options: argparse.Namespace, secret: dict[str, str]) -> int:
    cloud = opened(options, secret)
    todo = wanted(options.volumes)
    turn = Lock()

    def work(_: int) -> int:
        done = 0
        while True:
            with turn:
                one = next(todo, None)
            if one is None:
                return done
            cloud.volumes.export(export_of(*one))
            done += 1

    with ThreadPoolExecutor(options.at_once) as pool:
        return sum(pool.map(work, range(options.at_once)))


def export_of(volume: str, image_name: str) -> ExportRequest:
    return ExportRequest(
        volume_id=volume,
        image_name=image_name,
        disk_format="qcow2",
        container_format="bare",
        force=False,
        os_type=None,
    )


def run(options: argparse.Namespace, secret: dict[str, str]) -> int:
    with TemporaryDirectory() as folder:
        world = World(
            run_id="benchmark",
            config=config(options.at_once, options.volumes),
            config_version="1",
            config_fault="",
            store=FolderStore(Path(folder), ConfigFile(Path(folder) / "config.yaml")),
            clock=SystemClock(),
            open_cloud=lambda _name, _refused="": opened(options, secret),
            deployment_id="0123456789ab",
            minimum_grace=config(1, 1).grace,
        )
        report = export_run(world, Tick(), limits=RunLimits(act=480, end=520))
    return report.counts["started"]


def counted_contexts() -> Callable[[], int]:
    """Count the TLS contexts that are made from now on: each parses a bundle."""
    made = itertools.count()
    new = ssl.SSLContext.__new__

    def counting(*arguments: Any, **options: Any) -> ssl.SSLContext:  # noqa: ANN401 - ssl's own
        next(made)
        made_now: ssl.SSLContext = new(*arguments, **options)
        return made_now

    ssl.SSLContext.__new__ = counting  # type: ignore[assignment, method-assign]
    return lambda: next(made)


CLIENTS: dict[str, Callable[[argparse.Namespace, dict[str, str]], int]] = {
    "raw": raw,
    "session": session,
    "ours": ours,
    "run": run,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--volumes", type=int, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--a-second", type=float, default=UNLIMITED, help="ours sends no more")
    parser.add_argument("--ca", required=True, help="a bundle of all authorities")
    parser.add_argument("--own-ca", required=True, help="the one that is not public")
    options = parser.parse_args()
    secret = json.loads(sys.stdin.read())
    contexts = counted_contexts()
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    done = CLIENTS[options.client](options, secret)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    took = {
        "done": done,
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mib": peak_bytes() / 2**20,
        "tls_contexts": contexts(),
    }
    sys.stdout.write(json.dumps(took))
    return 0 if done == options.volumes else 1


if __name__ == "__main__":
    sys.exit(main())
