"""What is told of a run, to whoever listens; what did not arrive is told again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from volume_images.errors import StoreError
from volume_images.memory import Origin, read_state, write_state
from volume_images.protocols import World
from volume_images.report import Function, Report
from volume_images.telling.events import Event, events, nothing_told, told_after

TOLD_KEY = "state/cleanup/told/events.json"
"""Beside the clouds' states, and never one of them: no cloud's name has a slash."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """Events that did not arrive, and the first reason."""

    events: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """`send` takes events to a bus, in order; `beat` tells a watch that a run has ended well.

    `show` writes a page for people. None of them raises: what did not arrive is returned, or why.
    """

    send: Callable[[Sequence[Event]], Unsent | None] | None = None
    beat: Callable[[], str] | None = None
    show: Callable[[], str] | None = None


NOBODY = Listeners()


def tell(report: Report, world: World, listeners: Listeners) -> Unsent | None:
    """Send what there is to tell of a run; return what did not arrive.

    Only when all of it did, is it written down as told: else the next cleanup tells it again.
    """
    if listeners.send is None:
        return None
    empty = nothing_told(world.deployment_id)
    if report.function is not Function.CLEANUP:
        return listeners.send(events(report, empty))
    try:
        memory = read_state(world.store, TOLD_KEY, empty)
    except StoreError as error:
        return Unsent(1, str(error))
    unsent = listeners.send(events(report, memory.state))
    told = told_after(report, memory.state)
    if unsent or (told == memory.state and memory.origin is not Origin.LOST):
        return unsent
    try:
        write_state(world.store, TOLD_KEY, memory, told, world.run_id)
    except StoreError as error:
        return Unsent(0, f"will be told again: {error}")
    return None
