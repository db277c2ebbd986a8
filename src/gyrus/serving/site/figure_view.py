"""Figures of a bundle's card as cells and tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gyrus.pages.measured import OUT_OF_FOLD, SPLIT_NAMES
from gyrus.pages.numbers import decimal, interval, percent, plural

_RATES = (
    ("sensitivity", "Sensitivity", True),
    ("specificity", "Specificity", True),
    ("precision", "Precision", True),
    ("f1", "F1", False),
    ("roc_auc", "ROC-AUC", False),
)
_MASK_RATES = (
    ("dice", "Dice", False),
    ("iou", "IoU", False),
    ("precision", "Precision", True),
    ("recall", "Recall", True),
)
_ORDER = ("test", OUT_OF_FOLD, "folds", "external", "val", "cal")
_TITLES = {
    "test": "Test images",
    OUT_OF_FOLD: "Out of fold",
    "folds": "Cross-validation",
    "external": "Images from elsewhere",
    "val": "Validation images",
    "cal": "Calibration images",
}
_MEANINGS = {
    "test": "Never seen in training, looked at on purpose.",
    OUT_OF_FOLD: "Every patient answered by a model that had not seen that patient.",
    "folds": "The same recipe, every patient unseen once: of other models, not of this one.",
    "external": "From another source than the training.",
    "val": "Looked at during training: optimistic.",
    "cal": "Those that calibration was fitted on: optimistic.",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and its interval or nothing."""

    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    name: str
    cells: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure that stands by itself."""

    name: str
    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """What was measured on one set of images."""

    title: str
    words: str
    tiles: tuple[Tile, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = field(default=())


def cell(figure: Any, *, as_percent: bool = True) -> Cell:
    """Return a figure of a card, ``{value, low, high}``, as a cell."""
    figure = figure if isinstance(figure, Mapping) else {"value": figure}
    value = figure.get("value")
    return Cell(percent(value) if as_percent else decimal(value), interval(figure, as_percent=as_percent))


def blocks(metrics: Mapping[str, Any], classes: Sequence[str]) -> tuple[Block, ...]:
    """Return what was measured, what says most first."""
    known = [name for name in _ORDER if name in metrics]
    known += [name for name in metrics if name not in _ORDER]
    return tuple(_block(name, metrics[name], classes) for name in known if _is_figures(metrics[name]))


def _is_figures(figures: Any) -> bool:
    return isinstance(figures, Mapping) and any(
        isinstance(figures.get(name), Mapping) for name in ("accuracy", "exact_match", "mean")
    )


def _block(name: str, figures: Mapping[str, Any], classes: Sequence[str]) -> Block:
    patients = figures.get("n_subjects")
    of = f" of {plural(patients, 'patient')}" if patients else ""
    source = f" {figures['of']}." if figures.get("of") else ""
    words = f"{plural(figures['n_images'], 'image')}{of}.{source} {_MEANINGS.get(name, '')}".strip()
    per_class = figures.get("per_class") or {}
    listed = [one for one in classes if one in per_class]
    rates = _MASK_RATES if isinstance(figures.get("mean"), Mapping) else _RATES
    shown = [rate for rate in rates if any(rate[0] in per_class[one] for one in listed)]
    rows = tuple(
        Row(one, tuple(cell(per_class[one].get(key), as_percent=share) for key, _, share in shown))
        for one in listed
    )
    title = _TITLES.get(name, SPLIT_NAMES.get(name, name).capitalize())
    return Block(title, words, _tiles(figures), tuple(words for _, words, _ in shown), rows)


def _tiles(figures: Mapping[str, Any]) -> tuple[Tile, ...]:
    found = []
    for key, name, share in _MASK_RATES:
        if isinstance((figures.get("mean") or {}).get(key), Mapping):
            one = cell(figures["mean"][key], as_percent=share)
            found.append(Tile(f"{name}, mean of images", one.value, one.interval))
    for key, name, share in (
        ("accuracy", "Accuracy", True),
        ("exact_match", "All classes of an image right", True),
        ("balanced_accuracy", "Balanced accuracy", True),
    ):
        if isinstance(figures.get(key), Mapping):
            one = cell(figures[key], as_percent=share)
            found.append(Tile(name, one.value, one.interval))
    area = (figures.get("macro") or {}).get("roc_auc")
    if area is not None:
        one = cell(area, as_percent=False)
        found.append(Tile("ROC-AUC, macro", one.value, one.interval))
    baseline = figures.get("majority_baseline")
    if baseline:
        found.append(Tile(f"Always saying {baseline['label']}", percent(baseline["accuracy"])))
    return (*found, *_said(figures.get("said")))


def _said(said: Any) -> tuple[Tile, ...]:
    """Return what became of the images when the model may refuse and refer."""
    if not isinstance(said, Mapping):
        return ()
    answered = said["answered"]
    right = f"{said['right']} of {answered}" if answered else "n/a"
    became = f"{answered} / {said['referred']} / {said['refused']}"
    return (Tile("Answered / for a person / refused", became), Tile("Right among the answered", right))
