"""How the clouds say that it is too much, each in its own words."""

import math
from typing import assert_never

from tests.sandbox.answers import coded_error, gateway_error, html_error, over_limit
from tests.sandbox.faults import Overload
from tests.sandbox.wire import Answer


def refusal(says: Overload, retry_after: float | None, rate: float | None = None) -> Answer:
    """Refuse a request; `retry_after` are seconds, sent whole as RFC 9110 has them."""
    wait = None if retry_after is None else str(math.ceil(retry_after))
    answer = _answer(says, wait, rate)
    return answer if wait is None else answer.with_headers(Retry_After=wait)


def _answer(says: Overload, wait: str | None, rate: float | None) -> Answer:
    match says:
        case Overload.TOO_MANY:
            return html_error(429, "Too many requests.").answer
        case Overload.GATEWAY:
            limit = "" if rate is None else f",limit:{rate:g},time:1 second"
            message = "The throttling threshold has been reached: policy user over ratelimit"
            return gateway_error(429, "APIGW.0308", message + limit).answer
        case Overload.IMS:
            return coded_error(400, "IMG.0060", "The request is under flow control.").answer
        case Overload.OVER_LIMIT:
            return over_limit("This request was rate-limited.", wait).answer
        case Overload.UNAVAILABLE:
            return html_error(503, "The service is overloaded.").answer
        case _:
            assert_never(says)
