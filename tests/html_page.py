"""What the tests of reports look at in a page."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Checks that tags are closed in order, and gathers texts by tag, and what is referred to."""

    _VOID = ("br", "img", "input", "link", "meta", "source")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.references: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value for key, value in attrs if key in ("src", "href", "srcset") and value]
        if tag not in self._VOID:
            self.open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data
