"""The README shows the checkout as it is."""

import re

from tests.shape.test_lengths import PACKAGE, ROOT, lines

README = (ROOT / "README.md").read_text()
TREE = README.split("## The tree\n```\n")[1].split("```")[0]
LONGEST_READING = 600


def named(text: str) -> list[str]:
    """Return the files that a text names."""
    return re.findall(r"`([a-z_/]+\.(?:py|toml|yaml))`", text)


def test_every_path_of_the_tree_is_there() -> None:
    folders = {0: ROOT}
    for line in filter(None, TREE.splitlines()):
        depth = (len(line) - len(line.lstrip())) // 2
        path = folders[depth] / line.split()[0]
        assert path.exists(), path
        folders[depth + 1] = path


def test_the_tree_names_every_function_room_and_module() -> None:
    functions = {f"{file.parent.name}/" for file in (ROOT / "functions").glob("*/app.py")}
    rooms = {f"{file.parent.name}/" for file in PACKAGE.glob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    shown = set(re.findall(r"^    (\w+(?:\.py|/)) ", TREE, re.MULTILINE))
    assert shown == rooms | modules
    assert {name for name in functions if f" {name}" not in TREE} == set()


def test_every_file_that_is_named_is_there() -> None:
    files = set(named(README))
    assert len(files) > 20
    missing = {name for name in files if not any((at / name).exists() for at in (ROOT, PACKAGE))}
    assert missing == {"clouds.yaml"}  # the user's own


def test_five_files_explain_the_product_in_few_lines() -> None:
    files = named(README.split("## Five files")[1].split("\n## ")[0])
    assert len(files) == 5
    paths = [ROOT / name if (ROOT / name).exists() else PACKAGE / name for name in files]
    assert sum(map(lines, paths)) < LONGEST_READING


def test_every_folder_of_tests_says_what_it_proves() -> None:
    table = (ROOT / "tests" / "README.md").read_text()
    folders = {file.parent.name for file in ROOT.glob("tests/*/*.py")}
    assert {folder for folder in folders if f"`{folder}/`" not in table} == set()
