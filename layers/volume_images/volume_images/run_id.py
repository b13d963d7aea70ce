"""The id of a run: sorts by time, and is never given twice."""

import secrets
from datetime import datetime


def new_run_id(now: datetime) -> str:
    """Return an id as in `20260302T020500Z-5f0c1a9e`; `now` is in UTC."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
