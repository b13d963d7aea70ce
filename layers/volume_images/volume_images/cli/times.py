"""Times and durations, as people type them."""

import re
from datetime import UTC, date, datetime, time

import typer

from volume_images.errors import InputError

_YEARS = range(1970, 2200)
"""So far from the calendar's ends that no time zone and no count of days leads over them."""

_RANGE = f"in the years {_YEARS[0]} to {_YEARS[-1]}"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_DAYS = 36525


def parse_duration(text: str) -> float:
    """Read a duration like `90s`, `30m` or `1h30m`, in seconds. Raises BadParameter."""
    if not re.fullmatch(r"(\d{1,6}[smhd])+", text, re.ASCII):
        raise typer.BadParameter("must be a duration like 90s, 30m, 2h or 1h30m")
    seconds = sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([smhd])", text))
    if not 1 <= seconds <= _LONGEST_DAYS * _UNITS["d"]:
        raise typer.BadParameter(f"must be at least 1s, and at most {_LONGEST_DAYS}d")
    return float(seconds)


def parse_day(text: str) -> datetime:
    """Read a date; return its midnight in UTC. Raises ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise ValueError(f"must be a date like 2026-03-02, {_RANGE}")
    return datetime.combine(day, time(), UTC)


def parse_moment(text: str) -> datetime:
    """Read a time with its zone, in UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year not in _YEARS:
        raise ValueError(f"must be a time with its zone, as in 2026-03-02T02:00:00Z, {_RANGE}")
    return moment.astimezone(UTC)


def moment_of(option: str, text: str) -> datetime:
    """Read the time that an option gives, in UTC. Raises InputError."""
    try:
        return parse_moment(text)
    except ValueError as error:
        raise InputError(f"{option} {text}: {error}") from None
