"""Per-class figures, confusion matrix, ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.pages.colour import class_colours
from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, interval, percent, plural
from gyrus.pages.plots import roc_plot, shown_curves
from gyrus.pages.sections_first import leak_stamp
from gyrus.pages.sections_probabilities import precision_recall
from gyrus.pages.svg import to_svg

# Beyond this a matrix is a carpet; the largest confusions are listed instead.
LARGEST_MATRIX = 20
_CONFUSIONS_LISTED = 20


RATES = ("sensitivity", "specificity", "precision", "f1")


def class_table(context: ReportContext, measured: Measured) -> Html:
    """Sensitivity, specificity, precision, F1 and both areas of every class, with averages."""
    colours = class_colours(measured.classes)
    precisions = measured.average_precision
    rows = [
        _figures_row(
            [swatch(colours[name]), name], line, line["support"], line.get("clusters", ""),
            precisions.get("per_class", {}).get(name),
        )
        for name, line in ((name, measured.per_class[name]) for name in measured.classes)
    ]  # fmt: skip
    rows += [
        _figures_row(f"{name} average", line, measured.images, "", precisions.get(name))
        for name, line in measured.averages.items()
    ]
    micro = {**measured.micro, **_pooled_rates(measured)}
    rows.append(_figures_row("micro average", micro, measured.images, "", precisions.get("micro")))
    units = "patients" if measured.clustered_by == "patients" else "independent"
    return tag(
        "section",
        tag("h2", f"Class by class, {measured.noun} images", leak_stamp(context)),
        table(
            [
                "class",
                "sensitivity (recall)",
                "specificity",
                "precision",
                "F1",
                "ROC-AUC",
                "PR-AUC",
                "images",
                units,
            ],
            rows,
            caption=f"Each class against the rest. Small print: {measured.level} intervals.",
            class_="numbers",
        ),
        _about_intervals(measured),
        id="classes",
    )


def _pooled_rates(measured: Measured) -> dict[str, Any]:
    """Where an image has one class, an error is a miss of one and a false alarm of another: both rates are
    the accuracy."""
    return {} if measured.several else dict.fromkeys(("sensitivity", "precision"), measured.accuracy)


def _figures_row(
    name: object, line: Mapping[str, Any], images: int, units: int | str, average_precision: Any
) -> list[Html]:
    """Return a row's cells; a figure that the line does not have at all is left empty.

    The counts stand last: on a phone the first columns are all that is seen at once.
    """
    areas = [
        figure_cell(figure, as_percent=False) if figure else tag("td")
        for figure in (line.get("roc_auc"), average_precision)
    ]
    return [
        tag("th", name, scope="row"),
        *(figure_cell(line[rate]) if rate in line else tag("td") for rate in RATES),
        *areas,
        tag("td", f"{images:,}", class_="number"),
        tag("td", f"{units:,}" if isinstance(units, int) else units, class_="number"),
    ]


def _about_intervals(measured: Measured) -> Html:
    """How the intervals were made, what a bootstrap says beside them, and what is undefined."""
    lines = [f"Intervals: {measured.accuracy['method']}; images of one patient are not independent."]
    if measured.clustered_by != "patients":
        lines = [f"Intervals: {measured.accuracy['method']}."]
    if measured.bootstrap:
        bootstrap = measured.bootstrap
        lines.append(
            f"Second opinion on the accuracy, {bootstrap['method']}, {bootstrap['samples']:,} samples: "
            f"{interval(bootstrap['accuracy'])}\N{NO-BREAK SPACE}%."
        )
    if measured.unlabelled:
        lines.append(f"{plural(measured.unlabelled, 'image')} without a label left out.")
    if measured.average_precision:
        lines.append("The PR-AUC (average precision) of guessing is the share of the class, not 0.5.")
    if not measured.several:
        lines.append(
            "Micro: all decisions pooled; sensitivity, precision and F1 are then the accuracy, as each image "
            "has one class."
        )
    lines += [f"{note[:1].upper()}{note[1:]}." for note in measured.notes]
    return tag("ul", [tag("li", line) for line in lines], class_="small soft")


def swatch(colour: str) -> Html:
    """The square in a class's colour."""
    return tag("span", class_="swatch", style=f"background:{colour}", aria_hidden="true")


def confusion(context: ReportContext, measured: Measured) -> Html | None:
    """What is taken for what: counts and shares of the true class; None where an image has several."""
    if not measured.confusion:
        return None
    small = len(measured.classes) <= LARGEST_MATRIX
    return tag(
        "section",
        tag("h2", "What is taken for what", leak_stamp(context)),
        _matrix(measured) if small else _largest_confusions(measured),
        id="confusion",
    )


def _matrix(measured: Measured) -> Html:
    rows = []
    for i, (name, counts) in enumerate(zip(measured.classes, measured.confusion, strict=True)):
        cells = [_matrix_cell(count, sum(counts), hit=i == j) for j, count in enumerate(counts)]
        rows.append([tag("th", name, scope="row"), *cells])
    return table(
        ["true class \N{DOWNWARDS ARROW}  answered \N{RIGHTWARDS ARROW}", *measured.classes],
        rows,
        caption=f"{measured.noun.capitalize()} images; below each count its share of the true class (row).",
        class_="matrix",
    )


def _matrix_cell(count: int, total: int, *, hit: bool) -> Html:
    share = count / total if total else 0.0
    tint = f"background:rgba(var(--{'hit' if hit else 'miss'}),{0.08 + 0.47 * share:.3f})" if count else None
    return tag("td", tag("b", f"{count:,}"), tag("span", percent(share) if total else "n/a"), style=tint)


def _largest_confusions(measured: Measured) -> Html:
    found = [
        (count, count / sum(counts), measured.classes[i], measured.classes[j])
        for i, counts in enumerate(measured.confusion)
        for j, count in enumerate(counts)
        if i != j and count
    ]
    found.sort(key=lambda item: (-item[0], -item[1], item[2], item[3]))
    rows = [[true, answered, f"{count:,}", percent(share)] for count, share, true, answered in found]
    return table(
        ["true class", "answered", "images", "share of the true class"],
        rows[:_CONFUSIONS_LISTED],
        caption=f"The {min(_CONFUSIONS_LISTED, len(rows))} most frequent of {len(rows)} kinds of error.",
    )


def roc(context: ReportContext, measured: Measured) -> Html | None:
    """ROC curves of the classes and what the areas are."""
    if not measured.roc:
        return None
    shown = shown_curves(measured.roc)
    words = ", ".join(f"{name} {decimal(measured.roc[name].get('auc'))}" for name in shown)
    svg = to_svg(roc_plot(measured.roc, measured.classes), name="roc", description=f"ROC curves: {words}")
    reading = (
        "Each curve sets one class against all others and shows every threshold at once: how many of its "
        "images are found (upwards) at the price of how many false alarms (to the right). The area under it "
        "is 0.5 for guessing and 1 for a perfect order."
    )
    if len(shown) < len(measured.roc):
        reading += f" Drawn: the {len(shown)} classes with the smallest areas."
    return tag(
        "section",
        tag("h2", "Sensitivity against false alarms", leak_stamp(context)),
        tag(
            "div",
            tag("figure", svg),
            precision_recall(measured),
            tag("div", tag("p", reading), _areas(measured)),
            class_="plots",
        ),
        id="roc",
    )


def _areas(measured: Measured) -> Html:
    """The averages; the areas of the classes stand in the plot and in the table of classes."""
    figures = [
        ("mean of the classes (macro)", measured.averages["macro"]["roc_auc"]),
        ("all decisions pooled (micro)", measured.micro_auc),
    ]
    rows: Sequence[Sequence[object]] = [
        [name, figure_cell(figure, as_percent=False)] for name, figure in figures
    ]
    return table(["area under the curve", ""], rows, class_="numbers")
