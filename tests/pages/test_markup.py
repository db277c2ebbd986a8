"""Text cannot become markup."""

from __future__ import annotations

import html
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from gyrus.pages.markup import Html, join, table, tag


class Reader(HTMLParser):
    """Collects the text and the elements of a fragment."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(fragment: str) -> Reader:
    reader = Reader()
    reader.feed(fragment)
    reader.close()
    return reader


@given(st.text(), st.text())
def test_any_text_stays_text(inside: str, attribute: str) -> None:
    reader = read(tag("p", inside, title=attribute))
    assert [name for name, _ in reader.elements] == ["p"]
    clean = "".join(c if c.isprintable() or c in "\n\t" else "" for c in inside)
    assert all(c in reader.text or c.isspace() for c in clean)
    assert set(reader.elements[0][1]) == {"title"}


def test_what_is_html_already_is_left_alone() -> None:
    assert tag("p", tag("b", "1 < 2"), " & ", 3) == "<p><b>1 &lt; 2</b> &amp; 3</p>"
    assert join(["<", Html("<br>"), None, ["a", ["b"]]], ", ") == "&lt;, <br>, , ab"


def test_attributes_are_written_as_html_wants_them() -> None:
    assert tag("img", src='a"b', hidden=True, alt=None, data_x=0, class_="c") == (
        '<img src="a&quot;b" hidden data-x="0" class="c">'
    )


def test_marks_that_could_disguise_a_name_are_shown() -> None:
    written = html.unescape(tag("p", "scan\u202egnp.exe\x00\x1b[31m\udcff"))
    assert "\u202e" not in written
    assert written.count("\N{REPLACEMENT CHARACTER}") == 4
    assert tag("p", "95\N{NO-BREAK SPACE}%") == "<p>95\N{NO-BREAK SPACE}%</p>"


def test_a_table_heads_its_rows_and_columns() -> None:
    written = table(["class", "n"], [["<a>", 1], ["b", tag("td", "2", class_="x")]], caption="what & why")
    names = [name for name, _ in read(written).elements]
    assert names.count("th") == 4
    assert names.count("td") == 2
    assert "&lt;a&gt;" in written
    assert "what &amp; why" in written
