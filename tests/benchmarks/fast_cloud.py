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
from email.utils import formatdate
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.fast_service import Service
from tests.benchmarks.trust import write_trust

TOKEN_SIZE = 1800


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
        self.limit = inf
        self.connections = 0
        self._exports: list[tuple[float, float]] = []
        self._second = -1
        self._in_second = 0

    def asked(
        self, transport: asyncio.Transport, method: str, target: str, token: str, body: bytes
    ) -> None:
        asked_at = time.monotonic()
        is_export = target.endswith("/action")
        if is_export and not self._admits(asked_at):
            status, document = self.service.refuse(body)
        else:
            status, document = self.service.answer(method, target, token, body)
        head = f"HTTP/1.1 {status} -\r\nDate: {formatdate(usegmt=True)}\r\n"
        if status == 201:
            assert isinstance(document, dict)
            project = document["token"]["project"]["id"]
            head += f"X-Subject-Token: {project.rjust(TOKEN_SIZE, 'g')}\r\n"
        content = b"" if document is None else json.dumps(document).encode()
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"

        def write() -> None:
            transport.write(head.encode() + content)
            if is_export:
                self._exports.append((asked_at, time.monotonic()))

        asyncio.get_running_loop().call_later(self.latency, write)

    def _admits(self, now: float) -> bool:
        """Let so many exports in each second of this clock, as API gateways count them."""
        if self._second != int(now):
            self._second, self._in_second = int(now), 0
        self._in_second += 1
        return self._in_second <= self.limit

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
    service = Service("", options.volumes, options.history)
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
            elif word == "limit":
                server.limit = float(value)
            loop.call_soon_threadsafe(lambda: say(json.dumps(server.counts())))
        loop.call_soon_threadsafe(ended.set_result, None)

    Thread(target=obey, daemon=True).start()
    await ended


class FastCloud:
    """The cloud's process, alive inside a `with`; `ca` is what its certificate is trusted by."""

    def __init__(self, *, volumes: int, latency: float = 0.0, history: int = 0) -> None:
        self._folder = TemporaryDirectory()
        self._trust = Path(self._folder.name)
        self._command = [
            *(sys.executable, "-m", "tests.benchmarks.fast_cloud"),
            *("--volumes", str(volumes), "--latency", str(latency)),
            *("--history", str(history), "--trust", str(self._trust)),
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

    def admit(self, exports_a_second: float) -> None:
        """Refuse what is more, without saying how long to wait."""
        self._order(f"limit {exports_a_second}")

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
    parser.add_argument("--history", type=int, default=0, help="images that each volume has")
    parser.add_argument("--trust", required=True)
    asyncio.run(serve(parser.parse_args()))
