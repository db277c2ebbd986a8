"""HTML that cannot be broken by what stands in it: text is escaped unless it was made here."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


_EMPTY_ELEMENTS = frozenset({"br", "col", "hr", "img", "meta"})


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """Return an element; children that are not :class:`Html` are escaped.

    Parameters
    ----------
    name : str
        Element name.
    *children : object
        Html, text, numbers, None (left out), or iterables of these.
    **attributes : object
        ``class_`` for ``class``, ``data_x`` for ``data-x``; None and False leave an attribute out, True gives
        it no value.

    >>> tag("td", "<b>", class_="name")
    '<td class="name">&lt;b&gt;</td>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY_ELEMENTS:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[object], separator: str = "") -> Html:
    """Return children one after the other, escaped where they are not HTML."""
    return Html(html.escape(separator).join(_text(child) for child in children))


def table(
    head: Iterable[object], rows: Iterable[Iterable[object]], *, caption: str = "", class_: str = ""
) -> Html:
    """Return a table in a box that scrolls sideways where the screen is narrow.

    The first cell of a row is its heading. Cells may be finished ``td`` or ``th`` elements.
    """
    heading = tag("thead", tag("tr", [_head(cell) for cell in head]))
    body = tag(
        "tbody", [tag("tr", [_cell(cell, first=i == 0) for i, cell in enumerate(row)]) for row in rows]
    )
    # Above the box, not a caption element inside it: that would scroll away with the table.
    title = tag("p", caption, class_="small soft") if caption else ""
    grid = tag("table", heading, body, class_=class_ or None, aria_label=caption or None)
    return join([title, tag("div", grid, class_="scroll", tabindex="0")])


def _head(cell: object) -> Html:
    return cell if isinstance(cell, Html) and cell.startswith("<th") else tag("th", cell, scope="col")


def _cell(cell: object, *, first: bool) -> Html:
    if isinstance(cell, Html) and cell.startswith(("<td", "<th")):
        return cell
    return tag("th", cell, scope="row") if first else tag("td", cell)


def _text(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return html.escape(printable(child))
    if isinstance(child, Iterable):
        return join(child)
    return html.escape(str(child))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{html.escape(printable(str(value)))}"'


def printable(text: str) -> str:
    """Replace what must not stand in a page: control characters, halves of characters in odd file names, and
    marks that turn the direction of writing, with which a name could pose as another."""
    if text.isprintable():  # no such character: most text, and ten times as fast to tell
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if _unfit(character) else character for character in text)


def _unfit(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cf", "Cs") and character not in "\n\t"
