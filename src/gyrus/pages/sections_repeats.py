"""Repeated cross-validation: the mean of the repeats with its interval, and each repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, percent
from gyrus.pages.sections_first import leak_stamp, scale

_SHOWN = (("accuracy", True), ("balanced_accuracy", True), ("macro_f1", True), ("macro_roc_auc", False))
_HEADS = ("accuracy", "balanced accuracy", "macro F1", "ROC-AUC")


def repeat_table(context: ReportContext, measured: Measured) -> Html | None:
    """The figure to quote of several repeats, then each of them; None without repeats."""
    block = context.repeats
    if not block:
        return None
    left_out = block["n_left_out"]
    return tag(
        "section",
        tag("h2", "All repeats together", leak_stamp(context)),
        tag("p", tag("strong", block["sentence"])),
        scale(block["mean"]["accuracy"], measured.baseline),
        table(
            ["repeat", *_HEADS],
            [
                *(_row(str(one["repeat"]), one) for one in block["each"]),
                _row("mean", block["mean"]),
                _spread(block["sd"]),
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


def _row(name: str, figures: Mapping[str, Any]) -> list[object]:
    cells: list[object] = [tag("th", name, scope="row")]
    return [*cells, *(figure_cell(figures[metric], as_percent=share) for metric, share in _SHOWN)]


def _spread(deviations: Mapping[str, Any]) -> list[object]:
    written = [
        percent(deviations[metric]) if share else decimal(deviations[metric]) for metric, share in _SHOWN
    ]
    cells: list[object] = [tag("th", "SD of the repeats", scope="row")]
    return [*cells, *(tag("td", text, class_="number") for text in written)]
