"""Documents: plain data or one clear problem with its line and column."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from volume_images.config.documents import MAX_BYTES, read_document
from volume_images.errors import ConfigError

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_yaml_and_json_give_the_same_data() -> None:
    yaml = b"a: [1, 'x']\nb: {c: true, d: ~, e: 0.5}\n"
    as_json = b'{"a": [1, "x"], "b": {"c": true, "d": null, "e": 0.5}}'

    assert read_document(yaml, "f") == read_document(as_json, "f")


def test_json_escapes_of_characters_beyond_the_basic_plane_are_read() -> None:
    assert read_document(b'{"name": "\\ud83d\\ude00"}', "f") == {"name": "\N{GRINNING FACE}"}


def test_a_byte_order_mark_is_skipped() -> None:
    assert read_document(b"\xef\xbb\xbfa: 1", "f") == {"a": 1}


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        (b"", "", "the document is empty"),
        (b"# nothing but a comment", "", "the document is empty"),
        (b"a: \xff", "", "not UTF-8 at byte 3: save the file as UTF-8"),
        (b"a: 1\na: 2", "line 2, column 1", "the key 'a' is there twice: leave one of them out"),
        (
            b'{"a": 1,\n "a": 2}',
            "line 2, column 2",
            "the key 'a' is there twice: leave one of them out",
        ),
        (
            b"a: {b: {c: 1, c: 1}}",
            "line 1, column 15",
            "the key 'c' is there twice: leave one of them out",
        ),
        (
            b"a: &x 1\nb: *x",
            "line 1, column 4",
            "anchors and aliases are not read: write the value out",
        ),
        (
            b"a: 1\n<<: {b: 1}",
            "line 2, column 1",
            "'<<' is not read: put it in quotes",
        ),
        (b"a: !thing 1", "line 1, column 4", "the tag '!thing' is not read: leave it out"),
        (
            b"a: !!python/object/apply:os.system [x]",
            "line 1, column 4",
            "the tag 'tag:yaml.org,2002:python/object/apply:os...' is not read: leave it out",
        ),
        (
            b"12: x",
            "line 1, column 1",
            "a key must be a string, not a number: put it in quotes",
        ),
        (
            b"on: x",
            "line 1, column 1",
            "a key must be a string, not a boolean: put it in quotes",
        ),
        (
            b"2026-03-02: x",
            "line 1, column 1",
            "a key must be a string, not a date: put it in quotes",
        ),
        (b"? \n: x", "line 1, column 2", "a key must be a string, not nothing: put it in quotes"),
        (
            b"[a]: x",
            "line 1, column 1",
            "a key must be a string, not a list or a mapping: put it in quotes",
        ),
        (b"at: 2026-13-45", "line 1, column 5", "'2026-13-45' cannot be read: put it in quotes"),
        (b"a: 1\n---\nb: 1", "line 2, column 1", "a second document: only one is read"),
        (
            b"a: b: c",
            "line 1, column 5",
            "neither JSON nor YAML: mapping values are not allowed in this context",
        ),
    ],
)
def test_one_problem_says_what_and_where(body: bytes, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(body, "s3://bucket/config.yaml")

    assert caught.value.source == "s3://bucket/config.yaml"
    assert [(p.path, p.message) for p in caught.value.problems] == [(path, message)]


def test_a_document_of_more_than_a_mebibyte_is_refused_unread() -> None:
    read_document(b"a: 1" + b" " * (MAX_BYTES - 4), "f")

    with pytest.raises(ConfigError, match="1048577 bytes are too much"):
        read_document(b"a: 1" + b" " * (MAX_BYTES - 3), "f")


@pytest.mark.parametrize("opening", [b"[", b"- ", b"{a: ", b'{"a":', b"? "])
def test_deep_nesting_is_a_problem_not_a_crash(opening: bytes) -> None:
    """A mebibyte of brackets would overrun the stack of libyaml's own composer."""
    body = opening * (MAX_BYTES // len(opening))

    with pytest.raises(ConfigError, match="nested deeper than 20 levels"):
        read_document(body, "f")


@given(st.binary(max_size=80))
@example(b'{"a": "\\ud800"}')
@example(b"a: \x00")
@example(b"a: " + b"9" * 5000)
def test_arbitrary_bytes_are_data_or_a_problem_of_one_line(body: bytes) -> None:
    said = []
    try:
        read_document(body, "f")
    except ConfigError as error:
        said = str(error).splitlines()

    assert len(said) <= 1


@given(st.dictionaries(st.text(), plain, max_size=4))
def test_what_json_writes_is_read_back(document: dict[str, object]) -> None:
    assert read_document(json.dumps(document).encode(), "f") == document
