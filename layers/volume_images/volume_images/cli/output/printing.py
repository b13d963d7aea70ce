"""Standard output is the result and nothing else; what went wrong is one line each beside it."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from volume_images.cli.exit_codes import ExitCode, of_report
from volume_images.cli.output.grid import Column, grid
from volume_images.cli.output.report_table import Names, report_table
from volume_images.errors import InputError
from volume_images.overview.spelling import plain
from volume_images.report import SERVED_RESULTS, Report


def print_json(document: object) -> None:
    """Print a result for scripts."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_line(text: str) -> None:
    """Print a result of one line for people."""
    sys.stdout.write(plain(text) + "\n")


def print_text(text: str) -> None:
    """Print a whole document, which spells out what is not printable itself."""
    sys.stdout.write(text)


def print_drawn(draw: Callable[[int], RenderableType]) -> None:
    """Print what is drawn to fit the width of the screen."""
    console = Console(highlight=False)
    console.print(draw(console.width), soft_wrap=True)


def print_grid(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> None:
    """Print rows of cells under their titles."""
    print_drawn(lambda width: grid(columns, rows, width))


def complain(text: str) -> None:
    """Write one line about what went wrong, where, and what to do."""
    sys.stderr.write(f"volume-images: {plain(' '.join(text.split()))}\n")


def print_report(report: Report, names: Names, *, as_json: bool) -> ExitCode:
    """Print what a run did, and return the exit code that says how it went."""
    if as_json:
        print_json(report.as_json())
    else:
        print_drawn(lambda width: report_table(report, names, width))
        if report.address:
            print_line(report.address)  # whole, to be copied
    for line in _complaints(report):
        complain(line)
    return of_report(report)


def _complaints(report: Report) -> list[str]:
    """Say each fault of the run once: a red run names its clouds' reasons already."""
    unserved = (
        f"{cloud.cloud}: {cloud.reason}"
        for cloud in report.clouds
        if cloud.result not in SERVED_RESULTS
    )
    lines = [*report.safety_stops]
    for line in (*report.red, *unserved):
        if not any(line in other or other in line for other in lines):
            lines.append(line)
    return lines


def write_page(path: Path, page: str) -> None:
    """Write a page to where a person asked for it. Raises InputError."""
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: name a file that can be written") from error
