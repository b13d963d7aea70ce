"""What people read, and the commands, links and walks in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGES = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
    CHECKOUT / "tests" / "README.md",
    *sorted((CHECKOUT / "tests").glob("*/README.md")),
]

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a walk, and the lines that it prints; `...` stands for anything."""

    command: str
    output: tuple[str, ...]


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [body for name, body in _FENCED.findall(text) if name == language]


def code(text: str) -> Iterator[str]:
    """Yield every line of fenced blocks, and every span in between."""
    for _, body in _FENCED.findall(text):
        yield from body.splitlines()
    yield from _SPAN.findall(_FENCED.sub("", text))


def prose(text: str) -> list[str]:
    """Return the lines of a page without fenced blocks, spans and where links lead."""
    plain = _SPAN.sub("", _FENCED.sub("", text))
    return re.sub(r"\]\([^)\s]+\)", "]", plain).splitlines()


def steps(text: str) -> list[Step]:
    """Return the commands of all `console` blocks, in their order."""
    found: list[Step] = []
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *output = part.rstrip("\n").split("\n")
            found.append(Step(command, tuple(output)))
    return found


def fits(written: tuple[str, ...], printed: list[str]) -> bool:
    """Whether what was printed is what is written."""
    if not written:
        return not printed
    first, rest = written[0], written[1:]
    if first.strip() == "...":
        return any(fits(rest, printed[start:]) for start in range(len(printed) + 1))
    wanted = ".*".join(re.escape(piece) for piece in first.split("..."))
    return bool(printed and re.fullmatch(wanted, printed[0].rstrip()) and fits(rest, printed[1:]))


def anchors(text: str) -> set[str]:
    """Return what links to headings of a page may name, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def links(text: str) -> list[str]:
    """Return where the links of a page lead that stay in the checkout."""
    targets = re.findall(r"\]\(([^)\s]+)\)", _FENCED.sub("", text))
    return [target for target in targets if not target.startswith(("http:", "https:"))]
