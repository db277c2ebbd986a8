"""Results as small pieces of HTML, shown by notebooks; without style sheets, so that any theme fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.evaluation.predictions import MULTILABEL
from gyrus.pages.markup import Html, join, tag
from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import decimal, interval, percent
from gyrus.pages.sections_first import VERDICTS

_COLOURS = {"clean": "#0a6b4f", "leaking": "#c0392b", "unknowable": "#9a6700"}


def verdict_box(verdict: str, sentence: str) -> Html:
    """Return the verdict on leakage with a coloured edge."""
    title = VERDICTS.get(verdict, VERDICTS["unknowable"])[0]
    edge = f"border-left:5px solid {_COLOURS.get(verdict, _COLOURS['unknowable'])};padding:2px 0 2px 12px"
    return tag("div", tag("strong", title), tag("br"), sentence, style=edge)


def figures_table(evaluations: Mapping[str, Mapping[str, Any]]) -> Html:
    """Return the main figures of each split with their intervals; nothing for no split."""
    if not evaluations:
        return Html("")
    if any(evaluation.get("task") == MULTILABEL for evaluation in evaluations.values()):
        return join(
            [_table(_SETS, [_sets_row(*item) for item in evaluations.items()]), *_by_class(evaluations)]
        )
    names = ("", "images", "patients", "accuracy", "balanced accuracy", "macro F1", "macro ROC-AUC")
    return _table(names, [_row(split, evaluation) for split, evaluation in evaluations.items()])


def evaluation_box(evaluation: Mapping[str, Any], split: str) -> Html:
    """Return the figures of one evaluation, and what is said of folds and of images seen in training."""
    table = figures_table({split: evaluation})
    said = [(evaluation.get(name) or {}).get("sentence") for name in ("folds", "twin_free", "drift")]
    return join([table, *(tag("div", sentence) for sentence in said if sentence)])


def findings_list(findings: Sequence[Mapping[str, Any]]) -> Html:
    """Return the findings of an audit, in their order."""
    rows = [[str(f["severity"]), str(f["kind"]).replace("_", " "), str(f["message"])] for f in findings]
    return _table(("", "what", "finding"), rows) if rows else Html("")


def place(name: str, path: object) -> Html:
    """Return a line that says where a file lies."""
    return tag("div", f"{name}: ", tag("code", str(path)))


_SETS = ("", "images", "patients", "all classes right", "decisions right", "macro F1", "macro ROC-AUC")


def _sets_row(split: str, evaluation: Mapping[str, Any]) -> list[str]:
    """Return the row of a split whose images may show several classes."""
    as_one = {"accuracy": evaluation["exact_match"], "balanced_accuracy": evaluation["decisions"]}
    return _row(split, {**evaluation, **as_one})


def _by_class(evaluations: Mapping[str, Mapping[str, Any]]) -> list[Html]:
    """Return for each split a table of its classes, each a question of its own."""
    names = ("images", "sensitivity", "specificity", "ROC-AUC", "PR-AUC")
    return [
        _table(
            (f"{SPLIT_NAMES.get(split, split)}, by class", *names),
            [
                [name, f"{line['support']:,}",
                 *(_with_interval(line[rate], as_percent=True) for rate in ("sensitivity", "specificity")),
                 *(_with_interval(area, as_percent=False)
                   for area in (line["roc_auc"], evaluation["pr_auc"]["per_class"][name]))]
                for name, line in evaluation["per_class"].items()
            ],
        )
        for split, evaluation in evaluations.items()
    ]  # fmt: skip


def _row(split: str, evaluation: Mapping[str, Any]) -> list[str]:
    patients = evaluation["n_subjects"]
    macro = evaluation["macro"]
    shown = (evaluation["accuracy"], evaluation["balanced_accuracy"], macro["f1"])
    return [
        SPLIT_NAMES.get(split, split),
        f"{evaluation['n_images']:,}",
        "unknown" if patients is None else f"{patients:,}",
        *(_with_interval(figure, as_percent=True) for figure in shown),
        _with_interval(macro["roc_auc"], as_percent=False),
    ]


def _with_interval(figure: Mapping[str, Any], *, as_percent: bool) -> str:
    value = percent(figure["value"]) if as_percent else decimal(figure["value"])
    within = interval(figure, as_percent=as_percent)
    return f"{value} ({within})" if within else value


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    left = "text-align:left"
    return tag(
        "table",
        tag("thead", tag("tr", [tag("th", cell, style=left) for cell in head])),
        tag("tbody", [tag("tr", [tag("td", cell, style=left) for cell in row]) for row in rows]),
    )
