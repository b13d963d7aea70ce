"""No secret in the checkout nor in its history: what detect-secrets finds must be explained.

    python -m tests.security.secrets_scan

Each line of `known_secrets.txt` is the SHA-1 of a value (as detect-secrets spells it) and why that
value may be there. Findings name the file and the kind, never the value.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings, get_settings

CHECKOUT = Path(__file__).parents[2]
KNOWN = Path(__file__).with_name("known_secrets.txt")

# A comment in the line itself would let anything pass; only known_secrets.txt explains.
SILENCERS = ("detect_secrets.filters.allowlist.is_line_allowlisted",)
# Addresses are no secrets, and this one takes version numbers for addresses.
NOISE = ("IPPublicDetector",)
# Tests are full of made-up passwords, each named "password". What has the shape of a real key or
# is random enough to be one is found there, too.
BY_NAME = "Secret Keyword"
MADE_UP = ("tests/",)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something like a secret; `digest` is the SHA-1 of its value."""

    path: str
    line: int
    kind: str
    digest: str
    place: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where} ({self.place}): {self.kind}, {self.digest}"


def known() -> dict[str, str]:
    """Read why each known value may be there, by its digest."""
    lines = KNOWN.read_text().splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {digest: why for digest, why in pairs}  # noqa: C416 - mypy knows no pairs in lists


def in_tree(checkout: Path) -> list[Finding]:
    """Scan every file that git knows of, or would add, as it is now."""
    listed = _git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    present = [name for name in listed.split("\0") if name and (checkout / name).is_file()]
    return _scan(checkout, present, "checkout")


def in_history(checkout: Path) -> list[Finding]:
    """Scan every line that any commit of any branch ever added, each once a path."""
    with TemporaryDirectory() as folder:
        added: dict[str, dict[str, None]] = {}
        for path, line in _added_lines(checkout):
            added.setdefault(path, {})[line] = None
        for path, lines in added.items():
            copy = Path(folder, path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text("\n".join([*lines, ""]))
        return _scan(Path(folder), added, "history")


def unexplained(findings: Iterable[Finding], explained: Iterable[str]) -> list[Finding]:
    """Return what nobody explained, each value once a path."""
    digests = set(explained)
    new = {(each.path, each.digest): each for each in sorted(findings, reverse=True)}
    return sorted(each for each in new.values() if each.digest not in digests)


def _added_lines(checkout: Path) -> Iterator[tuple[str, str]]:
    log = ("log", "--all", "-m", "--patch", "--unified=0", "--no-color", "--no-ext-diff")
    path = ""
    for line in _git(checkout, *log, "--format=", "--no-renames").splitlines():
        if line.startswith("+++ "):
            path = re.sub(r"^\+\+\+ (b/)?", "", line)
        elif line.startswith("+") and path != "/dev/null":
            yield path, line[1:]


def _scan(folder: Path, paths: Iterable[str], place: str) -> list[Finding]:
    """Scan files of a folder; detect-secrets reads them by the paths that it reports."""
    numbered = place == "checkout"
    with chdir(folder), default_settings():
        get_settings().disable_filters(*SILENCERS)
        get_settings().disable_plugins(*NOISE)
        return [
            Finding(path, at.line_number if numbered else 0, at.type, at.secret_hash, place)
            for path in paths
            for at in scan_file(path)
            if not (at.type == BY_NAME and path.startswith(MADE_UP))
        ]


def _git(checkout: Path, *arguments: str) -> str:
    # Whatever hook or alias is around, the history is read as it stands.
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(checkout), *arguments], capture_output=True, check=True, env=environment
    )
    return done.stdout.decode(errors="replace")


def main() -> int:
    """Scan both; print what is not explained, and count what was looked at."""
    found = [*in_tree(CHECKOUT), *in_history(CHECKOUT)]
    explained = known()
    new = unexplained(found, explained)
    unused = explained.keys() - {finding.digest for finding in found}
    values = len({finding.digest for finding in found})
    lines = [str(finding) for finding in new]
    lines += [f"{KNOWN.name}: {digest} is nowhere any more: remove it" for digest in sorted(unused)]
    lines += [f"{values} values look like secrets; {len(new)} findings are not explained"]
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if new or unused else 0


if __name__ == "__main__":
    sys.exit(main())
