"""No file, no function and no folder is larger or smaller than what can be taken in at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/volume_images/volume_images"
FILES = sorted([*PACKAGE.glob("**/*.py"), *(ROOT / "functions").rglob("*.py")])

LONGEST_FILE = 320
LONGEST_FUNCTION = 50
LONG_BY_THEIR_OPTIONS = {"init", "restore", "simulate"}
"""Commands: each option is an argument with its help, and most of the function."""


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function with its count of lines, decorators apart."""
    options = LONG_BY_THEIR_OPTIONS if path.parent.name == "commands" else set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in options:
                continue
            assert node.end_lineno is not None
            yield f"{path.name}: {node.name}", node.end_lineno - node.lineno + 1


def test_no_file_is_long() -> None:
    assert {path.name: lines(path) for path in FILES if lines(path) > LONGEST_FILE} == {}


def test_no_function_is_long() -> None:
    found = (function for path in FILES for function in functions_of(path))
    assert {name: length for name, length in found if length > LONGEST_FUNCTION} == {}


def test_no_folder_holds_a_single_module() -> None:
    rooms = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    assert [room.name for room in rooms if len(list(room.glob("[!_]*.py"))) < 2] == []
