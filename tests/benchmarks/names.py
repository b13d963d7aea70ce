"""What clients and the emulated cloud agree on: its region, and the ids of projects and volumes."""

from hashlib import md5

REGION = "bench"


def project_id(name: str) -> str:
    """Return the id of the project with this name."""
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def volume_id(project: str, index: int) -> str:
    """Return the id of a project's nth volume."""
    return f"{project[:8]}-0000-4000-8000-{index:012x}"
