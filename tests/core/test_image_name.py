"""Image names: one spelling for each name, and nothing that is not ours is taken for ours."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from volume_images.image_name import MAX_LENGTH, ImageName, name_for, safe_label
from volume_images.model import GroupKey

VOLUME_ID = "16369c5d-384d-4e64-b37a-56d898769362"
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
TEXT = f"acme-prod_daily_db01-data_{VOLUME_ID}_20260302T020000Z"
NAME = ImageName(
    prefix="acme-prod",
    policy="daily",
    requested=False,
    label="db01-data",
    volume_id=VOLUME_ID,
    slot=SLOT,
)

prefixes = st.from_regex(r"[A-Za-z0-9.-]{1,20}", fullmatch=True)
policies = st.from_regex(r"[a-z0-9-]{1,24}", fullmatch=True)
slots = st.datetimes(datetime(1970, 1, 1), datetime(8999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda slot: slot.replace(microsecond=0)
)
groups = st.builds(GroupKey, policies, st.booleans(), st.uuids().map(str))
hostile_names = st.text() | st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "../../etc/passwd",
        f"x_{VOLUME_ID}_20260302T020000Z",
        "data (old) [2] {x} %s %n",
        "_leading_and_trailing_",
        "Müller & Söhne / Straße 5",
        "数据盘-01",
        "line\nbreak\ttab\0nul",
        "\ud800 lone surrogate",
        "a" * 300,
        "_" * 300,
    ]
)


def test_a_name_says_prefix_policy_label_volume_and_slot() -> None:
    assert str(NAME) == TEXT
    assert ImageName.parse(TEXT) == NAME


def test_a_requested_export_has_a_policy_segment_and_a_group_of_its_own() -> None:
    name = ImageName.parse(f"acme_daily.request__{VOLUME_ID}_20260302T020000Z")

    assert name is not None
    assert name.label == ""
    assert name.group == GroupKey("daily", requested=True, volume_id=VOLUME_ID)


def test_the_whole_second_in_utc_is_the_slot_whatever_the_zone_object() -> None:
    name = ImageName.parse(TEXT)

    assert name is not None
    assert name.slot == SLOT.replace(tzinfo=ZoneInfo("UTC"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my own image",
        TEXT.upper(),
        TEXT + "\n",
        " " + TEXT,
        TEXT.removesuffix("Z"),
        TEXT.replace("20260302", "20260230"),
        TEXT.replace("T020000Z", "T240000Z"),
        TEXT.replace("T020000Z", "T025960Z"),
        TEXT.replace("20260302", "00000302"),
        TEXT.replace("20260302", "٢٠٢٦٠٣٠٢"),
        TEXT.replace(VOLUME_ID, VOLUME_ID.replace("-", "")),
        TEXT.replace(VOLUME_ID, VOLUME_ID[:-1]),
        TEXT.replace("_daily_", "_Daily_"),
        TEXT.replace("_daily_", "_daily.requests_"),
        TEXT.replace("_daily_", "__"),
        TEXT.replace("_db01-data", ""),
        TEXT.replace("db01-data", "db01 data"),
        TEXT.replace("db01-data", "a" * 60),
        TEXT.replace("acme-prod", "a" * 21),
        TEXT.replace("_daily_", f"_{'d' * 25}_"),
    ],
)
def test_what_does_not_parse_back_to_itself_is_not_ours(text: str) -> None:
    assert ImageName.parse(text) is None


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("prefix", "acme_prod"),
        ("prefix", ""),
        ("prefix", "a" * 21),
        ("policy", "daily.request"),
        ("policy", "daily_fast"),
        ("policy", "d" * 25),
        ("label", "a b"),
        ("label", "a" * 60),
        ("volume_id", VOLUME_ID.upper()),
        ("volume_id", f"x_{VOLUME_ID}"),
        ("slot", SLOT.replace(microsecond=1)),
        ("slot", SLOT.replace(tzinfo=None)),
        ("slot", SLOT.replace(tzinfo=ZoneInfo("Europe/Berlin"))),
    ],
)
def test_parts_that_would_not_parse_back_are_refused(part: str, value: object) -> None:
    parts = {
        "prefix": "acme-prod",
        "policy": "daily",
        "requested": False,
        "label": "db01-data",
        "volume_id": VOLUME_ID,
        "slot": SLOT,
    }
    with pytest.raises(ValueError, match=r"parses back|whole second|longer than 128"):
        ImageName(**{**parts, part: value})


@given(groups, prefixes, hostile_names, slots)
def test_every_name_fits_and_parses_back_to_itself(
    group: GroupKey, prefix: str, human_name: str, slot: datetime
) -> None:
    name = name_for(group, prefix=prefix, human_name=human_name, slot=slot)

    assert len(str(name)) <= MAX_LENGTH
    assert ImageName.parse(str(name)) == name
    assert name.group == group
    assert (name.prefix, name.slot) == (prefix, slot)


@given(st.text() | st.from_regex(r"[a-z]{1,3}_[a-z]{1,3}_\w*_[0-9a-f-]{36}_[0-9]{8}T[0-9]{6}Z"))
@example(f"a_b__{VOLUME_ID}_99999999T999999Z")
def test_parsing_never_raises_and_never_guesses(text: str) -> None:
    name = ImageName.parse(text)

    assert name is None or str(name) == text


@given(hostile_names, st.integers(0, 64))
def test_a_label_is_safe_fits_its_room_and_stays_as_it_is(human_name: str, room: int) -> None:
    label = safe_label(human_name, room)

    assert len(label) <= room
    assert set(label) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert safe_label(label, room) == label


@pytest.mark.parametrize(
    ("human_name", "label"),
    [
        ("db01-data", "db01-data"),
        ("db_01.data", "db_01.data"),
        ("Müller & Söhne", "Muller-Sohne"),
        ("a / b", "a-b"),
        ("数据盘-01", "01"),
        ("数据盘", ""),
        ("</script>", "script"),
    ],
)
def test_a_label_reads_like_the_human_name(human_name: str, label: str) -> None:
    assert safe_label(human_name, 40) == label


def test_the_longest_parts_still_leave_room_for_a_label() -> None:
    group = GroupKey("d" * 24, requested=True, volume_id=VOLUME_ID)

    name = name_for(group, prefix="p" * 20, human_name="database-01-data-volume", slot=SLOT)

    assert name.label == "database-01-data-vol"
    assert len(str(name)) == MAX_LENGTH
