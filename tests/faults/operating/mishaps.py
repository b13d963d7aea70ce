"""The cloud, the store, the states and the config go wrong."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.operating.machine import ANY, MINUTE, WAITS, Operation

AT_ONCE = 3
"""So many faults last at a time, at the most."""

SPOILT = b"]["


class Mishaps(Operation):
    """The cloud, the store and the states go wrong."""

    @rule(number=ANY, seed=st.integers(0, 3))
    def something_goes_wrong(self, number: int, seed: int) -> None:
        """Switch a fault on, beside those there are."""
        self.place.go_wrong(number, seed, AT_ONCE)
        self.trouble = True

    @rule(number=ANY, seed=st.integers(0, 3), wait=WAITS)
    def something_goes_wrong_at_once(self, number: int, seed: int, wait: int) -> None:
        """Switch one on, just before runs come."""
        self.place.let_pass(wait * MINUTE)
        self.something_goes_wrong(number, seed)
        self.run_export()
        self.run_cleanup()

    @rule()
    def all_goes_well(self) -> None:
        """Switch all faults off."""
        self.place.go_well()
        self.trouble = False

    @rule(role=st.sampled_from(["export", "cleanup"]), lost=st.booleans())
    @precondition(lambda self: not self.trouble)
    def memory_fails(self, role: str, lost: bool) -> None:  # noqa: FBT001
        """Lose or damage a state, in calm times: a listing that lags would hide what it knew."""
        key = self.key(role)
        if self.place.state(key) is None:
            return
        (self.place.lose if lost else self.place.damage)(key)
        if role == "cleanup":
            self.watch.announcements_lost()
        else:
            self.in_doubt()

    @rule()
    def config_is_spoilt(self) -> None:
        """Write what is no config."""
        self.place.write_config(SPOILT)
        self.spoilt = True
        self.watch.announcements_lost()

    @rule()
    @precondition(lambda self: self.spoilt)
    def config_is_mended(self) -> None:
        """Write the right one again."""
        self.write()
