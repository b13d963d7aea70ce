"""What must hold for retention whatever history and rules; `make test-deep` tries harder."""

import random
from collections import ChainMap
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from volume_images.retention.judging import Candidate, State, judge
from volume_images.retention.rules import COUNT_RULES, WINDOW_RULES, RetentionRules

START = datetime(2024, 2, 20, tzinfo=UTC)
NOW = START + timedelta(days=2000)

counts = st.integers(0, 4) | st.just("unlimited")
durations = st.sampled_from(["1h", "36h", "7d", "1m", "1m1d", "1y", "1y6m", "9999y"])
# A month is of no fixed length: what 31 March - 1m lets go, 1 April - 1m would still have kept.
fixed_durations = st.sampled_from(["1h", "36h", "7d", "400d"])
count_rules = st.fixed_dictionaries({}, optional=dict.fromkeys(COUNT_RULES, counts))
window_rules = st.fixed_dictionaries({}, optional=dict.fromkeys(WINDOW_RULES, durations))
floors = st.fixed_dictionaries({"min_keep": st.integers(1, 3)})
fixed_windows = st.fixed_dictionaries({}, optional=dict.fromkeys(WINDOW_RULES, fixed_durations))
plain_window = st.fixed_dictionaries({}, optional={"keep_within": fixed_durations})


def rules_of(*parts: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[RetentionRules]:
    merged = st.tuples(*parts).map(lambda drawn: RetentionRules(**dict(ChainMap(*drawn))))
    return merged.filter(lambda rules: not rules.keeps_nothing)


all_rules = rules_of(count_rules, window_rules, floors)
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])


def image(quarter_hours: int, **facts: object) -> Candidate:
    slot = START + timedelta(minutes=15 * quarter_hours)
    return Candidate(**({"id": f"{quarter_hours:06}", "time": slot, "created_at": slot} | facts))


# Some histories are dense (hours, days), some reach over years, most are both.
moments = st.integers(0, 4 * 24 * 3) | st.integers(0, 4 * 24 * 60) | st.integers(0, 4 * 24 * 1500)
histories = st.lists(moments, min_size=1, max_size=24, unique=True).map(
    lambda found: [image(quarter_hours) for quarter_hours in sorted(found)]
)


def kept(images: list[Candidate], rules: RetentionRules, zone: str, **how: object) -> set[str]:
    judged = judge(images, rules, **({"timezone": zone, "now": NOW} | how))
    return {verdict.id for verdict in judged if verdict.keep}


def survivors(images: list[Candidate], rules: RetentionRules, zone: str) -> list[Candidate]:
    ids = kept(images, rules, zone)
    return [each for each in images if each.id in ids]


@given(histories, all_rules, zones)
def test_judging_the_survivors_again_removes_nothing(
    images: list[Candidate], rules: RetentionRules, zone: str
) -> None:
    once = survivors(images, rules, zone)

    assert survivors(once, rules, zone) == once


def after_every_export(
    images: list[Candidate], rules: RetentionRules, zone: str
) -> list[Candidate]:
    left: list[Candidate] = []
    for exported in images:
        left = survivors([*left, exported], rules, zone)
    return left


@given(histories, rules_of(count_rules, plain_window, floors), zones)
def test_cleaning_up_after_every_export_ends_where_cleaning_up_once_does(
    images: list[Candidate], rules: RetentionRules, zone: str
) -> None:
    assert after_every_export(images, rules, zone) == survivors(images, rules, zone)


@given(histories, rules_of(count_rules, fixed_windows, floors), zones)
@example([image(0), image(4), image(5)], RetentionRules(keep_within_hourly="1h"), "UTC")
def test_cleaning_up_more_often_never_keeps_less(
    images: list[Candidate], rules: RetentionRules, zone: str
) -> None:
    """A window of a tier may keep an image more: what leaves it makes another one the oldest."""
    assert kept(images, rules, zone) <= {
        each.id for each in after_every_export(images, rules, zone)
    }


@given(histories, all_rules, zones, st.sampled_from(COUNT_RULES), st.integers(1, 9))
def test_raising_a_count_never_drops_an_image(
    images: list[Candidate], rules: RetentionRules, zone: str, name: str, more: int
) -> None:
    count = getattr(rules, name)
    raised = "unlimited" if count == "unlimited" else count + more

    higher = rules.model_copy(update={name: raised})
    unlimited = rules.model_copy(update={name: "unlimited"})

    assert kept(images, rules, zone) <= kept(images, higher, zone) <= kept(images, unlimited, zone)


@given(histories, all_rules, zones, st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(
    images: list[Candidate], rules: RetentionRules, zone: str, shuffle: random.Random
) -> None:
    duplicates = [replace(each, id=f"{each.id}-again") for each in images[::3]]
    shuffled = [*images, *duplicates]
    shuffle.shuffle(shuffled)

    as_listed = judge([*images, *duplicates], rules, timezone=zone, now=NOW)
    otherwise = judge(shuffled, rules, timezone=zone, now=NOW)

    assert [verdict.id for verdict in otherwise] == [each.id for each in shuffled]
    assert set(otherwise) == set(as_listed)


@given(histories, all_rules, zones)
def test_the_newest_images_are_always_kept(
    images: list[Candidate], rules: RetentionRules, zone: str
) -> None:
    assert {each.id for each in images[-rules.min_keep :]} <= kept(images, rules, zone)


@given(histories, st.fixed_dictionaries(dict.fromkeys(COUNT_RULES, st.integers(0, 4))))
def test_no_more_are_kept_than_the_counts_say(
    images: list[Candidate], places: dict[str, int]
) -> None:
    assume(any(places.values()))

    assert len(kept(images, RetentionRules(**places), "UTC")) <= sum(places.values())


@given(histories, all_rules, zones)
def test_the_calendar_repeats_after_400_years(
    images: list[Candidate], rules: RetentionRules, zone: str
) -> None:
    """146,097 days are whole weeks, and leap years fall alike."""
    later = timedelta(days=146_097)
    shifted = [replace(each, time=each.time + later) for each in images]

    assert kept(shifted, rules, zone, now=NOW + later) == kept(images, rules, zone)


@given(histories, all_rules, zones, st.data())
def test_an_image_that_disappears_never_makes_another_expire(
    images: list[Candidate], rules: RetentionRules, zone: str, data: st.DataObject
) -> None:
    left = data.draw(st.lists(st.sampled_from(images), unique=True, max_size=len(images)))

    assert kept(images, rules, zone) & {each.id for each in left} <= kept(left, rules, zone)


@given(histories, all_rules, zones, st.integers(0, 100_000))
def test_time_alone_lets_nothing_expire(
    images: list[Candidate], rules: RetentionRules, zone: str, hours: int
) -> None:
    later = NOW + timedelta(hours=hours)

    assert kept(images, rules, zone, now=later) == kept(images, rules, zone)


@given(histories, all_rules, zones, st.data())
def test_what_takes_no_place_never_changes_which_slots_are_kept(
    images: list[Candidate], rules: RetentionRules, zone: str, data: st.DataObject
) -> None:
    """Pinned and protected ones in slots of their own, the others also beside a good image."""
    some = st.lists(moments, max_size=4, unique=True)
    slots = {each.time for each in images}
    held = [image(at, id=f"pinned-{at}", pinned=True) for at in data.draw(some)]
    held += [image(at, id=f"protected-{at}", protected=True) for at in data.draw(some)]
    states = (State.PENDING, State.FAILED, State.UNKNOWN)
    apart = [
        *(each for each in held if each.time not in slots),
        *(image(at, id=f"{state}-{at}", state=state) for state in states for at in data.draw(some)),
        *(image(at + 4 * 24 * 2001, id=f"future-{at}") for at in data.draw(some)),
        *(replace(each, id=f"{each.id}-later") for each in images[::2]),
        *(replace(each, id=f"0-{each.id}") for each in images[::3]),
    ]
    together = [*images, *apart]
    judged = judge(together, rules, timezone=zone, now=NOW)
    kept_slots = {
        each.time
        for each, verdict in zip(together, judged, strict=True)
        if verdict.keep and each.time in slots and each.state is State.GOOD
    }

    assert kept_slots == {each.time for each in survivors(images, rules, zone)}


@given(histories, all_rules, zones)
def test_each_slot_keeps_one_of_its_duplicates_or_none(
    images: list[Candidate], rules: RetentionRules, zone: str
) -> None:
    doubled = [*images, *(replace(each, id=f"{each.id}-again") for each in images)]

    verdicts = {verdict.id: verdict for verdict in judge(doubled, rules, timezone=zone, now=NOW)}

    for each in images:
        again = verdicts[f"{each.id}-again"]
        assert (again.keep, again.duplicate_of) == (False, each.id)
