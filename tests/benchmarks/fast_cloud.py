"""A cloud fast enough not to be what is measured: asyncio, TLS, in a process of its own.

    with FastCloud(volumes=1000, latency=0.15) as cloud: ...

It speaks as much of Keystone, Cinder and Glance as an export needs; images are active at once.
Every project name is a project, with volumes of its own. What it was asked for, over how many
connections, and what that cost, is read with `counts`.
"""

import argparse
import asyncio
import json
import resource
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.benchmarks.names import REGION, project_id, volume_id
from tests.benchmarks.trust import write_trust

PAGE = 1000
GIB = 2**30
TOKEN_SIZE = 1800
TOKEN_LIFE = timedelta(hours=24)
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(slots=True)
class Service:
    """What the cloud holds, and what it was asked for."""

    url: str
    volumes: int
    calls: Counter[str] = field(default_factory=Counter)
    images: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def answer(  # noqa: C901, PLR0911 - a list of routes reads best as one
        self, method: str, target: str, token: str, body: bytes
    ) -> tuple[int, object]:
        """Return status and document; the document of a new token is its text as well."""
        url = urlsplit(target)
        parts = url.path.strip("/").split("/")
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        project = token[-32:]
        match method, parts:
            case "POST", [*_, "auth", "tokens"]:
                return 201, self._token(json.loads(body))
            case "GET", ["identity", *_]:
                return 200, {"version": self._version("v3.14", f"{self.url}/identity/v3/")}
            case "GET", ["volume", "v3", _, "volumes", "detail"]:
                return 200, self._volumes(project, query)
            case "GET", ["volume", "v3", _, "volumes", one]:
                self.calls["get volume"] += 1
                return 200, {"volume": _volume(one, one)}
            case "POST", [*_, "volumes" | "cloudvolumes", one, "action"]:
                return 202, self._export(project, one, json.loads(body))
            case "GET", ["volume", *_]:
                return 200, {"version": self._version("v3.0", f"{self.url}/volume/v3/")}
            case "GET", ["image", "v2", "images"]:
                return 200, self._images(project, query)
            case "GET", ["image", "v2", "images", one]:
                self.calls["get image"] += 1
                return 200, self.images[project][one]
            case "PUT", ["image", "v2", "images", one, "tags", tag]:
                self.calls["tag"] += 1
                self.images[project][one]["tags"].append(tag)
                return 204, None
            case "GET", ["image", *_]:
                return 200, {"versions": [self._version("v2.9", f"{self.url}/image/v2/")]}
            case _:
                self.calls["not found"] += 1
                return 404, {"error": {"code": 404, "message": f"{method} {target}"}}

    def _token(self, asked: Mapping[str, Any]) -> object:
        self.calls["token"] += 1
        scope = asked["auth"]["scope"]["project"]
        name = scope.get("name") or self.names[scope["id"]]
        project = project_id(name)
        self.names[project] = name
        now = datetime.now(UTC)
        catalogue = (
            ("block-storage", f"{self.url}/volume/v3/{project}"),
            ("volumev3", f"{self.url}/volume/v3/{project}"),
            ("image", f"{self.url}/image"),
        )
        return {
            "token": {
                "methods": ["password"],
                "issued_at": now.strftime(TIME),
                "expires_at": (now + TOKEN_LIFE).strftime(TIME),
                "project": {"id": project, "name": name, "domain": {"id": "d", "name": "Default"}},
                "user": {"id": "u", "name": "bench", "domain": {"id": "d", "name": "Default"}},
                "roles": [{"id": "r", "name": "member"}],
                "catalog": [
                    {
                        "id": kind,
                        "type": kind,
                        "name": kind,
                        "endpoints": [
                            {
                                "id": kind,
                                "interface": "public",
                                "region": REGION,
                                "region_id": REGION,
                                "url": url,
                            }
                        ],
                    }
                    for kind, url in catalogue
                ],
            }
        }

    def _version(self, number: str, url: str) -> object:
        return {"id": number, "status": "CURRENT", "links": [{"rel": "self", "href": url}]}

    def _volumes(self, project: str, query: Mapping[str, str]) -> object:
        self.calls["list volumes"] += 1
        first = int(query["marker"][-12:], 16) + 1 if "marker" in query else 0
        last = min(first + PAGE, self.volumes)
        listed = [_volume(volume_id(project, n), f"volume-{n}") for n in range(first, last)]
        document: dict[str, object] = {"volumes": listed}
        if last < self.volumes:
            document["volumes_links"] = [{"rel": "next", "href": f"{self.url}/next"}]
        return document

    def _images(self, project: str, query: Mapping[str, str]) -> object:
        self.calls["list images"] += 1
        since = query.get("created_at", "gte:")[4:]
        held = self.images.get(project, {})
        newest = [one for one in reversed(held.values()) if one["created_at"] >= since]
        ids = [one["id"] for one in newest]
        first = ids.index(query["marker"]) + 1 if "marker" in query else 0
        page = newest[first : first + PAGE]
        more = {"next": f"/v2/images?marker={page[-1]['id']}"} if first + PAGE < len(ids) else {}
        return {"images": page, **more}

    def _export(self, project: str, volume: str, asked: Mapping[str, Any]) -> object:
        self.calls["export"] += 1
        ((action, options),) = asked.items()
        if action != "os-volume_upload_image":  # of the same shape: what the vendor's SDK has
            return {"job_id": "0" * 32}
        held = self.images.setdefault(project, {})
        image = f"{project[:8]}-0000-4000-9000-{len(held):012x}"
        held[image] = {
            "id": image,
            "name": options["image_name"],
            "status": "active",
            "owner": project,
            "visibility": "shared",
            "created_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "disk_format": options["disk_format"],
            "container_format": "bare",
            "size": GIB,
            "virtual_size": GIB,
            "min_disk": 1,
            "min_ram": 0,
            "protected": False,
            "tags": [],
            "checksum": "d41d8cd98f00b204e9800998ecf8427e",
        }
        answer = {
            "id": volume,
            "image_id": image,
            "image_name": options["image_name"],
            "status": "uploading",
            "size": 1,
            "disk_format": options["disk_format"],
            "container_format": "bare",
            "display_description": "",
            "updated_at": "2026-03-02T02:05:00.000000",
            "volume_type": None,
        }
        return {"os-volume_upload_image": answer}


def _volume(one: str, name: str) -> dict[str, object]:
    return {
        "id": one,
        "name": name,
        "status": "available",
        "size": 1,
        "metadata": {"backup": "daily"},
        "availability_zone": "bench-1",
        "volume_type": "ssd",
        "attachments": [],
        "encrypted": False,
        "bootable": "false",
        "created_at": "2026-01-01T00:00:00.000000",
        "links": [],
    }


class Connection(asyncio.Protocol):
    """Requests come in one by one, each is answered after the latency."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(":", 1) for line in lines)
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, target, _ = first.split(" ", 2)
        token = headers.get("x-auth-token", "").strip()
        self._server.asked(self._transport, method, target, token, rest[:length])


class Server:
    """Answers late, as clouds do, and notes when exports were asked for."""

    def __init__(self, service: Service, latency: float) -> None:
        self.service = service
        self.latency = latency
        self.connections = 0
        self._exports: list[tuple[float, float]] = []

    def asked(
        self, transport: asyncio.Transport, method: str, target: str, token: str, body: bytes
    ) -> None:
        asked_at = time.monotonic()
        status, document = self.service.answer(method, target, token, body)
        head = f"HTTP/1.1 {status} -\r\nDate: {formatdate(usegmt=True)}\r\n"
        if status == 201:
            assert isinstance(document, dict)
            project = document["token"]["project"]["id"]
            head += f"X-Subject-Token: {project.rjust(TOKEN_SIZE, 'g')}\r\n"
        content = b"" if document is None else json.dumps(document).encode()
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        is_export = target.endswith("/action")

        def write() -> None:
            transport.write(head.encode() + content)
            if is_export:
                self._exports.append((asked_at, time.monotonic()))

        asyncio.get_running_loop().call_later(self.latency, write)

    def counts(self) -> dict[str, Any]:
        """Say what was asked since the last time, and begin anew."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        exports = self._exports
        said = {
            "calls": dict(self.service.calls),
            "connections": self.connections,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "export_seconds": (
                max(end for _, end in exports) - min(begin for begin, _ in exports)
                if exports
                else 0.0
            ),
        }
        self.service.calls.clear()
        self.connections = 0
        self._exports = []
        return said


async def serve(options: argparse.Namespace) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(Path(options.trust) / "server.pem")
    service = Service("", options.volumes)
    server = Server(service, options.latency)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: Connection(server), "127.0.0.1", 0, ssl=tls, backlog=1024
    )
    service.url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    say(service.url)
    ended = loop.create_future()

    def obey() -> None:
        for line in sys.stdin:
            word, _, value = line.strip().partition(" ")
            if word == "latency":
                server.latency = float(value)
            loop.call_soon_threadsafe(lambda: say(json.dumps(server.counts())))
        loop.call_soon_threadsafe(ended.set_result, None)

    Thread(target=obey, daemon=True).start()
    await ended


class FastCloud:
    """The cloud's process, alive inside a `with`; `ca` is what its certificate is trusted by."""

    def __init__(self, *, volumes: int, latency: float = 0.0) -> None:
        self._folder = TemporaryDirectory()
        self._trust = Path(self._folder.name)
        self._command = [
            *(sys.executable, "-m", "tests.benchmarks.fast_cloud"),
            *("--volumes", str(volumes), "--latency", str(latency), "--trust", str(self._trust)),
        ]

    @property
    def own_ca(self) -> Path:
        """The one authority that its certificate is signed by."""
        return self._trust / "own-ca.pem"

    @property
    def all_cas(self) -> Path:
        """The public authorities, and this one."""
        return self._trust / "all-cas.pem"

    def __enter__(self) -> Self:
        write_trust(self._trust)
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._line().strip()
        return self

    def counts(self) -> dict[str, Any]:
        """Return what was asked since the last time."""
        return self._order("counts")

    def answer_after(self, seconds: float) -> None:
        """Change the latency; what was counted is forgotten."""
        self._order(f"latency {seconds}")

    def secret(self) -> dict[str, str]:
        """Return a secret that opens it."""
        return {
            "auth_url": f"{self.url}/identity/v3",
            "username": "bench",
            "password": "bench",
            "domain": "Default",
        }

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()

    def _order(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._line())
        return said

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the cloud's process has ended"
        return line


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--volumes", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--trust", required=True)
    asyncio.run(serve(parser.parse_args()))
