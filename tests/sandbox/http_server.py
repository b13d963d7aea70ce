"""HTTP/1.1 on loopback: a threaded keep-alive server that can also be slow, cut off and shut.

Standard library only. werkzeug's development server closes every connection after one answer
and waits 10 ms for stray bytes each time: neither is how the clouds behave.
"""

import errno
import math
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from tests.sandbox.wire import Answer, Handler, HangUp, Request

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing then sends RST instead of FIN (socket(7))."""

Sleep = Callable[[float], object]


class HttpServer:
    """Serves `handler` on a loopback port, a thread for each connection, until `stop`.

    `sleep` is how slow answers wait; without one they wait in real time, until `stop` at most.
    """

    def __init__(self, handler: Handler, port: int = 0, sleep: Sleep | None = None) -> None:
        self._stopping = threading.Event()
        self.sleep = sleep or self._stopping.wait
        self._server = _ThreadingServer(("127.0.0.1", port), handler, self.sleep)
        self._door = threading.Lock()
        self._refusing = False
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> Self:
        """Accept connections from now on."""
        with self._door:
            self._accept()
        return self

    def refuse(self) -> None:
        """End every connection, and refuse new ones, until `accept`."""
        with self._door:
            if self._thread is not None:
                self._refusing = True
                self._leave()
                self._server.stop_listening()
                self._server.hang_up()

    def accept(self) -> None:
        """Accept connections again, after `refuse`."""
        with self._door:
            if self._refusing and not self._stopping.is_set():
                self._refusing = False
                self._server.socket.listen(self._server.request_queue_size)
                self._accept()

    def stop(self) -> None:
        """End every connection and thread."""
        self._stopping.set()
        with self._door:
            self._leave()
            self._server.hang_up()
            self._server.server_close()

    def _accept(self) -> None:
        self._thread = threading.Thread(target=self._server.accept_until_shut)
        self._thread.start()

    def _leave(self) -> None:
        if self._thread is not None:
            self._server.socket.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._thread = None


class _ThreadingServer(ThreadingHTTPServer):
    """Knows its open connections, so that idle keep-alive ones do not outlive it."""

    daemon_threads = False  # server_close() then joins them
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: Handler, sleep: Sleep) -> None:
        self.handler = handler
        self.sleep = sleep
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._to_reset: set[socket.socket] = set()
        super().__init__(address, _Connection)

    def accept_until_shut(self) -> None:
        """Begin a thread for each connection; it ends at once, not at the next look as theirs.

        A test that starts a server would wait longer for that than for all the rest.
        """
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError as error:
                if error.errno == errno.EINVAL:  # accept(2): it does not listen any more
                    return
                continue  # a client that trusted no certificate of ours, or left
            self.process_request(connection, address)

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

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - theirs
        """Say nothing of a client that was killed; the base class prints how that was noticed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def reset_when_closed(self, connection: socket.socket) -> None:
        """Let a connection end in RST."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        with self._open_lock:
            self._to_reset.add(connection)

    def stop_listening(self) -> None:
        """Hold the port with a socket that is bound and does not listen: whoever calls is refused.

        A socket that is shut down and listens again has lost its port.
        """
        self.socket.close()
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

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
            self._send_body(answer)
        self.wfile.flush()

    def _send_body(self, answer: Answer) -> None:
        delivery = answer.delivery
        for piece in _pieces(answer.body[: delivery.cut_at], delivery.pieces):
            if delivery.pause:
                self.wfile.flush()
                self.server.sleep(delivery.pause)
            self.wfile.write(piece)
        if delivery.cut_at is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: what was asked is in the sandbox's own record."""


def _pieces(body: bytes, count: int) -> Iterator[bytes]:
    size = max(math.ceil(len(body) / count), 1)
    for start in range(0, len(body), size):
        yield body[start : start + size]
