"""What the demo prints: short sentences, commands, tables of at most 100 columns."""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from volume_images.image_name import ImageName

WIDTH = min(100, shutil.get_terminal_size((100, 24)).columns)

Outcome = dict[str, Any]


class Screen:
    """Where the story is told."""

    def __init__(self) -> None:
        self._console = Console(width=WIDTH, highlight=False)

    def chapter(self, title: str) -> None:
        self._console.print()
        self._console.print(Text(title, style="bold"))

    def say(self, text: str) -> None:
        self._console.print(Text(text))

    def command(self, arguments: Sequence[str]) -> None:
        self._console.print(Text(f"$ {' '.join(arguments)}", style="cyan"))

    def check(self, claim: str, *, holds: bool) -> None:
        mark = Text("  ok      ", style="green") if holds else Text("  NOT SO  ", style="bold red")
        self._console.print(mark.append(claim, style="default"))

    def announced(self, outcomes: Iterable[Outcome]) -> None:
        """Sum up what stands announced: volume by volume, with the hour at which it goes."""
        table = _table("volume", "announced", "oldest", "newest", "goes at")
        by_volume: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            by_volume[_label(outcome)].append(outcome)
        for label, images in sorted(by_volume.items()):
            slots = sorted(image["slot"] for image in images)
            hours = sorted({_minute(image["details"]["deletes_at"]) for image in images})
            table.add_row(label, str(len(images)), slots[0][:10], slots[-1][:10], " ".join(hours))
        self._show(table)

    def kept(self, outcomes: Iterable[Outcome]) -> None:
        """List images with the reasons why they stay."""
        table = _table("slot", "result", "reasons")
        for outcome in sorted(outcomes, key=lambda image: image["slot"], reverse=True):
            table.add_row(_minute(outcome["slot"]), outcome["result"], Text(outcome["reason"]))
        self._show(table)

    def days(self, rows: Iterable[tuple[datetime, dict[str, int]]]) -> None:
        """Show what each day's cleanup counted."""
        results = ("kept", "announced", "deleted", "unknown")
        table = _table("cleanup of", *results)
        for moment, counts in rows:
            table.add_row(f"{moment:%a %Y-%m-%d %H:%MZ}", *(str(counts[name]) for name in results))
        self._show(table)

    def _show(self, table: Table) -> None:
        self._console.print(Padding(table, (0, 0, 0, 2)))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=column != "reasons")
    return table


def _label(outcome: Outcome) -> str:
    name = ImageName.parse(outcome["image_name"])
    return name.label if name else outcome["volume_id"]


def _minute(time: str) -> str:
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%MZ}"
