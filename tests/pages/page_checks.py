"""What every page must pass: whole, self-contained, nothing executed."""

from __future__ import annotations

import re
from html.parser import HTMLParser

EVIL = '<script>alert("1")</script>&\'"><img src=x onerror=alert(2)>'
EMPTY = {"br", "col", "hr", "img", "meta", "link", "input"}


class Checker(HTMLParser):
    """Follows every element to its end and collects what a browser would fetch."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.names: set[str] = set()
        self.text: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
                self.fetched.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


def words(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(checked(page).text))


def outside(page: str) -> list[str]:
    """What a browser would fetch from elsewhere."""
    return [a for a in checked(page).fetched if not a.startswith(("#", "data:image/jpeg;base64,"))]
