"""A run's own time, and whether there is enough of it left."""

from dataclasses import dataclass

from volume_images.protocols import Clock, RunLimits


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """A run's own time, from its start; its limits are in seconds."""

    clock: Clock
    limits: RunLimits
    started: float

    def may_act(self) -> bool:
        """Whether a POST or DELETE may still begin."""
        return self.limits.act is None or self._elapsed() < self.limits.act

    def has(self, seconds: float) -> bool:
        """Whether so many seconds may pass, and something still be started after them."""
        return self.limits.act is None or self._elapsed() + seconds < self.limits.act

    def left(self) -> float | None:
        """Return the seconds until the run must have ended; None without a limit."""
        return None if self.limits.end is None else max(0.0, self.limits.end - self._elapsed())

    def _elapsed(self) -> float:
        return self.clock.monotonic() - self.started
