"""What the probabilities are worth: precision and recall, calibration, and one answer a patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, percent
from gyrus.pages.plots import precision_recall_plot, reliability_plot, shown_curves
from gyrus.pages.sections_first import leak_stamp
from gyrus.pages.svg import to_svg

_MEANINGS = {
    "ece": ("calibration error (ECE)", "mean distance between how sure and how right"),
    "brier": ("Brier score", "0 is perfect"),
    "log_loss": ("log loss", "0 is perfect; one sure error costs much"),
}
_PATIENT_FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc")


def precision_recall(measured: Measured) -> Html | None:
    """The curves of precision over recall, to stand beside the ROC curves."""
    if not measured.precision_recall:
        return None
    curves = measured.precision_recall
    words = ", ".join(f"{name} {decimal(curves[name].get('auc'))}" for name in shown_curves(curves))
    figure = precision_recall_plot(curves, measured.classes)
    return tag(
        "figure", to_svg(figure, name="pr", description=f"Precision over recall, average precision: {words}")
    )


def calibration(context: ReportContext, measured: Measured) -> Html | None:
    """Whether 90 % means 90 %: the reliability plot with counts, ECE, Brier score, log loss."""
    if not measured.reliability and not measured.probabilities:
        return None
    figure = None
    if measured.reliability:
        drawn = reliability_plot(measured.reliability)
        words = "How often answers are right by how sure they were; the line is perfect agreement"
        figure = tag("figure", to_svg(drawn, name="reliability", description=words))
    reading = (
        f"Each point is a group of images that were answered about equally surely{_size(measured)}; the line "
        f"through it is its {measured.level} interval. On the diagonal, “90 % sure” is right nine times in "
        "ten; below it the model is too sure of itself."
    )
    rows = [
        [name, figure_cell(measured.probabilities[key], as_percent=key == "ece"), meaning]
        for key, (name, meaning) in _MEANINGS.items()
        if key in measured.probabilities
    ]
    beside = tag("div", tag("p", reading) if figure else None, table(["", "", ""], rows) if rows else None)
    return tag(
        "section",
        tag("h2", "Can its probabilities be believed?", leak_stamp(context)),
        tag("div", figure, beside, class_="plots"),
        _bins_table(measured) if figure else None,
        id="calibration",
    )


def _size(measured: Measured) -> str:
    """Return how many images a group has; the groups are about equally large."""
    counts = [one["n_images"] for one in measured.reliability if one["n_images"]]
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    return f" ({low:,} images)" if low == high else f" ({low:,} to {high:,} images)"


def _bins_table(measured: Measured) -> Html:
    rows = [
        [percent(one["confidence"]), f"{one['n_images']:,}",
         figure_cell({"value": one["accuracy"], "low": one["low"], "high": one["high"]})]
        for one in measured.reliability
    ]  # fmt: skip
    heads = ["sure (mean)", "images", "right"]
    return tag("details", tag("summary", "Numbers of every group"), table(heads, rows, class_="numbers"))


def patient_level(context: ReportContext, measured: Measured) -> Html | None:
    """One answer a patient, by each way of pooling the slices, under the figures of the slices."""
    if not measured.patient_level:
        return None
    macro = measured.averages["macro"]
    of_images = {
        "accuracy": measured.accuracy,
        "balanced_accuracy": measured.balanced_accuracy,
        "macro_f1": macro["f1"],
        "macro_roc_auc": macro["roc_auc"],
    }
    rows = [_row("single images", measured.images, of_images)]
    for name, figures in measured.patient_level.items():
        if isinstance(figures, Mapping) and "accuracy" in figures:
            rows.append(_row(f"patients, {name.replace('_', '-')}", figures.get("n_patients"), figures))
    heads = [
        "",
        "answers",
        *(
            name.replace("_", " ").replace("roc auc", "ROC-AUC").replace("f1", "F1")
            for name in _PATIENT_FIGURES
        ),
    ]
    return tag(
        "section",
        tag("h2", "One answer for a patient", leak_stamp(context)),
        table(heads, rows, caption="The slices of a patient pooled into one answer.", class_="numbers"),
        id="patients",
    )


def _row(title: str, count: int | None, figures: Mapping[str, Any]) -> list[object]:
    cells = [
        figure_cell(figures[key], as_percent=key != "macro_roc_auc") if figures.get(key) else tag("td")
        for key in _PATIENT_FIGURES
    ]
    return [title, tag("td", "" if count is None else f"{count:,}", class_="number"), *cells]
