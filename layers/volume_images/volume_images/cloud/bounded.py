"""Connections whose answers end: every byte of one counts, and so does the time it takes.

http.client bounds lines and headers, but neither how many interim answers (100) or trailers come
before an answer ends, nor how slowly it trickles in.
"""

import io
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any, Protocol

from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

WHOLE_ANSWER_SECONDS = 200.0
"""The vendor's gateway gives up on a call after so long; who is slower will not answer."""

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""A page of 1,000 images with long metadata is a few MiB."""

LARGEST_HEAD_BYTES = 256 * 1024
"""What may come before the body: interim answers and headers."""

MOST_BYTES = LARGEST_ANSWER_BYTES + 1024 * 1024
"""What may come after that: the body, and what frames it."""


class Endless(OSError):
    """An answer takes more bytes or more time than any answer needs."""

    def __init__(self) -> None:
        size, seconds = LARGEST_ANSWER_BYTES >> 20, WHOLE_ANSWER_SECONDS
        super().__init__(0, f"the answer is too long or too slow ({size} MiB, {seconds:.0f} s)")


class _Source(Protocol):
    def readinto(self, buffer: Any, /) -> int | None: ...  # noqa: ANN401 - any buffer

    def close(self) -> None: ...


class _Bounded(io.RawIOBase):
    """Reads from a socket up to a number of bytes, and until a time."""

    def __init__(self, source: _Source, monotonic: Callable[[], float]) -> None:
        self._source = source
        self._monotonic = monotonic
        self._left = LARGEST_HEAD_BYTES
        self._deadline = monotonic() + WHOLE_ANSWER_SECONDS

    def allow_body(self) -> None:
        """Let the body follow the head."""
        self._left = MOST_BYTES

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any, /) -> int | None:
        count = self._source.readinto(buffer)
        self._left -= count or 0
        if self._left < 0 or self._monotonic() > self._deadline:
            raise Endless
        return count

    @override
    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def bound_answers(adapter: HTTPAdapter, monotonic: Callable[[], float]) -> None:
    """Have every connection of an adapter bound its answers; they raise Endless beyond."""

    class Answer(HTTPResponse):
        def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - http.client's
            super().__init__(*arguments, **options)
            self._bounded = _Bounded(self.fp.detach(), monotonic)
            self.fp = io.BufferedReader(self._bounded)

        @override
        def begin(self) -> None:
            super().begin()
            self._bounded.allow_body()

    class Plain(HTTPConnection):
        response_class = Answer

    class Secure(HTTPSConnection):
        response_class = Answer

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    adapter.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
