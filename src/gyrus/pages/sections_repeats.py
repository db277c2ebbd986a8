"""Repeated cross-validation: the mean of the repeats with its interval, and each repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, percent
from gyrus.pages.sections_first import leak_stamp, scale

Shown = tuple[tuple[str, bool], ...]
"""Names of figures, each with whether it is a percentage."""

_REST = (("macro_f1", True), ("macro_roc_auc", False))
_SHOWN: dict[bool, Shown] = {
    False: (("accuracy", True), ("balanced_accuracy", True), *_REST),
    True: (("exact_match", True), ("decisions", True), *_REST),
}
_HEADS = {False: ("accuracy", "balanced accuracy"), True: ("all classes right", "decisions right")}


def repeat_table(context: ReportContext, measured: Measured) -> Html | None:
    """The figure to quote of several repeats, then each of them; None without repeats."""
    block = context.repeats
    if not block:
        return None
    left_out, shown = block["n_left_out"], _SHOWN[measured.several]
    return tag(
        "section",
        tag("h2", "All repeats together", leak_stamp(context)),
        tag("p", tag("strong", block["sentence"])),
        scale(block["mean"][shown[0][0]], measured.baseline),
        table(
            ["repeat", *_HEADS[measured.several], "macro F1", "ROC-AUC"],
            [
                *(_row(str(one["repeat"]), one, shown) for one in block["each"]),
                _row("mean", block["mean"], shown),
                _spread(block["sd"], shown),
            ],
            caption=f"{measured.level} intervals over patients.",
            class_="numbers",
        ),
        tag("p", f"{left_out} images that a repeat did not answer are left out.") if left_out else None,
        tag(
            "p",
            "Repeats deal the same patients to other folds: they steady the figure and add no patients, so "
            "that the interval of the mean is hardly shorter than that of one repeat. All sections below are "
            "of the first repeat.",
            class_="small soft",
        ),
        id="repeats",
    )


def _row(name: str, figures: Mapping[str, Any], shown: Shown) -> list[object]:
    cells: list[object] = [tag("th", name, scope="row")]
    return [*cells, *(figure_cell(figures[metric], as_percent=share) for metric, share in shown)]


def _spread(deviations: Mapping[str, Any], shown: Shown) -> list[object]:
    written = [
        percent(deviations[metric]) if share else decimal(deviations[metric]) for metric, share in shown
    ]
    cells: list[object] = [tag("th", "SD of the repeats", scope="row")]
    return [*cells, *(tag("td", text, class_="number") for text in written)]
