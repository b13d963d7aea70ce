"""One word for one thing, wherever somebody reads: pages, template, messages and comments."""

import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.documents.pages import CHECKOUT, PAGES, prose

PACKAGE = CHECKOUT / "layers" / "volume_images" / "volume_images"
READ = [*PAGES, CHECKOUT / "template.yaml"]
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(CHECKOUT / "functions").rglob("*.py")])

STRAYS = {
    "volume": r"disks?|drives?",
    "image": r"snapshots?|AMIs?|backups?|backed up",
    "export": r"dump(?:s|ed|ing)?",
    "request": r"ad[- ]hoc",
    "expired": r"prun(?:e|es|ed|ing)|purg(?:e|es|ed|ing)|TTL",
    "announced": r"soft[- ]deleted|marked for deletion",
    "settle": r"poll(?:s|ed|ing)?|sync(?:s|ed|ing)?|synchroni[sz]\w*",
    "under way": r"on (?:its|their) way",
}
"""What to say, and what others say for it."""

_STRAY = re.compile(rf"(?<![\w./:-])(?:{'|'.join(STRAYS.values())})(?![\w/:(.-])", re.IGNORECASE)

OF_OTHERS = re.compile(
    r"restic|CBR|Borg|RAM|A snapshot is always whole|guard backups|repository of"
)
"""Lines that speak of what is not ours, in its own words."""

OF_A_CLOUD = {
    ("dialect.py", "disk"),  # formats of an image
    ("huawei.py", "disk"),  # titles of the vendor's pages
    ("image_jobs.py", "disk"),
    ("model.py", "disk"),  # what is inside of an image
    ("recognition.py", "disk"),
    ("schema.py", "disk"),
    ("volumes.py", "disk"),
    ("schema.py", "ami"),  # a format
    ("grouping.py", "snapshot"),  # what tags are called that people set before they knew us
    ("grouping.py", "backup"),
    ("init.py", "backup"),  # the name of a project in an example
    ("pace.py", "on their way"),  # requests
}


def strays(text: str) -> set[str]:
    """Return the words in a line that mean something of ours and are not ours."""
    if OF_OTHERS.search(text):
        return set()
    return {word.lower().removesuffix("s") for word in _STRAY.findall(text)}


def read_by_people(source: Path) -> list[str]:
    """Return the strings and comments of a module."""
    tokens = tokenize.generate_tokens(io.StringIO(source.read_text()).readline)
    return [token.string for token in tokens if token.type in (tokenize.STRING, tokenize.COMMENT)]


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_a_page_calls_things_what_they_are_called(page: Path) -> None:
    assert {word for line in prose(page.read_text()) for word in strays(line)} == set()


def test_the_code_calls_things_what_they_are_called() -> None:
    found = {
        (source.name, word)
        for source in SOURCES
        for text in read_by_people(source)
        for line in text.splitlines()
        for word in strays(line)
    }
    assert found - OF_A_CLOUD == set()


def sentences(page: Path) -> dict[str, str]:
    """Return every run of ten words of a page, and the page."""
    words = " ".join(prose(page.read_text())).split()
    return {" ".join(words[at : at + 10]): page.name for at in range(len(words) - 9)}


def test_nothing_is_said_on_two_pages() -> None:
    said: dict[str, str] = {}
    twice = []
    for page in PAGES:
        new = {} if page.name == "commands.md" else sentences(page)
        twice += [(said[words], page.name, words) for words in new.keys() & said.keys()]
        said |= new
    assert twice == []
