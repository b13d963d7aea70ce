"""Requests and answers as data, and the routes between them."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, unquote_to_bytes


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a body goes out: in so many pieces, with a pause (seconds) before each.

    With `cut_at`, the connection ends after so many bytes of it.
    """

    pieces: int = 1
    pause: float = 0
    cut_at: int | None = None


AT_ONCE = Delivery()


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = AT_ONCE

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
