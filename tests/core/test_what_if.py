"""What would have to change for an image to stay or to go."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from volume_images.retention.judging import Candidate
from volume_images.retention.rules import RetentionRules
from volume_images.retention.what_if import Bound, Case, goes_after, what_lets_go, what_would_keep

NEWEST = datetime(2026, 3, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def nights(count: int, **rules: object) -> Case:
    """Return a group of nightly images `0` (the newest), `1`, ... under these rules."""
    images = [
        Candidate(id=str(night), time=NEWEST - night * DAY, created_at=NEWEST - night * DAY)
        for night in range(count)
    ]
    return Case(
        images=images,
        rules=RetentionRules.model_validate(rules),
        timezone="UTC",
        now=NEWEST + timedelta(hours=1),
    )


def later(count: int) -> list[datetime]:
    return [NEWEST + night * DAY for night in range(1, count + 1)]


def test_an_expired_image_stays_by_any_rule_that_reaches_it() -> None:
    """`5` is of Thursday 5 March: the sixth, the sixth day, and its week's and month's is newer."""
    found = what_would_keep(nights(8, keep_last=3), "5")

    assert found == (
        Bound("keep_last", 6),
        Bound("keep_hourly", 6),
        Bound("keep_daily", 6),
        Bound("keep_within", 6, "d"),
        Bound("min_keep", 6),
    )
    assert [bound.enough for bound in found][2:4] == [
        "keep_daily 6 or more",
        "keep_within 6d or longer",
    ]


def test_a_kept_image_goes_only_if_all_rules_that_keep_it_do_less() -> None:
    case = nights(20, keep_daily=7, keep_weekly=5, keep_within="36h", keep_last=1)

    assert what_lets_go(case, "2") == (Bound("keep_daily", 3), Bound("keep_weekly", 2))
    assert what_lets_go(case, "1") == (Bound("keep_daily", 2), Bound("keep_within", 25, "h"))
    assert Bound("keep_daily", 3).too_little == "keep_daily below 3"
    assert Bound("keep_within", 25, "h").too_little == "keep_within shorter than 25h"


def test_the_floor_is_one_of_the_rules_to_lower() -> None:
    assert what_lets_go(nights(5, keep_last=1, min_keep=3), "2") == (Bound("min_keep", 3),)


def test_no_change_of_rules_lets_the_newest_go() -> None:
    assert what_lets_go(nights(5, keep_last=2), "0") == ()


def test_an_image_goes_once_enough_newer_ones_are_there() -> None:
    assert goes_after(nights(3, keep_last=3), "1", later(9)) == 2
    assert goes_after(nights(3, keep_last=3), "2", later(9)) == 1
    assert goes_after(nights(3, keep_last=3), "0", later(2)) is None
    assert goes_after(nights(3, keep_last=3), "0", []) is None
    assert goes_after(nights(3, keep_last="unlimited"), "0", later(50)) is None


def test_without_its_pin_an_image_is_judged_as_any_other() -> None:
    case = nights(3, keep_last=2)
    pinned = replace(case, images=[replace(case.images[2], pinned=True), *case.images[:2]])

    verdicts = pinned.verdict("2"), pinned.without_marks("2").verdict("2")

    assert [verdict.reasons for verdict in verdicts if verdict] == [("pinned",), ("expired",)]


def test_a_group_that_a_safety_rule_stops_keeps_all() -> None:
    case = replace(nights(3, keep_last=1), rules=RetentionRules())

    assert case.verdict("2") is None
    assert case.keeps("2")


rules = st.fixed_dictionaries(
    {"keep_last": st.integers(1, 4)},
    optional={
        "keep_daily": st.integers(1, 9),
        "keep_weekly": st.integers(1, 5) | st.just("unlimited"),
        "keep_monthly": st.integers(1, 3),
        "keep_within": st.sampled_from(["30h", "5d", "1m"]),
        "keep_within_weekly": st.sampled_from(["2m", "100h"]),
        "min_keep": st.integers(1, 4),
    },
)
hours = st.lists(st.integers(0, 24 * 90), min_size=2, max_size=15, unique=True)


def group(ages: list[int], wanted: dict[str, object]) -> Case:
    times = {str(age): NEWEST - timedelta(hours=age) for age in ages}
    images = [Candidate(id=key, time=time, created_at=time) for key, time in times.items()]
    return replace(nights(1, **wanted), images=images, timezone="Europe/Berlin")


@given(hours, rules)
@examples(25)
def test_each_bound_is_where_the_verdict_turns(ages: list[int], wanted: dict[str, object]) -> None:
    case = group(ages, wanted)
    for image in case.images:
        if not case.keeps(image.id):
            for bound in what_would_keep(case, image.id):
                raised = {**wanted, bound.rule: f"{bound.least}{bound.unit}"}
                if not bound.unit:
                    raised[bound.rule] = bound.least
                assert case.ruled_by(**raised).keeps(image.id)
                if bound.least > 1:
                    too_little = {**wanted, bound.rule: bound.lowered}
                    assert not case.ruled_by(**too_little).keeps(image.id)
        elif bounds := what_lets_go(case, image.id):
            lowered = {**wanted, **{bound.rule: bound.lowered for bound in bounds}}
            assert not case.ruled_by(**lowered).keeps(image.id)


@given(hours, rules, st.integers(1, 40))
@examples(25)
def test_the_image_before_the_last_one_needed_does_not_make_it_go(
    ages: list[int], wanted: dict[str, object], count: int
) -> None:
    case = group(ages, wanted)
    for image in case.images:
        needed = goes_after(case, image.id, later(count)) if case.keeps(image.id) else None
        if needed is not None and needed > 1:
            assert goes_after(case, image.id, later(needed - 1)) is None


@pytest.mark.parametrize("count", [1, 3, 30])
def test_what_would_keep_an_image_by_count_is_its_place_from_the_newest(count: int) -> None:
    case = nights(count + 1, keep_last=1)

    assert what_would_keep(case, str(count))[0] == Bound("keep_last", count + 1)
