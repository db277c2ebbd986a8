"""What a training's curves say, in words: what is seen, the numbers behind it, and what to try.

Rules of thumb, not tests: each has a threshold that is written down below, and its evidence is given so that
a reader can judge for himself. Learning curves are noisy, so every rule asks for a difference that a curve of
a sound training rarely shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gyrus.evaluation.curves import Curves
from gyrus.evaluation.predictions import MULTILABEL

ACCURACY_GAP = 0.08
"""Training accuracy over validation accuracy, in shares, from which on it is memorising."""
LOSS_RISE = 1.25
"""Validation loss at the end as a multiple of its lowest, from which on it is memorising."""
LOW_TRAINING_ACCURACY = 0.85
"""Below this the training images themselves were not learned."""
RESTLESS_STEP, RESTLESS_TURNS = 0.15, 0.4
"""Median change of the validation loss between epochs, as a share of it; share of epochs where it turns."""
JUMP = 0.25
"""Rise of the training loss over its lowest so far, as a share of the first epoch's."""
STILL_FALLING = 0.03
"""Fall of the validation loss over the last two epochs, as a share."""
LEARNED = 0.99
"""Training accuracy from which on more epochs have nothing left to teach."""
ONE_ANSWER, HARDLY_FOUND, FEWEST_IMAGES = 0.9, 0.1, 5
"""Share of answers that go to one class; sensitivity of a class that is lost; images to speak of a class."""
FEWEST_EPOCHS = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the curves say.

    Attributes
    ----------
    kind : str
        ``learning_rate_too_high``, ``no_better_than_guessing``, ``class_collapse``, ``overfitting``,
        ``underfitting``, ``oscillating``, ``stopped_too_early``, ``too_short`` or ``sound``.
    title : str
        What it is, for a heading.
    evidence : str
        The numbers it rests on.
    advice : tuple of str
        What to try, the most promising first; empty when nothing needs doing.
    """

    kind: str
    title: str
    evidence: str
    advice: tuple[str, ...] = ()


def diagnose(
    history: Sequence[Mapping[str, Any]],
    evaluation: Mapping[str, Any] | None = None,
    *,
    epochs: int | None = None,
) -> tuple[Finding, ...]:
    """Return what a training's history says; the gravest first.

    Parameters
    ----------
    history : sequence of mapping
        Rows of ``metrics.csv``: ``epoch``, ``train_loss``, ``train_accuracy``, ``val_loss``,
        ``val_accuracy``, ``learning_rate``; None or NaN where undefined.
    evaluation : mapping, optional
        Figures of the kept weights, best those of the validation images; see
        :func:`gyrus.evaluation.evaluate_predictions`. Without it the classes are not looked at.
    epochs : int, optional
        Epochs that were asked for. A training that ended before them was stopped by its patience.

    Returns
    -------
    tuple of Finding
        At least one for a history that is not empty: ``sound`` when nothing stands out, ``too_short`` when
        there are fewer than four epochs to judge by.
    """
    if not history:
        return ()
    curves = Curves.of(history)
    found = [_learning_rate(curves), _guessing(evaluation), _collapse(evaluation)]
    if len(curves.val_loss) >= FEWEST_EPOCHS:
        found += [rule(curves) for rule in _RULES]
        found.append(_stopped_too_early(curves, epochs))
    findings = tuple(finding for finding in found if finding is not None)
    if len(curves.val_loss) < FEWEST_EPOCHS:
        return (*findings, _too_short(len(curves.val_loss)))
    return findings or (_sound(curves),)


def _learning_rate(curves: Curves) -> Finding | None:
    """The training loss jumps up, or is no number any more."""
    losses = curves.train_loss
    advice = (
        f"{_lower_rate(curves)}.",
        "A longer warm-up (--warmup-epochs 2) takes the edge off the first steps.",
    )
    if curves.lost_at is not None:
        words = f"the loss of epoch {curves.lost_at:g} is no number"
        return Finding("learning_rate_too_high", "The learning rate looks too high", words, advice)
    jumps = [(loss - min(losses[:i]), i) for i, loss in enumerate(losses) if i > 0 and loss > min(losses[:i])]
    if not jumps or max(jumps)[0] <= JUMP * losses[0]:
        return None
    i = max(jumps)[1]
    words = (
        f"training loss {min(losses[:i]):.3f} at its lowest before, {losses[i]:.3f} in epoch "
        f"{curves.train_epochs[i]:g}; on the images that are being learned it should only fall"
    )
    return Finding("learning_rate_too_high", "The learning rate looks too high", words, advice)


def _guessing(evaluation: Mapping[str, Any] | None) -> Finding | None:
    """The kept weights are no better than always giving the most frequent answer."""
    if evaluation is None or evaluation.get("task") == MULTILABEL:
        return None
    accuracy, baseline = evaluation["accuracy"]["value"], evaluation["majority_baseline"]["accuracy"]
    balanced = evaluation["balanced_accuracy"]["value"]
    if not (_known(accuracy) and _known(baseline) and _known(balanced)):
        return None
    classes = sum(sum(row) > 0 for row in evaluation["confusion_matrix"])
    if classes < 2 or accuracy > baseline + 0.02 or balanced > 1 / classes + 0.05:
        return None
    words = (
        f"{_percent(accuracy)} right, {_percent(baseline)} by always answering "
        f"{evaluation['majority_baseline']['label']}; mean sensitivity {_percent(balanced)}, "
        f"{_percent(1 / classes)} by guessing"
    )
    return Finding(
        "no_better_than_guessing", "It has learned nothing that helps on other patients", words,
        ("Look at the images with their labels: are the labels right, is the tumour to be seen "
         "at --image-size?",
         "Try a learning rate ten times lower, then ten times higher.",
         "Start from given weights (--weights FILE or --pretrained)."),
    )  # fmt: skip


def _collapse(evaluation: Mapping[str, Any] | None) -> Finding | None:
    """Nearly all answers are one class, or a class is hardly ever found."""
    if evaluation is None:
        return None
    lines = _never_found(evaluation) if evaluation.get("task") == MULTILABEL else _one_answer(evaluation)
    if not lines:
        return None
    return Finding(
        "class_collapse", "A class has collapsed", "; ".join(lines),
        ("Weigh the classes (--class-weights balanced) if they were not.",
         "Look for labels that stand for the same thing, and for a class with very few patients.",
         "Try a lower learning rate: a large first step can lose a class for good."),
    )  # fmt: skip


def _never_found(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the classes, of several an image, that are hardly ever found."""
    found = (
        (name, line["sensitivity"]["value"], line["support"])
        for name, line in evaluation["per_class"].items()
    )
    return [
        f"{_percent(share)} of {support} images of {name} were found"
        for name, share, support in found
        if support >= FEWEST_IMAGES and _known(share) and share < HARDLY_FOUND
    ]


def _one_answer(evaluation: Mapping[str, Any]) -> list[str]:
    """Return what the matrix says of a class that is nearly every answer, or hardly any."""
    matrix, classes = evaluation["confusion_matrix"], evaluation["classes"]
    total = sum(sum(row) for row in matrix)
    if not total or sum(sum(row) > 0 for row in matrix) < 2:
        return []
    lines = []
    for i, name in enumerate(classes):
        answered, true = sum(row[i] for row in matrix), sum(matrix[i])
        if answered > ONE_ANSWER * total and true < answered - 0.1 * total:
            lines.append(f"{_percent(answered / total)} of the answers are {name}, {_percent(true / total)} "
                         "of the images are")  # fmt: skip
        if true >= FEWEST_IMAGES and matrix[i][i] < HARDLY_FOUND * true:
            lines.append(f"{matrix[i][i]} of {true} images of {name} were found")
    return lines


def _overfitting(curves: Curves) -> Finding | None:
    """Ever better on the images it learns from, not on others."""
    gap = curves.gap_when_kept
    rise = curves.val_loss[-1] / curves.lowest if curves.lowest > 0 else 1.0
    falls = curves.train_when_kept is not None and curves.train_loss[-1] < curves.train_when_kept
    lines = []
    if gap is not None and gap > ACCURACY_GAP:
        lines.append(
            f"in epoch {curves.kept:g} {_percent(curves.accuracy('train'))} of the training images were "
            f"right, {_percent(curves.accuracy('val'))} of the validation images"
        )
    if rise > LOSS_RISE and falls and curves.kept < curves.val_epochs[-2]:
        lines.append(
            f"after epoch {curves.kept:g} the validation loss rose from {curves.lowest:.3f} to "
            f"{curves.val_loss[-1]:.3f} while the training loss fell from {curves.train_when_kept:.3f} to "
            f"{curves.train_loss[-1]:.3f}"
        )
    if not lines:
        return None
    return Finding(
        "overfitting", "It memorises: overfitting", "; ".join(lines),
        ("More patients help most; more images of the same patients hardly do.",
         "Hold it back: --dropout 0.4, --weight-decay 0.05, --label-smoothing 0.1, a smaller network.",
         "Longer training will not help; the weights of the best epoch are kept anyway."),
    )  # fmt: skip


def _underfitting(curves: Curves) -> Finding | None:
    """Not even the training images were learned."""
    train, val = curves.accuracy("train"), curves.accuracy("val")
    if train is None or train >= LOW_TRAINING_ACCURACY or (val is not None and val < train - ACCURACY_GAP):
        return None
    beside = "" if val is None else f", {_percent(val)} of the validation images"
    return Finding(
        "underfitting", "It has not learned the training images: underfitting",
        f"in epoch {curves.kept:g} only {_percent(train)} of the training images were right{beside}",
        ("Train longer (--epochs) or from given weights (--weights FILE, --pretrained).",
         "Take a larger network or larger images (--architecture, --image-size).",
         "If nothing helps, the images or labels may not tell more: look at the errors."),
    )  # fmt: skip


def _oscillating(curves: Curves) -> Finding | None:
    """The validation loss goes up and down."""
    steps = [b - a for a, b in pairwise(curves.val_loss)]
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    size = _median([abs(step) for step in steps]) / max(_median(curves.val_loss), 1e-12)
    if size <= RESTLESS_STEP or turns < max(2, RESTLESS_TURNS * (len(steps) - 1)):
        return None
    return Finding(
        "oscillating", "The validation loss goes up and down",
        f"it changes by {_percent(size)} from one epoch to the next and turns {turns} times in "
        f"{len(curves.val_loss)} epochs, between {min(curves.val_loss):.3f} and {max(curves.val_loss):.3f}",
        (f"{_lower_rate(curves)}, or larger batches (--batch-size 64).",
         "More patients for validation (--val-fraction): with few of them the loss hangs on a handful.",
         "The kept epoch is partly luck: believe the test images, not the validation figure."),
    )  # fmt: skip


def _stopped_too_early(curves: Curves, epochs: int | None) -> Finding | None:
    """The validation loss was still falling when the epochs were used up."""
    losses = curves.val_loss
    train = curves.accuracy("train")
    ended = epochs is None or curves.val_epochs[-1] >= epochs
    fall = 1 - losses[-1] / losses[-3] if losses[-3] > 0 else 0.0
    if not ended or losses[-1] > min(losses) or fall < STILL_FALLING or (train or 0.0) >= LEARNED:
        return None
    more = 2 * (epochs or len(losses))
    return Finding(
        "stopped_too_early", "It was still getting better when it ended",
        f"the last epoch is the best; the validation loss fell by {_percent(fall)} over the last two epochs, "
        f"from {losses[-3]:.3f} to {losses[-1]:.3f}",
        (f"Train longer: --epochs {more}.",),
    )  # fmt: skip


_RULES: tuple[Callable[[Curves], Finding | None], ...] = (_overfitting, _underfitting, _oscillating)


def _too_short(epochs: int) -> Finding:
    return Finding(
        "too_short", "Too short to judge",
        f"{epochs} epoch{'' if epochs == 1 else 's'} with a validation loss; at least {FEWEST_EPOCHS} are "
        "needed to tell a trend from chance",
        ("Train longer (--epochs), then look again.",),
    )  # fmt: skip


def _sound(curves: Curves) -> Finding:
    gap = curves.gap_when_kept
    beside = "" if gap is None else (
        f"; then {_percent(curves.accuracy('train'))} of the training and {_percent(curves.accuracy('val'))} "
        "of the validation images were right"
    )  # fmt: skip
    words = (
        f"the validation loss was lowest, {curves.lowest:.3f}, "
        f"in epoch {curves.kept:g} of {curves.val_epochs[-1]:g}"
    )
    return Finding("sound", "Nothing stands out", words + beside)


def _lower_rate(curves: Curves) -> str:
    peak = curves.peak_rate
    return "Try a third of the learning rate" + (
        f": --learning-rate {peak / 3:.1e} (its peak was {peak:.1e})" if peak else " (--learning-rate)"
    )


def _known(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
