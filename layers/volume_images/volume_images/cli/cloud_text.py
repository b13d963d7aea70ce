"""Text from clouds and configs, made safe to show: it is never markup, nor commands to a screen."""

from rich.text import Text

from volume_images.overview.spelling import plain


def cell(text: str, style: str = "") -> Text:
    """Return text for a table, to be shown as it is: `db01[/x]` keeps its bracket."""
    return Text(plain(text), style=style)
