"""A run's limits follow from the deadline that Lambda gives its invocation."""

from dataclasses import dataclass

import pytest

from volume_images.stopwatch import RunLimits


@dataclass(frozen=True)
class Left:
    """An invocation with so many seconds left."""

    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@pytest.mark.parametrize(
    ("left", "act", "end"),
    [(540, 480, 520), (900, 840, 880), (60, 0, 40), (15, 0, 0)],
)
def test_a_run_acts_no_later_than_a_minute_before_its_process_is_killed(
    left: float, act: float, end: float
) -> None:
    assert RunLimits.of(Left(left)) == RunLimits(act=act, end=end)
