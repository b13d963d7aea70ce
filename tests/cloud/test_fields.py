"""What a cloud says is data: every field has its type checked, and errors name the place."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volume_images.cloud.fields import Entry
from volume_images.errors import CloudUnavailable


def entry(**values: object) -> Entry:
    return Entry(values, "GET volumes[3]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-20T07:28:45.780415", datetime(2025, 3, 20, 7, 28, 45, 780415, tzinfo=UTC)),
        ("2018-09-06T14:03:27Z", datetime(2018, 9, 6, 14, 3, 27, tzinfo=UTC)),
        ("2020-01-04T09:05:22.701000Z", datetime(2020, 1, 4, 9, 5, 22, 701000, tzinfo=UTC)),
        ("2018-10-28 10:00:00", datetime(2018, 10, 28, 10, tzinfo=UTC)),
        ("2026-11-23T10:13:40.000000", datetime(2026, 11, 23, 10, 13, 40, tzinfo=UTC)),
        ("2020-01-04T11:00:00+02:00", datetime(2020, 1, 4, 9, tzinfo=UTC)),
    ],
)
def test_all_time_formats_of_these_clouds_are_read_as_utc(text: str, expected: datetime) -> None:
    assert entry(at=text).instant("at") == expected


def test_numbers_and_booleans_may_be_spelled_as_strings() -> None:
    read = entry(size="12929990656", bits="", yes="True", no="false", real=True)
    assert read.whole("size") == 12_929_990_656
    assert read.optional_whole("bits") is None
    assert (read.flag("yes"), read.flag("no"), read.flag("real")) == (True, False, True)
    assert read.flag("absent") is False


def test_null_and_absent_are_empty_where_that_is_allowed() -> None:
    read = entry(name=None, tags=None, metadata=None, attachments=None)
    assert read.text("name") == ""
    assert read.optional_text("name") is None
    assert read.words("tags") == ()
    assert read.texts("metadata") == {}
    assert read.optional_entries("attachments") == ()
    assert read.optional_instant("at") is None
    assert read.optional_entry("type") is None


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("identifier", None),
        ("identifier", ""),
        ("identifier", "../../etc"),
        ("identifier", 7),
        ("text", 7),
        ("whole", None),
        ("whole", -1),
        ("whole", True),
        ("whole", 1.5),
        ("whole", "ten"),
        ("whole", "9" * 30),
        ("flag", "yes"),
        ("flag", 1),
        ("instant", None),
        ("instant", ""),
        ("instant", "yesterday"),
        ("instant", "0001-01-01T00:00:00+23:00"),
        ("words", "a"),
        ("words", ["a", 1]),
        ("texts", ["a"]),
        ("texts", {"a": 1}),
        ("entry", None),
        ("entry", []),
        ("entries", None),
        ("entries", {}),
        ("entries", ["a"]),
    ],
)
def test_a_field_of_the_wrong_type_is_named_with_its_place(reader: str, value: object) -> None:
    values = {} if (reader, value) == ("entries", None) else {"field": value}
    with pytest.raises(CloudUnavailable, match=r"volumes\[3\]\.field"):
        getattr(Entry(values, "GET volumes[3]"), reader)("field")


def test_entries_know_their_place() -> None:
    (first, second) = entry(items=[{}, {"name": 1}]).entries("items")
    assert first.where == "GET volumes[3].items[0]"
    with pytest.raises(CloudUnavailable, match=r"items\[1\]\.name"):
        second.text("name")


@given(st.text())  # hypothesis makes no half characters
def test_a_text_can_always_be_written_down(text: str) -> None:
    written = entry(name=text).text("name").encode("utf-8")
    assert written.decode() == text


def test_half_a_character_is_replaced() -> None:
    assert entry(name="a\ud800b").text("name") == "a?b"


@given(st.datetimes(datetime(1970, 1, 1), datetime(8999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_time_survives_being_written_and_read(moment: datetime) -> None:
    assert entry(at=moment.isoformat()).instant("at") == moment
