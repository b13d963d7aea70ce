"""Pages of listings that are not what they should be."""

import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any, assert_never

from tests.sandbox.faults import Slip
from tests.sandbox.live_rule import LiveRule
from tests.sandbox.wire import Answer, Request

LISTS = ("images", "volumes")


def spoilt_page(live: LiveRule, slip: Slip, request: Request, answer: Answer) -> Answer:
    """Return a page with one of the slips; what is no page stays as it is."""
    if answer.status != HTTPStatus.OK:
        return answer
    document = json.loads(answer.body)
    for name in LISTS:
        if isinstance(document.get(name), list):
            document[name] = _spoilt(live, slip, request, document[name])
    return replace(answer, body=json.dumps(document).encode())


def _spoilt(live: LiveRule, slip: Slip, request: Request, items: list[Any]) -> list[Any]:
    match slip:
        case Slip.REPEATED:
            return _repeated(live, request, items)
        case Slip.MISSING:
            missed = live.dice.randrange(len(items)) if items else 0
            return items[:missed] + items[missed + 1 :]
        case Slip.SHUFFLED:
            return live.dice.sample(items, len(items))
        case _:
            assert_never(slip)


def _repeated(live: LiveRule, request: Request, items: list[Any]) -> list[Any]:
    first_page = request.argument("marker") is None and request.argument("offset") in {None, "0"}
    before = None if first_page else live.last_items.get(request.sent_path)
    if items:
        live.last_items[request.sent_path] = items[-1]
    return items if before is None else [before, *items]
