"""The report: one file that a clinician can read from the top and a statistician to the bottom."""

from __future__ import annotations

from pathlib import Path

from gyrus.errors import DataError
from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, tag
from gyrus.pages.measured import Measured, measured_from
from gyrus.pages.sections_figures import class_table, confusion, learning, roc
from gyrus.pages.sections_first import data_table, headline, top, verdict
from gyrus.pages.sections_last import audit_section, gallery, reproduce
from gyrus.runs.atomic import write_text

_PREFERRED = ("test", "val", "cal", "train")
_ANCHORS = {
    "verdict": "Verdict", "headline": "Accuracy", "data": "Data", "classes": "Classes",
    "confusion": "Confusion", "roc": "ROC", "learning": "Learning", "examples": "Examples",
    "audit": "Audit", "reproduce": "Reproduce",
}  # fmt: skip


def write_report(context: ReportContext, path: Path) -> None:
    """Write ``report.html``: self-contained, without script, under 5 MB.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_report(context))


def render_report(context: ReportContext) -> str:
    """Return the page; see :func:`write_report`."""
    measured = headline_split(context)
    sections: list[Html | None] = [verdict(context)]
    if measured is not None:
        sections.append(headline(context, measured))
    sections.append(data_table(context))
    if measured is not None:
        sections += [class_table(context, measured), confusion(context, measured), roc(context, measured)]
    sections += [learning(context), gallery(context), audit_section(context), reproduce(context)]
    return page(f"gyrus report: {context.title}", top(context), [part for part in sections if part])


def headline_split(context: ReportContext) -> Measured | None:
    """Return the figures that the page is about: of the test set where it was looked at, else validation."""
    for split in (*_PREFERRED, *context.evaluations):
        if split in context.evaluations:
            return measured_from(context.evaluations[split], split)
    return None


def page(title: str, header: Html, sections: list[Html]) -> str:
    """Return a whole HTML document around its sections."""
    names = [name for name in _ANCHORS if any(f' id="{name}"' in section[:200] for section in sections)]
    links = tag("nav", [tag("a", _ANCHORS[name], href=f"#{name}") for name in names], aria_label="Sections")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html(style_sheet())),
    )
    foot = tag("footer", "Made by gyrus. A research tool, not a medical device.")
    body = tag("body", header, tag("main", links, sections), foot)
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def style_sheet() -> str:
    """Return the style sheet that is put into every page."""
    path = Path(__file__).with_name("page.css")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(
            "the style sheet of gyrus is missing", path=path, fix="install gyrus again"
        ) from error
