"""Lambda's side of the Runtime API, on loopback: what a function's process asks for its events.

Paths and headers are those of "Using the Lambda runtime API" in the AWS Lambda developer guide.
"""

import json
import time
import uuid
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Event
from typing import Any, Self

from tests.sandbox.http_server import HttpServer
from tests.sandbox.wire import Answer, Request, Route, Router

FUNCTION_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:volume-images"
TRACE_ID = "Root=1-5e1b4151-43a0913a12345678901234567;Parent=53995c3f42cd8ad8;Sampled=0"
RUNTIME = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an invocation ended: with an answer, with an error, or as its process was killed."""

    milliseconds: float
    answer: Any = None
    error: dict[str, Any] | None = None
    killed: bool = False


@dataclass(frozen=True, slots=True)
class _Offer:
    """One invocation, as the process is told of it."""

    request_id: str
    event: bytes
    deadline_ms: int


class RuntimeApi:
    """Offers invocations to one process, one at a time, and takes in what it answers."""

    def __init__(self) -> None:
        self.asked = Event()
        self.init_error: dict[str, Any] | None = None
        self._offers: Queue[_Offer | None] = Queue()
        self._answers: Queue[tuple[str, str, Any] | None] = Queue()
        router = Router(
            Route("GET", f"{RUNTIME}/invocation/next", self._next),
            Route("POST", f"{RUNTIME}/invocation/{{request_id}}/{{how}}", self._take),
            Route("POST", f"{RUNTIME}/init/error", self._take_init_error),
        )
        self._server = HttpServer(lambda request: router.dispatch(request) or Answer(404))

    @property
    def address(self) -> str:
        """Return what AWS_LAMBDA_RUNTIME_API names."""
        return f"127.0.0.1:{self._server.port}"

    def start(self) -> Self:
        """Answer from now on."""
        self._server.start()
        return self

    def stop(self) -> None:
        """End; the process must have ended before."""
        self._offers.put(None)
        self._server.stop()

    def invoke(self, event: bytes, seconds: float, waits: float | None = None) -> Ended:
        """Offer an event, and wait for what becomes of it, or for its deadline.

        `waits` is less than the process is told: of one that believes it has more time than it has.
        """
        began = time.monotonic()
        request_id = str(uuid.uuid4())
        self._offers.put(_Offer(request_id, event, int((time.time() + seconds) * 1000)))
        try:
            ended = self._answers.get(timeout=seconds if waits is None else waits)
        except Empty:
            ended = None
        took = (time.monotonic() - began) * 1000
        if ended is None:
            return Ended(took, killed=True)
        answered, how, document = ended
        assert answered == request_id
        if how == "error":
            return Ended(took, error=document)
        return Ended(took, answer=document)

    def give_up(self) -> None:
        """Wait no longer: the process is dead."""
        self._answers.put(None)

    def _next(self, _: Request) -> Answer:
        self.asked.set()
        offer = self._offers.get()
        if offer is None:
            return Answer(410)
        return Answer(
            200,
            offer.event,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": offer.request_id,
                "Lambda-Runtime-Deadline-Ms": str(offer.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
                "Lambda-Runtime-Trace-Id": TRACE_ID,
            },
        )

    def _take(self, request: Request) -> Answer:
        how = request.parameters["how"]
        if how not in ("response", "error"):
            return Answer(404)
        self._answers.put((request.parameters["request_id"], how, request.json()))
        return Answer(202, b'{"status": "OK"}')

    def _take_init_error(self, request: Request) -> Answer:
        self.init_error = json.loads(request.body)
        self.asked.set()
        return Answer(202, b'{"status": "OK"}')
