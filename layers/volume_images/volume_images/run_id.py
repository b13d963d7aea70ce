"""The id of a run: sorts by time, and is never given twice."""

import secrets
from datetime import UTC, datetime

_TIME = "%Y%m%dT%H%M%SZ"


def new_run_id(now: datetime) -> str:
    """Return an id as in `20260302T020500Z-5f0c1a9e`; `now` is in UTC."""
    return f"{now:{_TIME}}-{secrets.token_hex(4)}"


def named_at(run_id: str) -> datetime:
    """Return when a run was given its id. Raises ValueError for what is no run's id."""
    time, _, token = run_id.partition("-")
    if not token.isalnum():
        raise ValueError(f"{run_id!r} is no id of a run, as in 20260302T020500Z-5f0c1a9e")
    return datetime.strptime(time, _TIME).replace(tzinfo=UTC)
