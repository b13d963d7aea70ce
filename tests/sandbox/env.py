"""A started sandbox's environment for a shell: `eval "$(python -m tests.sandbox.env FILE)"`.

FILE is where the sandbox writes its line; it is waited for.
"""

import json
import shlex
import sys
import time
from pathlib import Path

PATIENCE = 60.0
"""Seconds to wait for a sandbox to start, on a machine with much else to do."""


def main(arguments: list[str]) -> int:
    """Print an `export` for each variable; return the exit code."""
    (path,) = (Path(argument) for argument in arguments)
    until = time.monotonic() + PATIENCE
    while not _line(path):
        if time.monotonic() > until:
            print(f"{path}: no sandbox has written here: start one first", file=sys.stderr)  # noqa: T201 - a command
            return 1
        time.sleep(0.1)
    for name, value in json.loads(_line(path))["env"].items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201 - what it is for
    return 0


def _line(path: Path) -> str:
    text = path.read_text() if path.exists() else ""
    return text if text.endswith("\n") else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
