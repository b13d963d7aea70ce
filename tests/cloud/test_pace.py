"""The rule of the pace: under its ceiling, below it while the cloud refuses, and back again."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloud.limits import Bucket, Sliding, Window, meet
from volume_images.cloud.pace import LEAST_SHARE, START_SHARE, Pace

CEILING = 10.0


def pace(ceiling: float = CEILING) -> Pace:
    return Pace(ceiling, 0.0, Random(1))  # noqa: S311 - the same in each test


Past = list[tuple[float, float | None, bool]]
"""What happened: seconds that passed, a Retry-After, and whether it was a refusal at all."""

pasts = st.lists(
    st.tuples(
        st.floats(0, 3, allow_subnormal=False),
        st.none() | st.floats(0, 40),
        st.booleans(),
    ),
    max_size=60,
)


def lived_through(past: Past, one: Pace) -> tuple[float, list[float]]:
    """Tell what happened to the pace, and begin a request after each; return now, and when."""
    now = 0.0
    begun = []
    for seconds, retry_after, is_refusal in past:
        now += seconds
        if is_refusal:
            one.refused(now, retry_after)
        else:
            one.accepted(now)
        while (wait := one.wait(now)) > 0:
            now += wait
        begun.append(now)
    return now, begun


@given(pasts, st.sampled_from([0.5, 3.0, 10.0, 400.0]))
def test_no_window_of_any_length_ever_holds_more_than_the_ceiling_allows(
    past: Past, ceiling: float
) -> None:
    _, begun = lived_through(past, pace(ceiling))
    for first, since in enumerate(begun):
        for more, until in enumerate(begun[first:]):
            assert until - since >= more / ceiling - 1e-6


@given(pasts)
def test_whatever_was_refused_the_full_pace_comes_back_by_itself(past: Past) -> None:
    one = pace()
    now, _ = lived_through(past, one)
    assert LEAST_SHARE * CEILING <= one.rate(now) <= START_SHARE * CEILING
    assert one.rate(now + one.pause_left(now) + 100) == START_SHARE * CEILING


@given(pasts)
def test_whatever_was_refused_the_next_request_has_its_turn_soon(past: Past) -> None:
    one = pace()
    now, _ = lived_through(past, one)
    assert one.wait(now) <= max(one.pause_left(now), 1 / (LEAST_SHARE * CEILING)) + 1e-6


def test_requests_begin_evenly_and_a_little_slower_than_allowed() -> None:
    one, now = pace(), 0.0
    for _ in range(20):
        assert one.wait(now) == 0
        now += one.wait(now)
    assert now == pytest.approx(20 / 9.5)


def test_one_that_begins_late_does_not_slow_the_next_down() -> None:
    one = pace()
    one.wait(0)
    late = 1 / 9.5 + 0.004
    assert one.wait(late) == 0
    assert late + one.wait(late) == pytest.approx(2 / 9.5)


def test_time_that_nobody_used_is_not_made_up_for() -> None:
    one = pace()
    one.wait(0)
    assert one.wait(60) == 0
    assert one.wait(60) >= 1 / CEILING


def test_a_refusal_without_a_time_pauses_twice_as_long_each_time() -> None:
    one, now = pace(), 0.0
    pauses = []
    for _ in range(8):
        one.refused(now, None)
        pauses.append(one.pause_left(now))
        now += pauses[-1]
    for times, seconds in enumerate(pauses):
        assert 0.25 * 2**times <= seconds <= 1.5 * 0.25 * 2**times
    assert len({seconds / 2**times for times, seconds in enumerate(pauses)}) > 1


def test_a_cloud_that_refuses_for_hours_is_asked_once_in_a_while() -> None:
    one, now = pace(), 0.0
    for _ in range(2000):
        one.refused(now, None)
        assert one.pause_left(now) <= 1.5 * 60
        now += one.pause_left(now)


def test_an_accepted_request_makes_pauses_short_again() -> None:
    one = pace()
    for now in (0, 10, 20):
        one.refused(now, None)
    one.accepted(30)
    one.refused(31, None)
    assert one.pause_left(31) <= 1.5 * 0.25


def test_a_pause_is_as_long_as_the_cloud_says_and_none_shortens_it() -> None:
    one = pace()
    one.refused(0, 9)
    one.refused(1, 2)
    one.refused(2, None)
    assert one.pause_left(2) == pytest.approx(7)
    one.refused(3, 20)
    assert one.wait(3) == pytest.approx(20)


def test_a_time_of_nothing_does_not_bring_the_request_back_at_once() -> None:
    one = pace()
    one.refused(0, 0)
    assert one.pause_left(0) >= 0.25


def test_a_refusal_brings_the_pace_to_what_was_let_through() -> None:
    one = pace()
    for tenth in range(14):
        one.accepted(tenth / 7)
    one.refused(2, None)
    assert one.rate(2) == pytest.approx(0.9 * 13 / 2)


def test_a_refusal_takes_half_of_the_pace_at_the_most_and_a_tenth_at_the_least() -> None:
    unknown, praised = pace(), pace()
    unknown.refused(0, None)
    assert unknown.rate(0) == pytest.approx(9.5 / 2)
    for _ in range(100):
        praised.accepted(0)
    praised.refused(0, None)
    assert praised.rate(0) == pytest.approx(9.5 * 0.9)


def test_the_pace_falls_once_a_second_at_most() -> None:
    """What it fell to must be tried for a while, before it can be told to be too much."""
    one = pace()
    one.refused(0, None)
    now = one.pause_left(0)
    one.refused(now, None)
    assert one.rate(now) == pytest.approx(9.5 / 2)
    one.refused(now + 1, None)
    assert one.rate(now + 1) < 9.5 / 2


def test_refusals_of_what_was_sent_before_the_pause_are_the_same_refusal() -> None:
    one = pace()
    one.refused(0, None)
    rate, pause = one.rate(0), one.pause_left(0)
    one.refused(0.01, None)
    assert (one.rate(0), one.pause_left(0)) == (rate, pause)


# --- against limits that do not say how long to wait


@pytest.mark.parametrize("limit", [Window, Sliding, Bucket])
@pytest.mark.parametrize("seed", range(5))
def test_150_volumes_at_10_a_second_take_hardly_longer_than_they_must(
    limit: type[Window | Sliding | Bucket], seed: int
) -> None:
    met = meet(limit, 10, ceiling=10, requests=150, seed=seed)
    assert met.seconds <= 1.15 * 150 / 10
    assert met.refused_share < 0.01


@pytest.mark.parametrize("limit", [Window, Sliding, Bucket])
@pytest.mark.parametrize("rate", [5, 20, 100])
@pytest.mark.parametrize("seed", range(3))
def test_a_cloud_that_takes_half_of_what_is_configured_is_found_out(
    limit: type[Window | Sliding | Bucket], rate: float, seed: int
) -> None:
    met = meet(limit, rate, ceiling=2 * rate, requests=1000, seed=seed)
    assert met.seconds <= 1.3 * 1000 / rate
    assert met.refused_share < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_no_request_is_refused_again_and_again_while_others_pass(seed: int) -> None:
    met = meet(Window, 4, ceiling=16, requests=200, seed=seed)
    assert met.most_tries <= 4
