"""Change retention and planning in every small way, and see whether the tests notice.

Each mutant runs in a process of its own, forked from one that has the libraries loaded.
"""

import argparse
import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boto3  # noqa: F401 - loaded once, for all forks
import hypothesis
import pydantic  # noqa: F401
import pytest

from tests.mutation.mutants import Mutant, mutants

PACKAGE = Path("layers/volume_images")
CORE = "tests/core/test_"
RETENTION = ("retention", "retention_calendar", "retention_properties", "what_if")
CLEANUP = (
    "cleanup_planning",
    "orphans",
    "restore_pins",
    "explaining",
    "announcing",
    "due",
    "cleanup_histories",
)
EXPORT = ("export_planning", "export_planning_edges", "accepting", "owed", "settling")

TARGETS: dict[str, Sequence[str]] = {
    "volume_images.retention.judging": RETENTION,
    "volume_images.retention.keeping": RETENTION,
    "volume_images.retention.calendar": RETENTION,
    "volume_images.cleanup.planning": CLEANUP,
    "volume_images.cleanup.deciding": CLEANUP,
    "volume_images.export.planning": EXPORT,
}
PATIENCE = 90  # seconds; a mutant may never end


@dataclass(frozen=True, slots=True)
class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from changed source."""

    name: str
    source: str

    def find_spec(self, fullname: str, *_: object) -> object:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def create_module(self, _: object) -> None:
        return None

    def exec_module(self, module: object) -> None:
        exec(compile(self.source, self.name, "exec"), module.__dict__)  # noqa: S102 - the point


def tests_of(module: str) -> list[str]:
    paths = [f"{CORE}{name}.py" for name in TARGETS[module]]
    return [path for path in paths if Path(path).exists()]


def survives(module: str, source: str) -> bool:
    """Run the module's tests on changed source, in a fork."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            signal.alarm(PATIENCE)
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.meta_path.insert(0, Mutated(module, source))  # type: ignore[arg-type]
            hypothesis.settings.register_profile(
                "mutation", max_examples=15, deadline=None, derandomize=True, database=None
            )
            hypothesis.settings.load_profile("mutation")
            options = ["-x", "-q", "--noconftest", "-p", "no:cacheprovider"]
            code = int(pytest.main([*options, *tests_of(module)]))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def source_of(module: str) -> str:
    return (PACKAGE / f"{module.replace('.', '/')}.py").read_text()


def tried(module: str, at_once: int) -> Iterator[tuple[Mutant, bool]]:
    found = list(mutants(source_of(module)))
    with ThreadPoolExecutor(at_once) as pool:
        yield from zip(
            found, pool.map(lambda one: survives(module, one.source), found), strict=True
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--at-once", type=int, default=os.cpu_count())
    options = parser.parse_args()

    total = killed = 0
    for module in options.modules or TARGETS:
        if not survives(module, source_of(module)):
            sys.stdout.write(f"{module}: its tests fail without any change\n")
            return 1
        count = 0
        for mutant, alive in tried(module, options.at_once):
            count += 1
            total += 1
            killed += not alive
            if alive:
                sys.stdout.write(f"{module}:{mutant.line}: survived: {mutant.change}\n")
        sys.stdout.write(f"{module}: {count} mutants\n")
        sys.stdout.flush()
    sys.stdout.write(f"{killed} of {total} mutants killed ({killed / total:.1%})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
