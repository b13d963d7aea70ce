"""A table that fits its screen: lines break between words, and what finds no room goes below."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.text import Text

from volume_images.overview.spelling import plain

GAP = 2
INDENT = "  "

LEAST_BESIDE = 20
"""A column goes below its row rather than be narrower than this, or take more than two lines."""

AMPLE = 24
"""A column that wraps is not made narrower than this before another one goes below."""

SHORT_WORD = 16
"""A word up to this long is never broken: `volume_uploading`."""

_PIECES = re.compile(r"[^_=/,.-]*[_=/,.-]+|[^_=/,.-]+")
"""Where a longer word may be broken that has no room on one line: `a-long-/name`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title, and what may become of it on a narrow screen.

    One that `wraps` may take several lines; one that goes `below` stands under its row instead.
    """

    title: str
    wraps: bool = False
    below: bool = False
    right: bool = False


def cell(text: str, style: str = "") -> Text:
    """Return text as it is: `db01[/x]` is no markup, and nothing in it commands the screen."""
    return Text(plain(text), style=style)


class _Placed(NamedTuple):
    """Which columns stand side by side, how wide, and which below."""

    beside: Sequence[int]
    widths: Sequence[int]
    below: Sequence[int]


def grid(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> Text:
    """Draw rows of cells under their titles, no line wider than `width` where that can be."""
    placed = _placed(columns, rows, width)
    titles = [Text(column.title, style="bold") for column in columns]
    shown: list[Text] = list(_row(columns, titles, placed))
    for row in rows:
        shown += _row(columns, row, placed)
        shown += _below([row[index] for index in placed.below], width)
    drawn = Text("\n").join(shown)
    drawn.no_wrap, drawn.overflow = True, "ignore"  # its lines are broken already
    return drawn


def paragraph(text: str, width: int, style: str = "") -> Text:
    """Draw a text in lines of whole words."""
    return Text("\n".join(wrapped(text, width)), style, no_wrap=True, overflow="ignore")


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines: between words, in a word only where it is too long for a line."""
    lines = [""]
    for word in text.split(" "):
        pieces = [word] if cell_len(word) <= width else _PIECES.findall(word)
        joint = " " if lines[-1] else ""
        for piece in pieces:
            if cell_len(lines[-1] + joint + piece) <= width:
                lines[-1] += joint + piece
            else:
                first, *others = chop_cells(piece, width)
                lines[-1:] = [line for line in (lines[-1], first, *others) if line]
            joint = ""
    return lines


def _placed(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> _Placed:
    titled = [[Text(column.title) for column in columns], *rows]
    natural = [max(cell_len(row[index].plain) for row in titled) for index in range(len(columns))]
    least = [_least(column, natural[index], titled, index) for index, column in enumerate(columns)]
    every = range(len(columns))
    aside = [index for index in every if columns[index].below]
    others = [index for index in every if index not in aside]
    ample = [max(least[index], min(natural[index], AMPLE)) for index in every]
    wanted = [least[index] if index in aside else ample[index] for index in every]
    tight = [
        min(least[index], LEAST_BESIDE // 2) if columns[index].wraps else least[index]
        for index in every
    ]
    if _sum(wanted) <= width:
        return _Placed(every, _shrunk(every, natural, wanted, width), ())
    if _sum([least[index] for index in others]) <= width:
        return _Placed(others, _shrunk(others, natural, least, width), aside)
    return _Placed(others, _shrunk(others, natural, tight, width), aside)


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _least(column: Column, natural: int, rows: Iterable[Sequence[Text]], index: int) -> int:
    """Return how wide a column must be for its words to stay whole, long ones apart."""
    if not column.wraps:
        return natural
    words = {word for row in rows for word in row[index].plain.split(" ")}
    short = [word for word in words if cell_len(word) <= SHORT_WORD]
    pieces = [piece for word in words.difference(short) for piece in _PIECES.findall(word)]
    longest = max(map(cell_len, (*short, *pieces)), default=0)
    return max(longest, min(natural, LEAST_BESIDE), natural // 2) if column.below else longest


def _shrunk(
    beside: Sequence[int], natural: Sequence[int], least: Sequence[int], width: int
) -> list[int]:
    """Take from the widest column that has room to give, until all fit."""
    widths = {index: natural[index] for index in beside}
    while _sum(list(widths.values())) > width:
        giving = [index for index in beside if widths[index] > least[index]]
        if not giving:
            break
        widths[max(giving, key=lambda index: widths[index])] -= 1
    return list(widths.values())


def _row(columns: Sequence[Column], cells: Sequence[Text], placed: _Placed) -> Iterator[Text]:
    parts = [
        wrapped(cells[index].plain, max(width, 1))
        for index, width in zip(placed.beside, placed.widths, strict=True)
    ]
    for number in range(max(map(len, parts), default=0)):
        line = Text()
        for index, width, lines in zip(placed.beside, placed.widths, parts, strict=True):
            shown = lines[number] if number < len(lines) else ""
            room = " " * (width - cell_len(shown))
            line.append(room if columns[index].right else "")
            line.append(shown, style=cells[index].style)
            line.append(("" if columns[index].right else room) + " " * GAP)
        line.rstrip()
        yield line


def _below(cells: Sequence[Text], width: int) -> Iterator[Text]:
    """Put what found no room beside under its row, as one paragraph."""
    said = (" " * GAP).join(cell.plain for cell in cells if cell.plain)
    if said:
        for line in wrapped(said, width - len(INDENT)):
            yield Text(INDENT + line)
