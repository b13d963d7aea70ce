"""docs/commands.md: what each command says of itself, word for word."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from volume_images.cli.command import app

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
COLUMNS = {"COLUMNS": "80"}
"""The environment in which the page shows the help."""

Words = tuple[str, ...]

_BEGINNING = """# Commands

What `volume-images COMMAND --help` says. `make docs` writes this page; a test compares it with the
commands. [operations.md](operations.md#by-hand) says what to set before a command, so that it sees
what the functions see; [reasons.md](reasons.md) tells results, reasons and exit codes.
"""


def paths() -> list[Words]:
    """Return the words of every command, in the order of the help; groups before their parts."""
    return list(_paths(typer.main.get_command(app), ()))


def _paths(command: Any, words: Words) -> Iterator[Words]:  # noqa: ANN401 - typer does not export it
    for name, part in getattr(command, "commands", {}).items():
        yield (*words, name)
        yield from _paths(part, (*words, name))


def page(help_of: Callable[[Words], str]) -> str:
    """Return the whole page, given a way to ask a command for its help."""
    every = [(), *paths()]
    return "\n".join([_BEGINNING, *(_section(words, help_of(words)) for words in every)])


def _section(words: Words, text: str) -> str:
    return f"## {' '.join(('volume-images', *words))}\n```\n{text.rstrip()}\n```\n"
