"""The shape of the code is the one that README and CONTRIBUTING promise."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/volume_images/volume_images"
FILES = sorted([*PACKAGE.glob("**/*.py"), *(ROOT / "functions").rglob("*.py")])
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()

LONGEST_FILE = 320
LONGEST_FUNCTION = 50
LONGEST_READING = 600
LONG_BY_THEIR_OPTIONS = {"init", "probe", "restore", "retention", "simulate"}
"""Commands: each option is an argument with its help, and most of the function."""

MOST_FILES_OF_A_CHANGE = 3

CHANGES = re.findall(r"^\| (an? [^|]+) \| ([^|]+) \| ([^|]+) \|$", CONTRIBUTING, re.MULTILINE)
"""What changes, the files of code that it touches, and those of tests and documents."""


def named(text: str) -> list[str]:
    """Return the files that a text names."""
    return re.findall(r"`((?:\w+/)*\w+\.(?:py|md)|template\.yaml)`", text)


def there(name: str) -> bool:
    """Whether a file exists: of the checkout, or of the package."""
    return (ROOT / name).is_file() or (PACKAGE / name).is_file()


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function with its count of lines, decorators apart."""
    options = LONG_BY_THEIR_OPTIONS if path.parent.name == "cli" else set()
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
    alone = [room.name for room in rooms if len(list(room.glob("[!_]*.py"))) < 2]
    assert alone == []


def test_the_tree_of_the_readme_names_every_room_and_module_and_no_other() -> None:
    tree = README.split("## The tree")[1].split("```")[1]
    rooms = {f"{path.name}/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    shown = set(re.findall(r"^    (\w+(?:\.py|/)) ", tree, re.MULTILINE))
    assert shown == rooms | modules


def test_five_files_explain_the_product_in_few_lines() -> None:
    paths = named(README.split("## Five files")[1].split("\n## ")[0])
    assert len(paths) == 5
    found = [ROOT / name if (ROOT / name).is_file() else PACKAGE / name for name in paths]
    assert sum(map(lines, found)) < LONGEST_READING


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_file_that_is_named_exists(page: str) -> None:
    assert [name for name in named(page) if not there(name)] == []


@pytest.mark.parametrize(("change", "code", "proof"), CHANGES)
def test_a_likely_change_touches_few_files(change: str, code: str, proof: str) -> None:
    assert 1 <= len(named(code)) <= MOST_FILES_OF_A_CHANGE, change
    assert "tests/" in proof, change


def test_eight_likely_changes_are_told() -> None:
    assert len(CHANGES) == 8
