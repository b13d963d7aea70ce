"""A server that writes whatever bytes a test gives it, for as long as somebody reads them."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Thread

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Sent:
    """How many bytes the other side took before it hung up."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.count = 0


@contextmanager
def serving(*pieces: bytes, endless: Iterable[bytes] = ()) -> Iterator[Sent]:
    """Answer each connection with these pieces, then with what may never end."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent = Sent(listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                _write(connection, sent, (*pieces,))
                _write(connection, sent, endless)

    thread = Thread(target=serve)
    thread.start()
    try:
        yield sent
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _write(connection: socket.socket, sent: Sent, pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            connection.sendall(piece)
            sent.count += len(piece)
    except OSError:
        return  # the other side has had enough
