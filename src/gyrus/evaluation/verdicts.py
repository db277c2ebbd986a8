"""Sentences on who is better, and the comparison as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gyrus.evaluation.text import aligned, defined, long_figure
from gyrus.metrics.comparison import needed_patients

_HEADS = (
    ("accuracy", "accuracy"),
    ("balanced_accuracy", "balanced accuracy"),
    ("macro_f1", "macro F1"),
    ("macro_roc_auc", "ROC-AUC, macro"),
)


def verdict(
    pair: Mapping[str, Any], metric: str, unit: str, n_pairs: int, *, confidence: float, power: float
) -> dict[str, Any]:
    """Return ``told`` (whether the difference is more than chance), ``sentence`` and ``needed_patients``.

    Parameters
    ----------
    pair : mapping
        With ``better``, ``worse`` and ``difference`` (its ``p_holm`` entered).
    metric : str
        In words.
    unit : str
        ``patients``, ``images`` or ``patients and images``.
    n_pairs : int
        Comparisons that ``p_holm`` was adjusted for.
    confidence, power : float
    """
    better, worse, difference = pair["better"], pair["worse"], pair["difference"]
    if not defined(difference["low"]):
        why = (
            f"there are too few {unit} ({difference['clusters']})"
            if defined(difference["value"])
            else f"the {metric} is undefined"
        )
        sentence = f"Nothing can be said about {better} and {worse}: {why}."
        return {"told": False, "needed_patients": None, "sentence": sentence}
    value, low, high = (100 * difference[name] for name in ("value", "low", "high"))
    told = bool(difference["p_holm"] < 1 - confidence)
    if told:
        sentence = f"{better} is better than {worse} by {value:.1f} points ({low:.1f} to {high:.1f})"
        return {"told": True, "needed_patients": None, "sentence": f"{sentence} of {metric}."}
    needed = needed_patients(
        difference["value"], difference["error"], difference["clusters"],
        confidence=1 - (1 - confidence) / n_pairs, power=power,
    )  # fmt: skip
    needed = max(needed, difference["clusters"] + 1.0)  # those that there are did not do
    after = f" after adjustment for {n_pairs} comparisons" if n_pairs > 1 and low * high > 0 else ""
    known = f"{value:.1f} points ({low:.1f} to {high:.1f}) of {metric}"
    if not math.isfinite(needed):
        sentence = f"{better} and {worse} are equal: {known}."
        return {"told": False, "needed_patients": None, "sentence": sentence}
    sentence = (
        f"It cannot be told{after} whether {better} is better than {worse}: {known}; a difference of this "
        f"size would need about {_rounded(needed)} {unit}, there are {difference['clusters']}."
    )
    return {"told": False, "needed_patients": int(needed), "sentence": sentence}


def format_comparison(comparison: Mapping[str, Any]) -> str:
    """Return the leaderboard, the sentences and the tests as text."""
    subjects = comparison["n_subjects"]
    whose = "unknown patients" if subjects is None else f"{subjects} patients"
    head = (
        f"{comparison['n_images']} images of {whose}; in brackets: "
        f"{100 * comparison['confidence']:g} % interval over {comparison['clustered_by']}"
    )
    board = [["", *(title for _, title in _HEADS)]]
    twin_free = any("without_twins" in line for line in comparison["leaderboard"])
    if twin_free:
        board[0].append("accuracy without twins")
    for line in comparison["leaderboard"]:
        cells = [line["name"], *(long_figure(line[name]) for name, _ in _HEADS)]
        if twin_free:
            cells.append(
                long_figure(line["without_twins"]) if line.get("without_twins") else "cannot be told"
            )
        board.append(cells)
    sentences = "\n".join(pair["sentence"] for pair in comparison["pairs"])
    parts = [head, aligned(board), sentences, _tests(comparison)]
    parts += [f"note: {note}" for note in comparison["notes"]]
    return "\n\n".join(parts)


def _tests(comparison: Mapping[str, Any]) -> str:
    many = len(comparison["pairs"]) > 1
    p = "p (Holm)" if many else "p"
    rows = [
        ["better less worse, points", "difference", p, "bootstrap", p, "McNemar", p, "DeLong", p],
    ]
    for pair in comparison["pairs"]:
        changed = pair["mcnemar"]
        rows.append(
            [
                f"{pair['better']} - {pair['worse']}",
                *_difference(pair["difference"]),
                *_difference(pair["bootstrap"]),
                f"{changed['only_better']} : {changed['only_worse']}",
                _p(changed["p_holm"]),
                *_difference(pair["delong"]),
            ]
        )
    return aligned(rows)


def _difference(test: Mapping[str, Any]) -> tuple[str, str]:
    if not defined(test["low"]):
        return "undefined", ""
    value, low, high = (100 * test[name] for name in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f} to {high:.1f})", _p(test["p_holm"])


def _p(value: Any) -> str:
    if not defined(value):
        return "undefined"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _rounded(number: float) -> str:
    """Return a number with two digits that count: it is an estimate."""
    digits = max(0, len(str(int(number))) - 2)
    return f"{round(number, -digits):,.0f}"
