"""What is deployed: the size of the layers, and how much of it has its bytecode."""

from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from tests.benchmarks.table import Row
from tests.runtime.builds import BORROWED, OURS

SECTION = "the layers, as built for Lambda"
ZIPPED_GOAL_MB = 30


def layer_rows() -> list[Row]:
    """Zip the layer of borrowed packages, and look for modules without bytecode."""
    bare = sum(len(_without_bytecode(layer)) for layer in (BORROWED, OURS))
    modules = sum(len(list(layer.rglob("*.py"))) for layer in (BORROWED, OURS))
    missing = "the machine that built them has no Python of the runtime's version"
    return [
        Row(
            section=SECTION,
            what="borrowed packages, zipped",
            ours=_zipped(BORROWED.parent) / 2**20,
            unit="MiB",
            goal=ZIPPED_GOAL_MB,
        ),
        Row(
            section=SECTION,
            what=f"modules without bytecode, of {modules:,}",
            ours=bare,
            unit="",
            goal=0,
            why=missing if bare else "",
        ),
    ]


def _without_bytecode(layer: Path) -> list[Path]:
    return [
        module
        for module in layer.rglob("*.py")
        if not any((module.parent / "__pycache__").glob(f"{module.stem}.*.pyc"))
    ]


def _zipped(folder: Path) -> int:
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for path in sorted(folder.rglob("*")):
            zipped.write(path, path.relative_to(folder))
    return len(archive.getvalue())
