"""A run's own time, its limits, and whether there is enough of it left."""

from dataclasses import dataclass, field, replace
from threading import Event
from typing import Protocol

from volume_images.protocols import Clock


class Invocation(Protocol):
    """One invocation of a function: of Lambda's context, what a handler looks at."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may go on before Lambda kills its process."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """How long a run may take, in seconds from its own start; None is no limit.

    After `act` no POST and no DELETE begins; by `end` the run has ended. A cloud that takes longer
    than the `patience` goes on beside the others, and holds no place among those at once. By hand a
    run looks even where nothing seems due, and has no other limits.
    """

    act: float | None = None
    end: float | None = None
    patience: float = 30.0
    by_hand: bool = False

    @classmethod
    def of(cls, invocation: Invocation) -> "RunLimits":
        """End before Lambda kills the process: answers still come in, and must be written down."""
        left = invocation.get_remaining_time_in_millis() / 1000
        return cls(act=max(0.0, left - 60), end=max(0.0, left - 20))


BY_HAND = RunLimits(by_hand=True)


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """A run's own time, from its start; its limits are in seconds."""

    clock: Clock
    limits: RunLimits
    started: float
    stopped: Event = field(default_factory=Event)

    @classmethod
    def begin(cls, clock: Clock, limits: RunLimits) -> "Stopwatch":
        """Measure from now on."""
        return cls(clock, limits, clock.monotonic())

    def part(self, seconds: float) -> "Stopwatch":
        """Return one for a part of the run, which has to end within so many seconds."""
        end = self._elapsed() + seconds
        if self.limits.end is not None:
            end = min(end, self.limits.end)
        return replace(self, limits=replace(self.limits, end=end))

    def stop(self) -> None:
        """Let nothing begin any more."""
        self.stopped.set()

    def may_act(self) -> bool:
        """Whether a POST or DELETE may still begin."""
        return self.has(0)

    def has(self, seconds: float) -> bool:
        """Whether so many seconds may pass, and something still be started after them."""
        if self.stopped.is_set():
            return False
        return self.limits.act is None or self._elapsed() + seconds < self.limits.act

    def left(self) -> float | None:
        """Return the seconds until the run must have ended; None without a limit."""
        return None if self.limits.end is None else max(0.0, self.limits.end - self._elapsed())

    def _elapsed(self) -> float:
        return self.clock.monotonic() - self.started
