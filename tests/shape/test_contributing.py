"""Likely changes touch few files, and contributors are sent only where there is something."""

import re

import pytest

from tests.shape.test_lengths import PACKAGE, ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
CHANGES = re.findall(r"^\| (an? [^|]+) \| ([^|]+) \| ([^|]+) \|$", CONTRIBUTING, re.MULTILINE)
"""What changes, the files of code that it touches, and those of tests and documents."""

MOST_FILES = 3


def named(text: str) -> list[str]:
    """Return the files and folders that a text names."""
    return re.findall(r"`([\w./]+(?:\.(?:py|md|yaml)|/))`", text)


def test_eight_likely_changes_are_told() -> None:
    assert len(CHANGES) == 8


@pytest.mark.parametrize(("change", "code", "proof"), CHANGES)
def test_a_likely_change_touches_few_files(change: str, code: str, proof: str) -> None:
    assert 1 <= len(named(code)) <= MOST_FILES, change
    assert "tests/" in proof, change


def test_every_file_that_is_named_is_there() -> None:
    files = set(named(CONTRIBUTING)) - {"tests/cli/test_..._command.py"}
    assert len(files) > 30
    missing = {name for name in files if not any((at / name).exists() for at in (ROOT, PACKAGE))}
    assert missing == set()
