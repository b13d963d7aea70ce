"""A simulation says what exporting and cleaning up day by day would come to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from volume_images.retention.judging import Candidate, judge
from volume_images.retention.rules import COUNT_RULES, RetentionRules
from volume_images.simulate import (
    DAY,
    DayEnd,
    Difference,
    Simulation,
    Span,
    difference,
    evenings,
    simulate,
    slots_within,
)
from volume_images.steady_state import YEAR, rule_of, steady_state

START = datetime(2026, 3, 1, tzinfo=UTC)
GRACE = timedelta(hours=72)

counts = st.integers(1, 5)
all_rules = (
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(COUNT_RULES, counts),
            "keep_within": st.sampled_from(["12h", "3d", "1m"]),
            "keep_within_weekly": st.just("60d"),
            "min_keep": counts,
        },
    )
    .map(lambda drawn: RetentionRules(**drawn))
    .filter(lambda rules: not rules.keeps_nothing)
)
# A month is of no fixed length: what 31 March - 1m lets go, 1 April - 1m would still have kept.
without_months = all_rules.filter(lambda rules: str(rules.keep_within) != "1m")
cadence_free_rules = without_months.filter(lambda rules: rules.keep_within_weekly is None)
counting_rules = st.dictionaries(st.sampled_from(COUNT_RULES), counts, min_size=1).map(
    lambda drawn: RetentionRules(**drawn)
)
schedules = st.sampled_from(["0 2 * * *", "30 */7 * * *", "0 4 * * 1-5", "15 1 * * 0", "0 0 1 * *"])
zones = st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
spans = st.builds(
    Span, st.integers(0, 700).map(lambda days: START + days * DAY), st.integers(1, 60)
)
graces = st.integers(1, 100).map(lambda hours: timedelta(hours=hours))


def run(
    schedule: str, rules: RetentionRules, zone: str = "UTC", days: int = 100, **how: object
) -> Simulation:
    span = how.get("span", Span(START, days))
    return simulate(
        slots_within(schedule, zone, span),
        rules,
        timezone=zone,
        grace=how.get("grace", GRACE),
        span=span,
    )


def judged(history: Sequence[datetime], rules: RetentionRules, zone: str, now: datetime) -> Mapping:
    images = [Candidate(id=str(slot), time=slot, created_at=slot) for slot in history]
    verdicts = judge(images, rules, timezone=zone, now=now)
    return {
        image.time: verdict.reasons
        for image, verdict in zip(images, verdicts, strict=True)
        if verdict.keep
    }


def test_a_week_of_dailies_under_keep_last_3() -> None:
    simulation = run("0 2 * * *", RetentionRules(keep_last=3), days=7)

    assert [(end.kept, end.announced) for end in simulation.day_ends] == [
        (1, 0),
        (2, 0),
        (3, 0),
        (3, 1),
        (3, 2),
        (3, 3),
        (3, 3),
    ]
    assert simulation.last.oldest == datetime(2026, 3, 5, 2, tzinfo=UTC)
    assert (simulation.fullest_day, simulation.most) == (5, 6)
    first, *_, last = simulation.images
    assert (first.made, first.expired, first.gone, first.reasons) == (0, 3, 6, ())
    assert (last.made, last.expired, last.gone) == (6, None, None)
    assert last.reasons == ("keep_last 1/3",)


def test_a_grace_of_part_of_a_day_lasts_until_that_day_ends() -> None:
    simulation = run("0 2 * * *", RetentionRules(keep_last=1), grace=timedelta(hours=25))

    assert simulation.last.announced == 2


def test_a_schedule_without_a_slot_in_the_span_leaves_nothing() -> None:
    simulation = run("0 0 29 2 *", RetentionRules(keep_last=1), days=30)

    assert simulation.images == ()
    assert set(simulation.day_ends) == {DayEnd(0, 0, None)}


def test_a_slot_at_the_midnight_that_begins_a_span_is_in_it_and_at_its_end_is_not() -> None:
    assert slots_within("0 0 * * *", "UTC", Span(START, 2)) == (START, START + DAY)


def test_what_the_rules_let_go_before_the_span_plays_no_part() -> None:
    history = slots_within("0 2 * * *", "UTC", Span(START - 10 * DAY, 12))
    days = list(evenings(history, RetentionRules(keep_last=3), timezone="UTC", span=Span(START, 2)))

    assert [len(day.kept) for day in days] == [3, 3]
    assert [day.expired for day in days] == [(history[7],), (history[8],)]


@given(schedules, cadence_free_rules, zones, spans)
def test_every_evening_agrees_with_judging_all_images_ever_made(
    schedule: str, rules: RetentionRules, zone: str, span: Span
) -> None:
    """Nothing is deleted on the other side: pruning each day comes to the same as never."""
    history = slots_within(schedule, zone, span)
    for evening in evenings(history, rules, timezone=zone, span=span):
        now = span.start + (evening.day + 1) * DAY
        so_far = [slot for slot in history if slot < now]
        assert evening.kept == judged(so_far, rules, zone, now)


@given(schedules, without_months, zones, spans)
def test_no_evening_keeps_less_than_judging_all_images_ever_made(
    schedule: str, rules: RetentionRules, zone: str, span: Span
) -> None:
    """A window of a tier may keep an image more: what leaves it makes another one the oldest."""
    history = slots_within(schedule, zone, span)
    for evening in evenings(history, rules, timezone=zone, span=span):
        now = span.start + (evening.day + 1) * DAY
        so_far = [slot for slot in history if slot < now]
        assert evening.kept.keys() >= judged(so_far, rules, zone, now).keys()


@given(schedules, all_rules, zones, spans, graces)
def test_lifetimes_and_day_ends_tell_the_same(
    schedule: str, rules: RetentionRules, zone: str, span: Span, grace: timedelta
) -> None:
    simulation = run(schedule, rules, zone, span=span, grace=grace)
    for day, end in enumerate(simulation.day_ends):
        there = [image for image in simulation.images if image.made <= day]
        kept = [image for image in there if image.expired is None or day < image.expired]
        announced = [
            image
            for image in there
            if image.expired is not None and image.expired <= day < (image.gone or 0)
        ]
        oldest = min((image.slot for image in kept), default=None)
        assert end == DayEnd(len(kept), len(announced), oldest)


@given(schedules, counting_rules, zones, spans)
def test_survivors_are_bounded_by_the_counts_and_the_oldest(
    schedule: str, rules: RetentionRules, zone: str, span: Span
) -> None:
    simulation = run(schedule, rules, zone, span=span)
    bound = sum(getattr(rules, rule) for rule in COUNT_RULES) + 1

    assert all(end.kept <= bound for end in simulation.day_ends)


@given(schedules, all_rules, zones, spans)
def test_rules_do_not_differ_from_themselves(
    schedule: str, rules: RetentionRules, zone: str, span: Span
) -> None:
    ours = run(schedule, rules, zone, span=span)

    assert difference(ours, run(schedule, rules, zone, span=span)) == Difference()


@given(schedules, all_rules, all_rules, spans)
def test_a_difference_turns_round_with_its_sides(
    schedule: str, one: RetentionRules, other: RetentionRules, span: Span
) -> None:
    ours, theirs = run(schedule, one, span=span), run(schedule, other, span=span)
    there, back = difference(ours, theirs), difference(theirs, ours)

    assert there == Difference(back.shorter, back.longer, back.lost, back.gained)
    ends = {image.slot for image in ours.images if image.expired is None}
    assert (ends - set(there.lost)) | set(there.gained) == {
        image.slot for image in theirs.images if image.expired is None
    }


@pytest.mark.parametrize(
    ("schedule", "rules", "most"),
    [
        ("0 2 * * *", RetentionRules(keep_last=3), 6),
        ("0 2 * * *", RetentionRules(keep_last=3, min_keep=9), 12),
        ("0 2 * * *", RetentionRules(keep_within="7d"), 10),
        ("0 * * * *", RetentionRules(keep_last=3), 75),
        ("0 2 * * 0", RetentionRules(keep_last=3), 4),
        ("0 0 29 2 *", RetentionRules(keep_yearly=2), 3),
    ],
)
def test_a_steady_state_is_what_is_kept_and_announced(
    schedule: str, rules: RetentionRules, most: int
) -> None:
    state = steady_state(schedule, "UTC", rules, GRACE)

    assert state.most == most
    assert len(state.images) == YEAR.days


@pytest.mark.parametrize(
    ("rules", "grows"),
    [
        (RetentionRules(keep_yearly=10), False),
        (RetentionRules(keep_yearly=12), True),
        (RetentionRules(keep_monthly="unlimited"), True),
        (RetentionRules(keep_within="20y"), True),
        (RetentionRules(keep_last=10**30), True),
    ],
)
def test_rules_that_eleven_years_do_not_fill_still_grow(
    rules: RetentionRules,
    grows: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert steady_state("0 2 * * 0", "UTC", rules, GRACE).still_grows is grows


def test_of_very_many_images_each_new_one_is_taken_to_make_one_expire() -> None:
    state = steady_state("0 2 * * *", "UTC", RetentionRules(keep_last="unlimited"), GRACE)

    assert state.still_grows
    assert state.most > 4000
    assert set(state.announced) == {3}


@pytest.mark.slow
@given(
    counting_rules,
    st.just("Australia/Lord_Howe"),
    st.sampled_from(["40 */7 * * *", "20 8-14/3 * * *", "0 2 * * *"]),
)
@examples(4)
def test_a_steady_state_needs_no_more_of_the_past_than_it_looks_at(
    rules: RetentionRules, zone: str, schedule: str
) -> None:
    """Five years of every slot come to the same as a recent past and the last slots of days."""
    state = steady_state(schedule, zone, rules, GRACE)
    history = slots_within(schedule, zone, Span(YEAR.start - 2000 * DAY, 2000 + YEAR.days))
    year = list(evenings(history, rules, timezone=zone, span=YEAR))

    assert state.kept == tuple(len(evening.kept) for evening in year)
    assert state.needed == {
        rule_of(why[0]) for evening in year for why in evening.kept.values() if len(why) == 1
    }
