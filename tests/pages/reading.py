"""What a page is made of: each element with its attributes, and its text."""

from html.parser import HTMLParser

ADDRESSES = {"src", "href", "action", "data", "poster", "srcset"}


class Page(HTMLParser):
    """A page as a parser of HTML sees it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def addresses(self) -> set[str | None]:
        """Return whatever the page refers to."""
        return {
            value
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in ADDRESSES
        }

    @property
    def policy(self) -> str:
        """Return the one Content-Security-Policy."""
        [policy] = [
            attributes["content"] or ""
            for attributes in self.named("meta")
            if attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return policy
