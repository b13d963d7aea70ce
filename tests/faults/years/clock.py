"""Time that passes when somebody waits, and the death that comes at a chosen call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class VirtualClock:
    """Time passes when somebody waits, and between the runs."""

    time: datetime

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let it pass at once."""
        self.time += timedelta(seconds=seconds)


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@dataclass(slots=True)
class Reaper:
    """Counts the calls of a cloud's share of a run, and does something at one of them.

    Who is dead makes no further call.
    """

    armed: dict[str, tuple[int, Callable[[], None] | None]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    def called(self, cloud: str) -> None:
        """Count a call: kill at the one that was chosen, or let another run come between."""
        if cloud in self.dead:
            raise Killed
        left, action = self.armed.get(cloud, (0, None))
        if left > 1:
            self.armed[cloud] = (left - 1, action)
        elif left == 1:
            del self.armed[cloud]
            if action is not None:
                action()
            else:
                self.dead.add(cloud)
                raise Killed

    def rest(self) -> None:
        """Let the next run be."""
        self.armed.clear()
        self.dead.clear()
