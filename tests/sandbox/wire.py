"""HTTP/1.1 on loopback: requests and answers as data, routes, and a threaded keep-alive server.

Standard library only. werkzeug's development server closes every connection after one answer
and waits 10 ms for stray bytes each time: neither is how the clouds behave.
"""

import json
import re
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, unquote, unquote_to_bytes, urlsplit

POLL_SECONDS = 0.02
"""How often a server looks whether it shall stop."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing then sends RST instead of FIN (socket(7))."""


class BadJson(ValueError):
    """The body of a request is not JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request; `path` is still percent-encoded, `parameters` come from the route.

    `mount` is what stood before `path` when it was sent: where a service lives. `id` is what the
    services name it by in their answers.
    """

    method: str
    path: str
    query: str
    headers: Message
    body: bytes
    mount: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"req-{uuid.uuid4()}")

    @property
    def sent_path(self) -> str:
        """The whole path, as it was sent."""
        return self.mount + self.path

    @property
    def target(self) -> str:
        """The path and the query, as they were sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def decoded_path(self) -> str:
        """The path as WSGI wants it: decoded to bytes, spelled in Latin-1."""
        return unquote_to_bytes(self.path).decode("latin-1")

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """The query's pairs in order, repeated names included."""
        return parse_qsl(self.query, keep_blank_values=True)

    def argument(self, name: str) -> str | None:
        """Return the last value of a query argument, None when it is not given."""
        return dict(self.arguments).get(name)

    def header(self, name: str) -> str:
        """Return a header's value, empty when it is not sent."""
        return str(self.headers.get(name, ""))

    def json(self) -> Any:  # noqa: ANN401 - whatever the client sent
        """Parse the body. Raises BadJson."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadJson(str(error)) from error


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> "Answer":
        """Add headers; underscores in their names stand for hyphens."""
        added = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **added})


def json_answer(status: int, document: object, **headers: str) -> Answer:
    """Answer with a JSON document."""
    answer = Answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
    return answer.with_headers(**headers)


Handler = Callable[[Request], Answer]


class HangUp(Exception):
    """Ends a connection without an answer: reset (RST), or closed in an orderly way (FIN)."""

    def __init__(self, *, reset: bool = True) -> None:
        self.reset = reset
        super().__init__("reset" if reset else "closed")


class Hook(Protocol):
    """Called around every request, in the thread that serves it, with no lock held.

    Either may wait, or raise HangUp: from `before`, nothing was worked on; from `after`, the work
    is done and its answer is lost. To stop the world at the Nth call, count in `before` or
    `after`, and raise for that call and for all that follow. `sent_path` is the whole path.
    """

    def before(self, request: Request) -> None:
        """Hear of a request before anything is done about it."""
        ...

    def after(self, request: Request) -> None:
        """Hear of a request that was worked on, before it is answered."""
        ...


def hooked(hook: Hook | None, handler: Handler, request: Request) -> Answer:
    """Answer a request by `handler`, with `hook` around it."""
    if hook is None:
        return handler(request)
    hook.before(request)
    answer = handler(request)
    hook.after(request)
    return answer


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path like `/v3/{project_id}/volumes/{volume_id}`, and who answers it."""

    method: str
    template: str
    handler: Handler

    @property
    def pattern(self) -> re.Pattern[str]:
        """The template as a pattern; a trailing slash makes no difference."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template.rstrip("/")) + "/?")


class Router:
    """Finds the route of a request, in the order in which the routes were given."""

    def __init__(self, *routes: Route) -> None:
        self._routes = [(route.method, route.pattern, route.handler) for route in routes]

    def dispatch(self, request: Request) -> Answer | None:
        """Answer by the first route that fits; None when there is none."""
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                parameters = {name: unquote(text) for name, text in match.groupdict().items()}
                return handler(replace(request, parameters=parameters))
        return None


class HttpServer:
    """Serves `handler` on a loopback port, a thread for each connection, until `stop`."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self._server = _ThreadingServer(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> Self:
        """Accept connections from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every connection and thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _ThreadingServer(ThreadingHTTPServer):
    """Knows its open connections, so that idle keep-alive ones do not outlive it."""

    daemon_threads = False  # server_close() then joins them
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: Handler) -> None:
        self.handler = handler
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._to_reset: set[socket.socket] = set()
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - theirs
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the base class's signature
        with self._open_lock:
            self._open.discard(request)
            reset = request in self._to_reset
            self._to_reset.discard(request)
        if reset:  # without the FIN that the base class sends first
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def reset_when_closed(self, connection: socket.socket) -> None:
        """Let a connection end in RST."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        with self._open_lock:
            self._to_reset.add(connection)

    def hang_up(self) -> None:
        """Wake the threads that wait for another request on their connection."""
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client had hung up already


class _Connection(BaseHTTPRequestHandler):
    """Serves what comes over one connection, request by request."""

    server: _ThreadingServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet

    def answer(self) -> None:
        """Read one request, answer it, and keep the connection."""
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(Answer(HTTPStatus.LENGTH_REQUIRED))
            return
        url = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=url.path,
            query=url.query,
            headers=self.headers,
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        try:
            self._send(self.server.handler(request))
        except HangUp as end:
            self.close_connection = True
            if end.reset:
                self.server.reset_when_closed(self.connection)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - theirs

    def handle_expect_100(self) -> bool:
        """Ask for the body at once: botocore would wait a second for it."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name in answer.headers):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing: what was asked is in the sandbox's own record."""
