"""Names of the volumes that drills make, and which of them a killed drill left behind."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from volume_images.model import RestorePin, Volume

LEFT_AFTER = timedelta(days=1)
"""A drill by hand may follow a large volume for hours; what is older belongs to no run any more."""

_NAME = re.compile(r"vi-drill-([0-9a-f]{12})-([0-9TZ]+-[0-9a-f]+)-[a-z0-9-]+")


def drill_volume_name(deployment_id: str, run_id: str, policy: str) -> str:
    """Name the volume of one policy's drill: by deployment and run, so that it is found again."""
    return f"vi-drill-{deployment_id}-{run_id}-{policy}"


def left_behind(volumes: Iterable[Volume], deployment_id: str, now: datetime) -> tuple[Volume, ...]:
    """Return the volumes of this deployment's drills that no run removes any more.

    One that somebody attached to a server is theirs by now.
    """
    return tuple(volume for volume in volumes if _is_left(volume, deployment_id, now))


def _is_left(volume: Volume, deployment_id: str, now: datetime) -> bool:
    match = _NAME.fullmatch(volume.name)
    run = RestorePin.parse(match[2]) if match and match[1] == deployment_id else None
    return run is not None and now - run.since > LEFT_AFTER and not volume.server_id
