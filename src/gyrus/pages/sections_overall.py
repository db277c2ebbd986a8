"""The whole model in one number, by several readings; and what an answer is worth elsewhere."""

from __future__ import annotations

from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import figure_cell
from gyrus.pages.sections_first import leak_stamp

_AGREEMENT = {
    "balanced_accuracy": ("balanced accuracy", "mean sensitivity: every class counts the same", True),
    "kappa": ("Cohen's kappa", "agreement beyond chance; 0 is chance, 1 is perfect", False),
    "mcc": ("Matthews' correlation", "of truth and answer; 0 is chance, 1 is perfect", False),
}


def overall(context: ReportContext, measured: Measured) -> Html | None:
    """Accuracy, balanced accuracy, kappa, Matthews' correlation, top-k; predictive values at a prevalence."""
    if not measured.agreement and not measured.at_prevalence:
        return None
    rows = [["accuracy", figure_cell(measured.accuracy), "every image counts the same"]]
    rows += [
        [title, figure_cell(measured.agreement[name], as_percent=as_percent), meaning]
        for name, (title, meaning, as_percent) in _AGREEMENT.items()
        if name in measured.agreement
    ]
    rows += [
        [f"top {k}", figure_cell(figure), f"true class among the first {k} answers"]
        for k, figure in measured.top_k.items()
        if int(k) < len(measured.classes)
    ]
    return tag(
        "section",
        tag("h2", "The whole model in one number", leak_stamp(context)),
        table(
            ["", tag("th", f"with {measured.level} interval", class_="number", scope="col"), ""],
            rows,
            class_="narrow",
        )
        if not measured.several
        else None,
        _at_prevalence(measured),
        id="overall",
    )


def _at_prevalence(measured: Measured) -> Html:
    """What an answer is worth where so many have the disease (Bayes' rule), or the advice to say how many."""
    if not measured.at_prevalence:
        return tag(
            "p",
            "Precision is the predictive value for the mix of classes measured here. Where a class is rarer "
            "it is lower: --prevalence CLASS=SHARE computes it for the place of use.",
            class_="small soft",
        )
    rows = [
        [name, tag("td", f"{100 * block['prevalence']:g}\N{NO-BREAK SPACE}%", class_="number"),
         figure_cell(block["ppv"]), figure_cell(block["npv"])]
        for name, block in measured.at_prevalence.items()
    ]  # fmt: skip
    return tag(
        "div",
        tag("h3", "What an answer is worth where it will be used"),
        table(
            ["class", "share who have it", "right when it says so (PPV)", "right when it does not (NPV)"],
            rows,
            caption="From sensitivity and specificity above and the stated share, by Bayes' rule.",
            class_="numbers",
        ),
    )
