"""Text from clouds and configs, made safe to show: it is never markup, nor commands to a screen."""

from rich.text import Text


def plain(text: str) -> str:
    """Spell out what is no printable character: a name may hold escape sequences."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def cell(text: str, style: str = "") -> Text:
    """Return text for a table, to be shown as it is: `db01[/x]` keeps its bracket."""
    return Text(plain(text), style=style)
