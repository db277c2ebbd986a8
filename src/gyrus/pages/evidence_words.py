"""Sentences of the evidence pages, the same ones on every page and picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.bundles.mask_rules import SEGMENT
from gyrus.data.label_names import NONE
from gyrus.inference.evidence import Evidence
from gyrus.inference.heat_map import HeatMap
from gyrus.pages.measured import OUT_OF_FOLD, SPLIT_NAMES
from gyrus.pages.numbers import decimal, interval, percent, plural

PURPOSE = "A research tool, not a medical device."
_MAPS = {
    "exact": "exact: its mean over the picture, with the class's bias, is the class's logit",
    "gradient": "by gradient: the last features, weighed by how the class's logit depends on them; near the "
    "truth, not the truth",
    "occlusion": "by occlusion: how far the class's odds fall when a part of the picture is covered",
}


def label_shown(label: str, task: str = "") -> str:
    """Return a label for people; of none ``none of the classes``, of a segmentation ``nothing marked``."""
    if label == NONE:
        return "nothing marked" if task == SEGMENT else "none of the classes"
    return label.replace("|", " and ")


def heat_words(heat: HeatMap) -> str:
    """Say what a heat map is and what it cost."""
    cost = f", in {plural(heat.passes, 'pass', 'passes')} through the network" if heat.passes else ""
    return f"{_MAPS[heat.kind]}{cost}"


def in_training_words(evidence: Evidence) -> str:
    """Say that an image was trained on, and as what."""
    what = {"file": "This very file was", "pixels": "The very pixels of this file were"}
    match, name = evidence.in_training.match, evidence.in_training.image_id
    if match is None:
        return ""
    return f"{what[match]} among the training images{f', as {name}' if name else ''}."


def training_known_words(evidence: Evidence) -> str:
    """Say what is known about the image and the training, in a line."""
    if not evidence.in_training.known:
        return "unknown: the model does not bring the hashes of its training images"
    return in_training_words(evidence) or "no: neither the file nor its pixels are among the training images"


def gate_words(evidence: Evidence) -> str:
    """Say what the input gate says of an image that it does not refuse."""
    if not evidence.answer.gate:
        return (
            "This model has no input gate: it answers whatever it is shown, also what is nothing like its "
            "training images."
        )
    return "The input gate lets it pass."


def gate_sentence(reason: str, subject: str = "The image") -> str:
    """Return a finding's reason as a sentence; most are written to follow the name of the image."""
    follows = reason.split(" ", 1)[0] in ("is", "lies", "looks", "has", "does")
    return sentence(f"{subject} {reason}" if follows else reason)


def sentence(text: str) -> str:
    """Return it with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def measured_words(card: Mapping[str, Any]) -> str:
    """Return how often the model was right where it was measured, with its interval; empty when never.

    The figure that says most: test images, else folds of the same recipe, else validation images. Beside it
    always that of images from elsewhere, where the card has one.
    """
    metrics = card.get("metrics") or {}
    found = [_figure_words(metrics.get(split), noun) for split, noun in _MEASURED_ON]
    told = [words for words in found if words][:1]
    elsewhere = _figure_words(
        metrics.get("external"), "image", " from elsewhere, if it has to answer every one,"
    )
    return (
        " ".join([*told, *([elsewhere] if elsewhere else [])]) or "How often it is right was never measured."
    )


_MEASURED_ON = (
    ("test", f"{SPLIT_NAMES.get('test', 'test')} image"),
    (OUT_OF_FOLD, f"{SPLIT_NAMES.get(OUT_OF_FOLD, OUT_OF_FOLD)} image"),
    ("folds", "cross-validated image"),
    ("val", f"{SPLIT_NAMES.get('val', 'val')} image"),
)
"""Entry of the card's figures, and what its images are called; the one that says most first."""


def _figure_words(figures: Mapping[str, Any] | None, noun: str, where: str = "") -> str:
    if figures is not None and "per_class" in figures and "mean" in figures:
        return _mask_figure_words(figures, noun)
    accuracy = (figures or {}).get("accuracy") or (figures or {}).get("exact_match")
    if figures is None or not isinstance(accuracy, Mapping) or accuracy.get("value") is None:
        return ""
    within = interval(accuracy)
    patients = figures.get("n_subjects")
    of = f" of {plural(patients, 'patient')}" if patients else ""
    return (
        f"On {plural(figures['n_images'], noun)}{of}{where} it was right for "
        f"{percent(accuracy['value'])}{f' (95 % interval {within})' if within else ''}."
    )


def _mask_figure_words(figures: Mapping[str, Any], noun: str) -> str:
    dice = figures["mean"].get("dice") or {}
    if dice.get("value") is None:
        return ""
    within = interval(dice, as_percent=False)
    patients = figures.get("n_subjects")
    of = f" of {plural(patients, 'patient')}" if patients else ""
    return (
        f"On {plural(figures['n_images'], noun)}{of} its masks overlap with the true ones by a mean Dice of "
        f"{decimal(dice['value'])}{f' (95 % interval {within})' if within else ''}."
    )
