"""Lets the faults in force strike the requests that their rules choose."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from tests.sandbox.answers import html_error
from tests.sandbox.fault_pages import spoilt_page
from tests.sandbox.fault_world import WrongWorld
from tests.sandbox.faults import (
    Answered,
    BadPages,
    BadTokens,
    Body,
    Faults,
    Latency,
    Lost,
    OfTheWay,
    OfTheWorld,
    Refused,
    Reset,
    SlowBody,
    Throttle,
    TokenEnd,
    TruncatedBody,
)
from tests.sandbox.identity import Identity
from tests.sandbox.live_rule import LiveRule
from tests.sandbox.overload import refusal
from tests.sandbox.wire import Answer, Delivery, Handler, HangUp, Request
from tests.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Stage:
    """What faults act on: the cloud, how it waits, and where it notes a request as answered."""

    world: World
    identity: Identity
    sleep: Callable[[float], object]
    note: Callable[[Request, Answer], Answer]


class Failing:
    """The faults of one cloud, in force from when this is made."""

    def __init__(self, faults: Faults, stage: Stage) -> None:
        self.faults = faults
        self._stage = stage
        self._wrong = WrongWorld(stage.world, stage.identity, stage.note)
        self._live = [
            LiveRule(rule, f"{faults.seed}/{place}", stage.world.clock.monotonic)
            for place, rule in enumerate(faults.rules)
            if not isinstance(rule, Refused)
        ]

    @property
    def refuses_connections(self) -> bool:
        """Tell whether nothing may listen."""
        return any(isinstance(rule, Refused) for rule in self.faults.rules)

    def answer(self, request: Request, work: Handler, position: int = 0) -> Answer:
        """Answer by `work`, under all the rules from one on. Raises HangUp."""
        now = self._stage.world.clock.now()
        for place, live in enumerate(self._live[position:], position):
            if not live.strikes(request, now):
                continue
            rule = live.rule
            if isinstance(rule, OfTheWorld):
                work = partial(self._wrong.worked_on, rule, work=work)
            else:
                rest = partial(self.answer, work=work, position=place + 1)
                return self._on_the_way(rule, live, request, rest)
        return work(request)

    def _on_the_way(
        self, rule: OfTheWay, live: LiveRule, request: Request, rest: Handler
    ) -> Answer:
        match rule:
            case Throttle():
                return rest(request) if live.lets_through() else self._throttled(rule, request)
            case Latency():
                self._stage.sleep(rule.seconds + live.dice.random() * rule.spread)
                return rest(request)
            case Reset():
                raise HangUp
            case Lost():
                rest(request)
                self._stage.sleep(rule.wait)
                raise HangUp(reset=rule.reset)
            case Answered():
                return self._answered(rule, request, rest)
            case BadTokens():
                self._spoil_tokens(rule.are)
                return rest(request)
            case BadPages():
                return spoilt_page(live, rule.items, request, rest(request))
            case SlowBody():
                delivery = Delivery(pieces=rule.pieces, pause=rule.seconds / rule.pieces)
                return replace(rest(request), delivery=delivery)
            case TruncatedBody():
                return _truncated(rule, rest(request))
            case _:
                assert_never(rule)

    def _throttled(self, rule: Throttle, request: Request) -> Answer:
        return self._stage.note(request, refusal(rule.says, rule.retry_after, rule.rate))

    def _answered(self, rule: Answered, request: Request, rest: Handler) -> Answer:
        answer = _foreign_answer(rule)
        if not rule.worked:
            return self._stage.note(request, answer)
        own = rest(request)
        return replace(answer, headers={**answer.headers, "Date": own.headers["Date"]})

    def _spoil_tokens(self, end: TokenEnd) -> None:
        match end:
            case TokenEnd.EXPIRED:
                self._stage.identity.expire_all()
            case TokenEnd.REVOKED:
                self._stage.identity.revoke_all()
            case _:
                assert_never(end)


def _foreign_answer(rule: Answered) -> Answer:
    match rule.body:
        case Body.HTML:
            answer = html_error(rule.status, "This is not the service that was asked.").answer
        case Body.JSON:
            error = {"code": rule.status, "message": "This is not the service that was asked."}
            body = json.dumps({"error": error}).encode()
            answer = Answer(rule.status, body, {"Content-Type": "application/json"})
        case Body.EMPTY:
            answer = Answer(rule.status)
        case _:
            assert_never(rule.body)
    if rule.retry_after is None:
        return answer
    return answer.with_headers(Retry_After=f"{rule.retry_after:.0f}")


def _truncated(rule: TruncatedBody, answer: Answer) -> Answer:
    kept = int(len(answer.body) * rule.keep)
    if rule.unnoticed:
        return replace(answer, body=answer.body[:kept])
    return replace(answer, delivery=Delivery(cut_at=kept))
