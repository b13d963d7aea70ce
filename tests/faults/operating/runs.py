"""Triggers come, in time or not, alone or not, and runs are killed or meet others."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.faults.operating.interruptions import Interruption
from tests.faults.operating.machine import ANY, HOUR, MINUTE, WAITS, Operation
from tests.support.export_site import request
from volume_images.model import Tick

CALLS = st.integers(1, 25)
"""At which of its calls something happens to a run; most have fewer."""


class Runs(Operation):
    """Triggers come, in time or not, alone or not, and runs are killed."""

    @rule(wait=WAITS, late=st.sampled_from([0, 3, 70]))
    def tick(self, wait: int, late: int) -> None:
        """Let a tick come, on time or late."""
        self.place.let_pass(wait * MINUTE)
        self.run_export(Tick(scheduled_at=self.now - late * MINUTE))

    @rule()
    def doubled_tick(self) -> None:
        """Let one come twice."""
        self.run_export()
        self.run_export()

    @rule(number=ANY)
    def narrowed_tick(self, number: int) -> None:
        """Look at one volume alone."""
        self.run_export(Tick(volume_ids=frozenset({self.volume(number)})))

    @rule(numbers=st.lists(ANY, min_size=1, max_size=3), times=st.integers(1, 2))
    def ask(self, numbers: list[int], times: int) -> None:
        """Ask for exports outside the schedule; the event may be delivered twice."""
        slot = self.now.replace(microsecond=0)
        volumes = dict.fromkeys(self.volume(number) for number in numbers)
        for _ in range(times):
            report = self.run_export(request(*volumes, at=slot))
            self.requested(report, slot)

    @rule(hours=st.sampled_from([1, 12, 24]), times=st.integers(1, 4))
    def cleanups(self, hours: int, times: int) -> None:
        """Let cleanups come, one after another, with a tick beside each."""
        for _ in range(times):
            self.place.let_pass(hours * HOUR)
            self.run_export()
            self.run_cleanup()

    @rule(number=ANY)
    def narrowed_cleanup(self, number: int) -> None:
        """Judge the images of one volume alone."""
        self.run_cleanup(Tick(volume_ids=frozenset({self.volume(number)})))

    @rule(wait=WAITS, nth=CALLS)
    def tick_is_killed(self, wait: int, nth: int) -> None:
        """Kill an export at one of its calls."""
        self.place.let_pass(wait * MINUTE)
        self.run_export(by=Interruption(nth))

    @rule(nth=CALLS, number=ANY)
    def request_is_killed(self, nth: int, number: int) -> None:
        """Kill one that was asked for."""
        self.run_export(request(self.volume(number), at=self.now), by=Interruption(nth))

    @rule(wait=WAITS, nth=CALLS)
    def cleanup_is_killed(self, wait: int, nth: int) -> None:
        """Kill a cleanup at one of its calls."""
        self.place.let_pass(wait * MINUTE)
        self.run_cleanup(by=Interruption(nth))

    @rule(wait=WAITS, nth=CALLS, other=st.sampled_from(["tick", "request", "cleanup"]), number=ANY)
    def another_run_comes_between(self, wait: int, nth: int, other: str, number: int) -> None:
        """Let another run come and go while a tick is at work."""
        self.place.let_pass(wait * MINUTE)
        self.run_export(by=Interruption(nth, partial(self._comes, other, number)))

    @rule(wait=WAITS, nth=CALLS, other=st.sampled_from(["tick", "cleanup"]))
    def a_run_comes_between_a_cleanup(self, wait: int, nth: int, other: str) -> None:
        """Let another run come and go while a cleanup is at work."""
        self.place.let_pass(wait * MINUTE)
        self.run_cleanup(by=Interruption(nth, partial(self._comes, other, 0)))

    def _comes(self, run: str, number: int) -> None:
        """Let a run come and go, which nothing interrupts."""
        match run:
            case "tick":
                self.run_export()
            case "request":
                self.run_export(request(self.volume(number), at=self.now))
            case _:
                self.run_cleanup()
