"""The frame of every page: head, style, links to the sections, foot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gyrus.errors import DataError
from gyrus.pages.markup import Html, tag

_BASE = "page.css"


def document(
    title: str,
    header: Html,
    sections: Sequence[Html],
    *,
    anchors: Mapping[str, str],
    styles: Sequence[str] = (),
) -> str:
    """Return a whole HTML document around its sections; self-contained, without script.

    Parameters
    ----------
    title : str
        For the browser's tab.
    header : Html
        The first thing on the page.
    sections : sequence of Html
    anchors : mapping of str to str
        Id of a section -> its name in the list of links; sections that are absent are left out.
    styles : sequence of str
        Style sheets of this page besides the common one.
    """
    names = [name for name in anchors if any(f' id="{name}"' in section[:200] for section in sections)]
    links = tag("nav", [tag("a", anchors[name], href=f"#{name}") for name in names], aria_label="Sections")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html("".join(style_sheet(name) for name in (_BASE, *styles)))),
    )
    foot = tag("footer", "Made by gyrus. A research tool, not a medical device.")
    body = tag("body", header, tag("main", links, sections), foot)
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def style_sheet(name: str = _BASE) -> str:
    """Return a style sheet of the package."""
    path = Path(__file__).with_name(name)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError("a style sheet of gyrus is missing", path=path, fix="install gyrus again") from error
