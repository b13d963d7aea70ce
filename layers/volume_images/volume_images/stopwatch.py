"""A run's own time, and whether there is enough of it left."""

from dataclasses import dataclass, field, replace
from threading import Event

from volume_images.protocols import Clock, RunLimits


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
