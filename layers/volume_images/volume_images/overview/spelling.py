"""Times, ages, sizes and names as people read them."""

from datetime import UTC, datetime, timedelta

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def in_utc(moment: datetime) -> str:
    """Spell a time to the minute, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%MZ}"


def spell_span(span: timedelta) -> str:
    """Spell a span as configs do: `4m`, `40h`, and from three days on `5d 1h`."""
    if span < _HOUR:
        return f"{span // _MINUTE}m"
    if span < 3 * _DAY:
        return f"{span // _HOUR}h"
    days, rest = divmod(span, _DAY)
    return f"{days}d {rest // _HOUR}h" if rest >= _HOUR else f"{days}d"


def spell_reach(span: timedelta) -> str:
    """Spell how far images reach back: in hours, from two days on in days, then in years."""
    days = span // _DAY
    if days < 2:  # noqa: PLR2004
        return f"{span // _HOUR} h"
    return f"{days} d" if days < 730 else f"{days / 365.25:.1f} y"  # noqa: PLR2004 - two years


def spell_size(count: int | None) -> str:
    """Spell a number of bytes; a dash where the cloud does not tell."""
    if count is None:
        return "-"
    size, unit = float(count), 0
    while size >= 1024 and unit < len(_UNITS) - 1:  # noqa: PLR2004
        size, unit = size / 1024, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{count} B"


def plain(text: str) -> str:
    """Spell out what is no printable character: a name may hold escape sequences."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def or_dash(moment: datetime | None) -> str:
    """Spell a time in UTC; a dash where there is none."""
    return in_utc(moment) if moment else "-"


def counted(count: int, noun: str) -> str:
    """Spell a number of things: `1 image`, `3 images`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
