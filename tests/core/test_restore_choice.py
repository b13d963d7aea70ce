"""Which image is restored, what the new volume is like, and what a drill may remove."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cleanup_samples import (
    DAILY,
    DAY,
    DB,
    DEPLOYMENT,
    HOUR,
    NOW,
    PROJECT,
    REQUESTED,
    config,
    days,
    image,
    slot,
    volumes,
)
from volume_images.cleanup.state import VolumeFacts
from volume_images.dialect import Dialect
from volume_images.errors import InputError
from volume_images.model import Image, Volume
from volume_images.recognition import GIB, ImageState, Recognised, identity, recognise
from volume_images.restore.choosing import (
    choose,
    doubts,
    find_image,
    newest_good,
    of_volume,
    recognise_by_name,
)
from volume_images.restore.drill_names import LEFT_AFTER, drill_volume_name, left_behind
from volume_images.restore.new_volume import (
    Wishes,
    facts_of,
    free_name,
    least_gib,
    new_volume,
    refuse_taken_name,
)
from volume_images.restore.rotation import Candidate, candidates_of, whose_turn

RUN = "20260310T120000Z-5f0c1a9e"
FACTS = VolumeFacts(zone="eu-de-01", volume_type="SSD", size_gib=40)


def known(*images: Image) -> tuple[Recognised, ...]:
    ours = identity(config(), PROJECT, DEPLOYMENT)
    return of_volume((recognise(one, ours, volumes(DB)) for one in images), DB)


def chosen(*images: Image, as_of: datetime | None = None) -> str:
    return choose(known(*images), DB, as_of).image.id


# ---- which image


def test_the_newest_good_image_is_restored() -> None:
    assert chosen(image(1, "a"), image(3, "c"), image(2, "b")) == "c"


def test_what_is_not_good_is_never_chosen_by_itself() -> None:
    empty, unfinished = image(5, "e", virtual_bytes=0), image(6, "u", status="saving")
    assert chosen(image(4, "good"), empty, unfinished) == "good"


def test_scheduled_and_requested_images_count_together_by_their_capture() -> None:
    late = image(3, "late", created_at=slot(3) + 9 * HOUR)
    asked = image(slot(3) + 4 * HOUR, "asked", group=REQUESTED)
    assert chosen(late, asked) == "late"
    assert chosen(late, asked, as_of=slot(3) + 8 * HOUR) == "asked"


def test_as_of_is_about_the_capture_and_not_the_slot() -> None:
    late = image(3, "late", created_at=slot(3) + 9 * HOUR)
    assert chosen(image(2, "before"), late, as_of=slot(3) + HOUR) == "before"


def test_an_image_captured_at_that_very_second_counts() -> None:
    assert chosen(image(2, "x"), as_of=slot(2) + timedelta(minutes=3)) == "x"


def test_before_the_first_image_the_earliest_one_is_named() -> None:
    with pytest.raises(
        InputError, match=r"until 2026-03-01T.*; the earliest is of 2026-03-02T02:03"
    ):
        chosen(image(2), image(3), as_of=slot(1))


def test_without_a_good_image_the_newest_of_all_is_named_with_its_doubt() -> None:
    with pytest.raises(
        InputError, match=r"none of its 2 images is good; the newest, b, is unknown: "
    ):
        chosen(image(1, "a", virtual_bytes=0), image(2, "b", virtual_bytes=0))
    with pytest.raises(InputError, match="has no image of it that is ours"):
        chosen()


def test_images_of_other_volumes_and_strangers_are_none_of_it() -> None:
    foreign = image(3, "foreign", deployment="ffffffffffff")
    other_owner = image(4, "theirs", owner="them")
    other_volume = replace(image(5, "web"), name=image(5).name.replace("16369c5d", "26369c5d"))
    assert chosen(image(1, "ours"), foreign, other_owner, other_volume) == "ours"


captures = st.lists(
    st.tuples(
        st.integers(1, 9), st.integers(0, 30), st.sampled_from(["active", "saving", "killed"])
    ),
    max_size=8,
)


@given(captures, st.none() | st.integers(1, 10))
def test_the_choice_is_good_in_time_and_newer_than_every_other_good_one(
    made: Sequence[tuple[int, int, str]], as_of_day: int | None
) -> None:
    images = known(
        *(
            image(day, f"{number}", status=status, created_at=slot(day) + late * HOUR)
            for number, (day, late, status) in enumerate(made)
        )
    )
    as_of = slot(as_of_day) if as_of_day else None
    good = [
        one.image.created_at
        for one in images
        if one.state is ImageState.GOOD and (as_of is None or one.image.created_at <= as_of)
    ]
    best = newest_good(images, as_of)
    assert (best.image.created_at if best else None) == max(good, default=None)
    assert best is None or best.state is ImageState.GOOD


def test_an_image_is_asked_for_by_id_or_name() -> None:
    images = days(1, 2)
    assert find_image(images, images[0].id) is images[0]
    assert find_image(images, images[1].name) is images[1]
    assert find_image(images, "nothing") is None
    with pytest.raises(InputError, match="several images have this name: name one by its id: a, b"):
        find_image([image(1, "a"), image(1, "b")], image(1).name)


def test_who_asks_for_an_image_that_is_not_good_is_warned() -> None:
    (good,) = known(image(1))
    (empty,) = known(image(1, "empty", virtual_bytes=0))
    assert doubts(good.image, good) == ()
    assert "is not good: unknown: virtual size 0 bytes" in doubts(empty.image, empty)[0]
    assert "is not known to be ours" in doubts(image(1), None)[0]


def test_nothing_can_be_made_of_an_unfinished_image() -> None:
    with pytest.raises(InputError, match="its status is saving"):
        doubts(image(1, status="saving"), None)


def test_without_a_config_the_name_itself_says_of_what_an_image_is() -> None:
    found = recognise_by_name(image(1, deployment="ffffffffffff"), PROJECT, volumes(DB))
    assert found is not None
    assert (found.group, found.state) == (DAILY, ImageState.GOOD)
    assert recognise_by_name(image(1, name="debian-12"), PROJECT, {}) is None
    assert recognise_by_name(image(1, owner="them"), PROJECT, {}) is None


# ---- what is made of it


def made(of: Image, facts: VolumeFacts | None = FACTS, **wishes: Any) -> tuple[int, str, str]:  # noqa: ANN401
    dialect = wishes.pop("dialect", Dialect.HUAWEI)
    new = new_volume(of, facts, Wishes(**wishes), dialect=dialect, name="n")
    return new.size_gib, new.zone, new.volume_type


def test_a_volume_comes_back_as_it_was() -> None:
    assert made(image(1)) == (40, "eu-de-01", "SSD")


def test_what_is_asked_for_wins() -> None:
    asked = {"size_gib": 100, "zone": "eu-de-02", "volume_type": "SAS"}
    assert made(image(1), **asked) == (100, "eu-de-02", "SAS")


def test_a_volume_that_is_there_is_asked_before_what_is_remembered() -> None:
    grown = Volume(id=DB, name="db01", status="in-use", size_gib=60, zone="a", volume_type="b")
    assert facts_of(grown, FACTS) == VolumeFacts(zone="a", volume_type="b", size_gib=60)
    assert facts_of(None, FACTS) is FACTS


def test_a_volume_is_never_smaller_than_its_image() -> None:
    with pytest.raises(InputError, match=r"--size 39: image .* needs 40 GiB at the least"):
        made(image(1), size_gib=39)
    assert made(image(1), replace_size(FACTS, 10))[0] == 40


def replace_size(facts: VolumeFacts, size_gib: int) -> VolumeFacts:
    return facts.model_copy(update={"size_gib": size_gib})


def test_a_plain_cloud_chooses_zone_and_type_itself_and_huawei_does_not() -> None:
    assert made(image(1), None, dialect=Dialect.OPENSTACK) == (40, "", "")
    with pytest.raises(InputError, match="give --zone and --type"):
        made(image(1), None)


def test_a_size_that_nobody_knows_has_to_be_given() -> None:
    untold = image(1, virtual_bytes=None, size_bytes=5 * GIB, disk_format="qcow2")
    with pytest.raises(InputError, match="give --size"):
        made(untold, None, dialect=Dialect.OPENSTACK)
    assert made(untold, None, dialect=Dialect.OPENSTACK, size_gib=7)[0] == 7


@given(st.integers(1, 2**50), st.integers(0, 2000), st.integers(0, 2000))
def test_every_byte_of_the_image_finds_room(virtual: int, minimum: int, known_gib: int) -> None:
    of = image(1, virtual_bytes=virtual, min_disk_gib=minimum)
    size = made(of, replace_size(FACTS, known_gib))[0]
    assert size * GIB >= virtual
    assert size >= max(minimum, known_gib)
    assert least_gib(of) == max(minimum, -(-virtual // GIB))


def test_a_new_volume_has_a_name_that_no_other_has() -> None:
    assert free_name("db01", DB, RUN) == f"db01-restored-{RUN}"
    assert free_name("", DB, RUN) == f"16369c5d-restored-{RUN}"
    assert len(free_name("x" * 200, DB, RUN)) <= 64
    with pytest.raises(InputError, match="a volume has this name already"):
        refuse_taken_name("db01", {"db01"})


# ---- drills


def volume(name: str, **changes: Any) -> Volume:  # noqa: ANN401
    return Volume(**{"id": "v", "name": name, "status": "available", "size_gib": 1, **changes})


def test_the_volume_of_a_killed_drill_is_found_by_its_name_a_day_later() -> None:
    left = volume(drill_volume_name(DEPLOYMENT, RUN, "daily"))
    assert left_behind([left], DEPLOYMENT, NOW + LEFT_AFTER) == ()
    assert left_behind([left], DEPLOYMENT, NOW + LEFT_AFTER + HOUR) == (left,)


@pytest.mark.parametrize(
    "name",
    [
        "db01",
        "vi-drill",
        f"vi-drill-{DEPLOYMENT}",
        f"vi-drill-{DEPLOYMENT}-20261399T000000Z-5f0c1a9e-daily",
        drill_volume_name("ffffffffffff", RUN, "daily"),
        drill_volume_name(DEPLOYMENT, RUN, "daily") + "_copy",
        "x" + drill_volume_name(DEPLOYMENT, RUN, "daily"),
        f"db01-restored-{RUN}",
    ],
)
def test_no_other_volume_is_ever_taken_for_one(name: str) -> None:
    assert left_behind([volume(name)], DEPLOYMENT, NOW + 30 * DAY) == ()


def test_what_somebody_attached_to_a_server_is_theirs() -> None:
    kept = volume(drill_volume_name(DEPLOYMENT, RUN, "daily"), server_id="server")
    assert left_behind([kept], DEPLOYMENT, NOW + 30 * DAY) == ()


@given(st.text(max_size=90))
def test_no_text_but_a_drill_s_name_is_removed(name: str) -> None:
    found = left_behind([volume(name)], DEPLOYMENT, datetime(2999, 1, 1, tzinfo=UTC))
    assert all(one.name.startswith(f"vi-drill-{DEPLOYMENT}-") for one in found)


def some(count: int) -> dict[tuple[str, str], Candidate]:
    (of,) = known(image(1))
    return {("otc", f"v{number}"): Candidate(f"{number}", of) for number in range(count)}


@given(st.integers(1, 40), st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_daily_drills_see_each_volume_once_in_a_round(count: int, day: date) -> None:
    begin = date.fromordinal(day.toordinal() // count * count)
    turns = [whose_turn("daily", some(count), begin + timedelta(days=n)) for n in range(count)]
    assert {turn.cloud for turn in turns if turn} == {f"{number}" for number in range(count)}


def test_weekly_drills_meet_all_volumes_too_also_where_seven_divides_their_number() -> None:
    weeks = [date(2026, 1, 5) + timedelta(weeks=number) for number in range(200)]
    turns = {turn.cloud for week in weeks if (turn := whose_turn("daily", some(14), week))}
    assert len(turns) == 14


def test_on_one_day_it_is_always_the_same_volume_s_turn() -> None:
    today = date(2026, 3, 10)
    assert whose_turn("daily", some(9), today) == whose_turn("daily", some(9), today)
    assert whose_turn("daily", {}, today) is None


def test_of_each_volume_its_newest_good_image_is_drilled_and_of_that_policy_alone() -> None:
    images = known(image(1, "old"), image(2, "new"), image(3, "bad", virtual_bytes=0))
    found = candidates_of("otc", images, "daily")
    assert {volume_id: one.image.image.id for volume_id, one in found.items()} == {DB: "new"}
    assert candidates_of("otc", images, "weekly") == {}
