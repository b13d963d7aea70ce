"""Tables on screens of any width: nothing is cut, and short words stay whole."""

import pytest
from rich.text import Text

from volume_images.cli.output.grid import SHORT_WORD, Column, grid, paragraph, wrapped

COLUMNS = [
    Column("volume", wraps=True),
    Column("policy", wraps=True),
    Column("slot"),
    Column("reason", wraps=True, below=True),
    Column("images", right=True),
]
NAME = "a-very-long-name-of-a-volume-that-goes-on"
ROWS = [
    ("db01-data", "daily", "2026-03-02 02:00Z", "volume_uploading next_attempt=2026-03-02", "7"),
    (NAME, "daily.request", "2026-03-02 02:00Z", "export_failed", "12"),
]


def drawn(width: int) -> list[str]:
    cells = [[Text(text) for text in row] for row in ROWS]
    return grid(COLUMNS, cells, width).plain.splitlines()


def test_a_wide_screen_has_every_row_on_one_line() -> None:
    titles, *lines = drawn(140)
    assert titles.split() == [column.title for column in COLUMNS]
    assert [line.split("  ")[0] for line in lines] == ["db01-data", NAME]
    assert [line.split() for line in lines] == [" ".join(row).split() for row in ROWS]


def test_a_narrow_screen_has_long_reasons_below_their_rows() -> None:
    assert drawn(59) == [
        "volume             policy         slot               images",
        "db01-data          daily          2026-03-02 02:00Z       7",
        "  volume_uploading next_attempt=2026-03-02",
        "a-very-long-name-  daily.request  2026-03-02 02:00Z      12",
        "of-a-volume-that-",
        "goes-on",
        "  export_failed",
    ]


@pytest.mark.parametrize("width", [56, 62, 80, 100, 120, 140])
def test_no_line_is_wider_than_the_screen_and_no_letter_is_lost(width: int) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    letters = sorted("".join(lines).replace(" ", ""))
    titles = "".join(column.title for column in COLUMNS if column.title in lines[0])
    cells = "".join(text for row in ROWS for text in row)
    assert letters == sorted((titles + cells).replace(" ", ""))


@pytest.mark.parametrize("width", [62, 80, 100, 120])
def test_a_short_word_is_never_broken(width: int) -> None:
    text = "\n".join(drawn(width))
    short = {word for row in ROWS for cell in row for word in cell.split() if len(word) <= 16}
    assert SHORT_WORD == 16
    assert all(word in text for word in short)


def test_a_long_word_breaks_where_its_parts_meet_and_a_part_only_if_it_must() -> None:
    assert wrapped("why=volume_uploading now", 12) == ["why=volume_", "uploading", "now"]
    assert wrapped("0123456789abcdef", 6) == ["012345", "6789ab", "cdef"]


def test_wide_letters_count_for_what_they_take_on_a_screen() -> None:
    lines = grid([Column("volume"), Column("x")], [[Text("日本"), Text("1")]], 20).plain
    assert lines.splitlines() == ["volume  x", "日本    1"]


def test_a_cell_keeps_its_colour_on_every_line_of_it() -> None:
    lines = grid([Column("a", wraps=True)], [[Text("one two", style="red")]], 4)
    assert [str(span.style) for span in lines.spans] == ["bold", "red", "red"]


def test_a_paragraph_is_broken_between_words() -> None:
    assert paragraph("one two", 4).plain == "one\ntwo"
