"""What clients and the emulated cloud agree on: its region, ids, and the slots of the past."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5

REGION = "bench"
ACTION = "os-volume_upload_image"
NEWEST_SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
APART = timedelta(hours=6)


def project_id(name: str) -> str:
    """Return the id of the project with this name."""
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def volume_id(project: str, index: int) -> str:
    """Return the id of a project's nth volume."""
    return f"{project[:8]}-0000-4000-8000-{index:012x}"


def history(count: int) -> Iterator[datetime]:
    """Yield so many slots of the past, the oldest first."""
    return (NEWEST_SLOT - number * APART for number in reversed(range(count)))
