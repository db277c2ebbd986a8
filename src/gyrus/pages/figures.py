"""The report's pictures by name, for notebooks and papers."""

from __future__ import annotations

from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.numbers import is_defined
from gyrus.pages.plots import drift_plot, learning_curve, precision_recall_plot, reliability_plot, roc_plot
from gyrus.pages.report import headline_split
from gyrus.pages.sections_learning import kept_epoch


def report_figures(context: ReportContext) -> dict[str, Any]:
    """Return the plots of a report as matplotlib figures, which notebooks show and ``savefig`` writes.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``loss``, ``accuracy``, ``roc``, ``precision_recall``, ``reliability``, ``drift``: those whose
        numbers are in the context.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    """
    figures = {}
    for quantity in ("loss", "accuracy"):
        names = [f"{split}_{quantity}" for split in ("train", "val")]
        if any(is_defined(row.get(name)) for row in context.history for name in names):
            figures[quantity] = learning_curve(context.history, quantity, kept_epoch(context))
    measured = headline_split(context)
    if measured is not None and measured.roc:
        figures["roc"] = roc_plot(measured.roc, measured.classes)
    if measured is not None and measured.precision_recall:
        figures["precision_recall"] = precision_recall_plot(measured.precision_recall, measured.classes)
    if measured is not None and measured.reliability:
        figures["reliability"] = reliability_plot(measured.reliability)
    if measured is not None and measured.drift.get("curves"):
        figures["drift"] = drift_plot(measured.drift["curves"])
    return figures
