"""What a test turns over HTTP while the cloud runs: `/clock` and `/faults`."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from tests.sandbox.clock import SandboxClock
from tests.sandbox.faults import Faults
from tests.sandbox.faults_file import BadFaults, as_document, parse_faults
from tests.sandbox.wire import Answer, BadJson, Request, Route, Router, json_answer


class Controlled(Protocol):
    """What is turned."""

    clock: SandboxClock
    faults: Faults


class Controls:
    """Answers for the clock and the faults of one cloud."""

    def __init__(self, cloud: Controlled) -> None:
        self._cloud = cloud
        self._router = Router(
            Route("GET", "/clock", self._time),
            Route("POST", "/clock", self._move),
            Route("GET", "/faults", self._faults),
            Route("PUT", "/faults", self._change),
        )

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        return self._router.dispatch(request) or json_answer(404, {"error": "no such control"})

    def _time(self, _: Request) -> Answer:
        now = self._cloud.clock.now().isoformat().replace("+00:00", "Z")
        return json_answer(200, {"now": now})

    def _move(self, request: Request) -> Answer:
        try:
            change = request.json()
        except BadJson as error:
            return json_answer(400, {"error": f"not JSON: {error}"})
        match change:
            case {"advance_seconds": int() | float() as seconds}:
                self._cloud.clock.advance(timedelta(seconds=seconds))
            case {"now": str(text)} if (instant := _aware(text)) is not None:
                self._cloud.clock.set(instant)
            case _:
                shapes = '{"advance_seconds": N} or {"now": "2026-03-02T02:05:00Z"}'
                return json_answer(400, {"error": f"write {shapes}"})
        return self._time(request)

    def _faults(self, _: Request) -> Answer:
        return json_answer(200, as_document(self._cloud.faults))

    def _change(self, request: Request) -> Answer:
        try:
            self._cloud.faults = parse_faults(request.body, "the body")
        except BadFaults as error:
            return json_answer(400, {"error": str(error)})
        return self._faults(request)


def _aware(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
