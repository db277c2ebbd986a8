"""The twin-free score: a figure beside the same figure without the images that the model has seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from gyrus.data.manifest import SPLITS, Manifest
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.predictions import Predictions
from gyrus.evaluation.text import aligned, long_figure, short_figure
from gyrus.evaluation.twins import REASONS, Twin, find_twins, has_training

_OTHER_MIX = 0.1  # change of a class's share that is worth a word
_NO_SPLIT = (
    "The figure without twins cannot be told: the data do not say which images were trained on "
    "(a split with the images of train, or --training)."
)
_NO_FOLD = "The figure without twins cannot be told: the data have no folds (a column fold)."


def twin_free(
    predictions: Predictions,
    manifest: Manifest,
    *,
    confidence: float = 0.95,
    out_of_fold: bool = False,
) -> dict[str, Any]:
    """Return figures of all images, of those without a twin or a patient in training, and of the others.

    Parameters
    ----------
    predictions : Predictions
        Images of ``manifest``; those without a label are left out.
    manifest : Manifest
        Scanned, with the images that were trained on; see :func:`gyrus.evaluation.twins.find_twins`.
    confidence : float
        Of the intervals.
    out_of_fold : bool
        Each image was answered by a model that was trained on the other folds.

    Returns
    -------
    dict
        ::

            known              False when the manifest does not say what was trained on; then only sentence
            sentence           "Your 98.9 % is 91.2 % without twins: …"
            n_images, n_twins, n_left
            reasons            reason -> images, see gyrus.evaluation.twins.REASONS
            by_split           split of the counterpart -> images
            by_class           name -> {"images", "twins"}
            patients_unknown   images left whose patient is unknown
            training_patients_unknown
                               images of training (and what else was used before) whose patient is unknown
            all, without_twins, twins_only
                               None, or the figures {"accuracy", "balanced_accuracy", "macro_f1",
                               "macro_roc_auc"} and "sensitivity": name -> figure
            notes              sentences
            twins              list of {"image_id", "other_id", "other_split", "reason"}
    """
    if not has_training(manifest, out_of_fold=out_of_fold):
        return {"known": False, "sentence": _NO_FOLD if out_of_fold else _NO_SPLIT}
    labelled = predictions.take(np.flatnonzero(predictions.y_true >= 0))
    twins = find_twins(manifest, labelled.image_ids, out_of_fold=out_of_fold)
    seen = np.array([image_id in twins for image_id in labelled.image_ids], dtype=bool)
    figures = {
        "all": _figures(labelled, confidence),
        "without_twins": _figures(labelled.take(np.flatnonzero(~seen)), confidence),
        "twins_only": _figures(labelled.take(np.flatnonzero(seen)), confidence),
    }
    left = labelled.take(np.flatnonzero(~seen))
    unknown = sum(not subject for subject in left.subject_ids)
    unknown_there = _unknown_in_training(manifest, out_of_fold=out_of_fold)
    by_class = {
        name: {
            "images": labelled.labels.count(name),
            "twins": labelled.labels.count(name) - left.labels.count(name),
        }
        for name in labelled.classes
    }
    return {
        "known": True,
        "sentence": _sentence(figures, seen, unknown + unknown_there),
        "n_images": len(labelled),
        "n_twins": int(seen.sum()),
        "n_left": len(left),
        "reasons": _reasons(twins),
        "by_split": dict(sorted(Counter(twin.other_split for twin in twins.values()).items())),
        "by_class": by_class,
        "patients_unknown": unknown,
        "training_patients_unknown": unknown_there,
        **figures,
        "notes": _notes(by_class, unknown, len(left), unknown_there),
        "twins": [asdict(twins[image_id]) for image_id in labelled.image_ids if image_id in twins],
    }


def twins_untold(why: str) -> dict[str, Any]:
    """Return the block for an evaluation in which twins cannot be looked for."""
    return {"known": False, "sentence": f"The figure without twins cannot be told: {why}."}


def format_twin_free(block: Mapping[str, Any]) -> str:
    """Return the block of :func:`twin_free` as text: the sentence, then figures side by side."""
    notes = [f"note: {note}" for note in block.get("notes", ())]
    if not block["known"] or not block["n_twins"]:
        return "\n".join([str(block["sentence"]), *notes])
    sides = [("all", "all images"), ("without_twins", "without twins"), ("twins_only", "twins only")]
    counts = {"all": block["n_images"], "without_twins": block["n_left"], "twins_only": block["n_twins"]}
    shown = [(name, title) for name, title in sides if block[name] is not None]
    rows = [["in %", *(title for _, title in shown)], ["images", *(str(counts[name]) for name, _ in shown)]]
    for key, title in _ROWS:
        rows.append([title, *(long_figure(block[name][key]) for name, _ in shown)])
    for label in block["by_class"]:
        cells = [short_figure(block[name]["sensitivity"][label]) for name, _ in shown]
        rows.append([f"sensitivity {label}", *cells])
    reasons = ", ".join(f"{reason} {count}" for reason, count in block["reasons"].items() if count)
    return "\n".join([block["sentence"], aligned(rows), f"seen as: {reasons}", *notes])


_ROWS = (
    ("accuracy", "accuracy"),
    ("balanced_accuracy", "balanced accuracy"),
    ("macro_f1", "macro F1"),
    ("macro_roc_auc", "ROC-AUC, macro"),
)


def _figures(predictions: Predictions, confidence: float) -> dict[str, Any] | None:
    """Return the main figures of some images; None without images."""
    if not len(predictions):
        return None
    figures = Figures(predictions, confidence)
    return {
        "accuracy": figures.accuracy(),
        "balanced_accuracy": figures.balanced_accuracy(),
        "macro_f1": figures.macro("f1"),
        "macro_roc_auc": figures.macro_auc(),
        "sensitivity": {
            name: figures.of_class(number)["sensitivity"] for number, name in enumerate(predictions.classes)
        },
    }


def _reasons(twins: Mapping[str, Twin]) -> dict[str, int]:
    counted = Counter(twin.reason for twin in twins.values())
    return {reason: counted[reason] for reason in REASONS}


def _sentence(figures: Mapping[str, Any], seen: np.ndarray[Any, np.dtype[np.bool_]], unknown: int) -> str:
    n_images, n_twins = len(seen), int(seen.sum())
    if not n_twins:
        sentence = f"No twin and no known patient of the {n_images} images is in training: the figure stands"
        return f"{sentence}, as far as is known." if unknown else f"{sentence} as it is."
    have = "has" if n_twins == 1 else "have"
    share = f"{n_twins} of {n_images} images {have} a twin or their patient in training"
    if figures["without_twins"] is None:
        return f"Nothing is left to measure without twins: {share}."
    before, after = (100 * figures[name]["accuracy"]["value"] for name in ("all", "without_twins"))
    return f"Your {before:.1f} % is {after:.1f} % without twins: {share}."


def _unknown_in_training(manifest: Manifest, *, out_of_fold: bool) -> int:
    """Count the images that a model was made with and whose patient nobody knows."""
    return sum(
        not row.subject_id and (row.fold is not None if out_of_fold else row.split in SPLITS[:-1])
        for row in manifest.rows
    )


def _notes(
    by_class: Mapping[str, Mapping[str, int]], unknown: int, left: int, unknown_there: int
) -> list[str]:
    notes = []
    gone = [name for name, count in by_class.items() if count["images"] and count["images"] == count["twins"]]
    if gone and left:
        notes.append(
            f"every image of {', '.join(gone)} has a twin: without twins the figures say nothing about "
            f"{'it' if len(gone) == 1 else 'them'}"
        )
    notes += _other_mix(by_class, left)
    if unknown:
        notes.append(
            f"{unknown} of the {left} images left {'has' if unknown == 1 else 'have'} no known patient: "
            f"whether {'it shows' if unknown == 1 else 'they show'} a patient of training cannot be told"
        )
    elif unknown_there and left:
        notes.append(
            f"{unknown_there} {'image' if unknown_there == 1 else 'images'} of training "
            f"{'has' if unknown_there == 1 else 'have'} no known patient: whether one of these patients is "
            "tested cannot be told"
        )
    return notes


def _other_mix(by_class: Mapping[str, Mapping[str, int]], left: int) -> list[str]:
    """Say so when the images left are of other classes than all of them: an accuracy depends on the mix."""
    total = sum(count["images"] for count in by_class.values())
    shares = {
        name: (count["images"] / total, (count["images"] - count["twins"]) / left)
        for name, count in by_class.items()
        if left
    }
    name = max(shares, key=lambda key: abs(shares[key][1] - shares[key][0]), default="")
    if not name or abs(shares[name][1] - shares[name][0]) < _OTHER_MIX:
        return []
    before, after = (100 * share for share in shares[name])
    return [
        f"the images left are mixed otherwise ({name} {before:.0f} % before, {after:.0f} % now): "
        "compare the sensitivities by class as well"
    ]
