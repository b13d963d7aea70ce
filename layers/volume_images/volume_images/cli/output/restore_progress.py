"""What a person sees while volumes are made: bars on a screen, else a line for each change."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from volume_images.overview.spelling import plain
from volume_images.restore.making import Progress as Look

Show = Callable[[str, Look], None]
"""Takes a label and how its volume is now."""


@contextmanager
def shown(*, quiet: bool = False) -> Iterator[Show]:
    """Give what shows each look at a new volume, on standard error."""
    if quiet:
        yield lambda _label, _look: None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Show]:
    """Show a bar for each label: how far a cloud is it does not tell, only the status and time."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def show(label: str, look: Look) -> None:
            if label not in tasks:
                tasks[label] = progress.add_task("", total=None)
            progress.update(tasks[label], description=plain(f"{label}: {look.status}"))

        yield show


def _lines() -> Show:
    said: dict[str, str] = {}

    def show(label: str, look: Look) -> None:
        if said.get(label) != look.status:
            said[label] = look.status
            told = f"{label}: volume {look.volume_id} is {look.status} after {look.seconds:.0f} s"
            sys.stderr.write(plain(told) + "\n")

    return show
