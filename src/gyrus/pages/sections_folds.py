"""Cross-validation: each fold beside the pooled figures, the worst one marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.evaluation.main_figures import MAIN
from gyrus.evaluation.predictions import CLASSIFY, MULTILABEL
from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, is_defined, percent, plural
from gyrus.pages.sections_first import leak_stamp
from gyrus.pages.sections_subgroups import mini_scale

_PERCENT = {"macro_roc_auc": False}  # all others
_HEADS = {False: ("accuracy", "balanced accuracy"), True: ("all classes right", "decisions right")}


def fold_table(context: ReportContext, measured: Measured) -> Html | None:
    """Every fold with its figures, then mean and spread; None without folds."""
    block = measured.folds
    if not block:
        return None
    pooled = {
        "fold": "pooled", "n_images": measured.images,
        "n_subjects": measured.patients if measured.clustered_by == "patients" else None,
        _names(measured)[0]: measured.accuracy, _names(measured)[1]: measured.balanced_accuracy,
        "macro_f1": measured.averages["macro"]["f1"], "macro_roc_auc": measured.averages["macro"]["roc_auc"],
    }  # fmt: skip
    names = _names(measured)
    first, second = _HEADS[measured.several]
    rows = [_row(fold, names, worst=fold["fold"] == block["worst"]) for fold in block["each"]]
    return tag(
        "section",
        tag("h2", "Fold by fold", leak_stamp(context)),
        tag("p", block["sentence"]),
        table(
            ["fold", first, "0 to 100 %", second, "macro F1", "ROC-AUC", "images", "patients"],
            [*rows, _spread(block, names), _row(pooled, names)],
            caption=f"Each model was asked about images it was trained without. {measured.level} intervals.",
            class_="numbers",
        ),
        _shared(block["shared_patients"]),
        tag(
            "p",
            "Quote the pooled figures: a fold is few patients, and swings. The standard deviation of the "
            "folds is no interval. The intervals take the models as they are; trained on other patients they "
            "would differ again. A pooled area compares answers of different models; the mean of the folds' "
            "areas does not.",
            class_="small soft",
        ),
        id="folds",
    )


def _names(measured: Measured) -> tuple[str, ...]:
    return MAIN[MULTILABEL if measured.several else CLASSIFY]


def _row(fold: Mapping[str, Any], names: Sequence[str], *, worst: bool = False) -> list[object]:
    patients = fold["n_subjects"]
    cells: list[object] = [
        tag(
            "th",
            str(fold["fold"]),
            tag("span", " worst", class_="small soft") if worst else None,
            scope="row",
        ),
    ]
    for name in names:
        cells.append(figure_cell(fold[name], as_percent=_PERCENT.get(name, True)))
        if name == names[0]:
            cells.append(tag("td", mini_scale(fold[name])))
    counts = (f"{fold['n_images']:,}", "unknown" if patients is None else f"{patients:,}")
    return [*cells, *(tag("td", count, class_="number") for count in counts)]


def _spread(block: Mapping[str, Any], names: Sequence[str]) -> list[object]:
    """Mean and standard deviation of the folds' values."""
    cells: list[object] = ["mean of the folds (SD)"]
    for name in names:
        as_percent = _PERCENT.get(name, True)
        mean, sd = block["mean"][name], block["sd"][name]
        written = percent(mean) if as_percent else decimal(mean)
        if is_defined(sd):
            written += f" ({100 * sd:.1f})" if as_percent else f" ({sd:.3f})"
        cells.append(tag("td", written, class_="number"))
        if name == names[0]:
            cells.append(tag("td"))
    return [*cells, tag("td"), tag("td")]


def _shared(patients: Mapping[str, Any]) -> Html | None:
    if not patients:
        return None
    shown = ", ".join(list(patients)[:20]) + (" …" if len(patients) > 20 else "")
    return tag(
        "p",
        tag("strong", f"{plural(len(patients), 'patient')} in several folds: "),
        f"the models that answered have seen {'it' if len(patients) == 1 else 'them'}, and the figures are "
        f"too good: {shown}.",
    )
