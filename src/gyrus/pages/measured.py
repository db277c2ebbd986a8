"""An evaluation (the JSON of :func:`gyrus.evaluation.evaluate_predictions`) as the pages need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figure = Mapping[str, Any]
"""``value``, ``low``, ``high``, ``method``; None where undefined."""

SPLIT_NAMES = {"train": "training", "val": "validation", "cal": "calibration", "test": "test"}


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class against the rest."""

    name: str
    images: int
    sensitivity: Figure
    specificity: Figure
    precision: Figure
    f1: Figure
    auc: Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one split."""

    split: str
    images: int
    patients: int | None
    classes: tuple[str, ...]
    accuracy: Figure
    balanced_accuracy: Figure
    macro_f1: Figure
    macro_auc: Figure
    micro_auc: Figure
    baseline: Figure
    baseline_class: str
    per_class: tuple[ClassFigures, ...]
    averages: Mapping[str, Mapping[str, Any]]
    confusion: Sequence[Sequence[int]]
    roc: Mapping[str, Mapping[str, Any]]
    confidence: float

    @property
    def noun(self) -> str:
        """``test``, ``validation``, …"""
        return SPLIT_NAMES.get(self.split, self.split)


def measured_from(evaluation: Mapping[str, Any], split: str) -> Measured:
    """Return the view of one evaluation; a figure that it does not hold is undefined, not zero."""
    classes = tuple(evaluation["classes"])
    per_class: Mapping[str, Mapping[str, Any]] = evaluation["per_class"]
    macro = evaluation.get("macro") or {}
    baseline = evaluation.get("majority_baseline") or {}
    return Measured(
        split=split,
        images=int(evaluation["n_images"]),
        patients=evaluation.get("n_subjects"),
        classes=classes,
        accuracy=_figure(evaluation.get("accuracy")),
        balanced_accuracy=_figure(evaluation.get("balanced_accuracy")),
        macro_f1=_figure(macro.get("f1")),
        macro_auc=_figure(macro.get("roc_auc")),
        micro_auc=_figure((evaluation.get("micro") or {}).get("roc_auc")),
        baseline=_figure(baseline.get("accuracy")),
        baseline_class=str(baseline.get("label", "")),
        per_class=tuple(_class_figures(name, per_class[name]) for name in classes),
        averages={name: evaluation[name] for name in ("macro", "weighted") if name in evaluation},
        confusion=evaluation["confusion_matrix"],
        roc=evaluation.get("roc") or {},
        confidence=float(evaluation.get("confidence", 0.95)),
    )


def _class_figures(name: str, figures: Mapping[str, Any]) -> ClassFigures:
    return ClassFigures(
        name=name,
        images=int(figures["support"]),
        sensitivity=_figure(figures.get("sensitivity")),
        specificity=_figure(figures.get("specificity")),
        precision=_figure(figures.get("precision")),
        f1=_figure(figures.get("f1")),
        auc=_figure(figures.get("roc_auc")),
    )


def _figure(value: Any) -> Figure:
    """Return a figure with its interval; a bare number has none."""
    return value if isinstance(value, Mapping) else {"value": value, "low": None, "high": None, "method": ""}
