"""An evaluation (the JSON of :func:`gyrus.evaluation.evaluate_predictions`) as the pages need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gyrus.evaluation.predictions import MULTILABEL

Figure = Mapping[str, Any]
"""``value``, ``low``, ``high``, ``method``; None or NaN where undefined."""

OUT_OF_FOLD = "out-of-fold"
SPLIT_NAMES = {"train": "training", "val": "validation", "cal": "calibration", "test": "test"}

_AGREEMENT = ("balanced_accuracy", "kappa", "mcc")
_OF_PROBABILITIES = ("log_loss", "brier", "ece")


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one split.

    Attributes
    ----------
    split : str
        ``test``, ``val``, …
    images, unlabelled : int
        Images measured, and left out for want of a label.
    patients : int or None
        None where no patient is known.
    clustered_by : str
        What the intervals count as independent: ``patients``, ``images``, ``patients and images``.
    classes : tuple of str
        In the order of the matrix.
    accuracy, balanced_accuracy, baseline : Figure
        ``baseline``: always answering ``baseline_class``.
    per_class, averages : mapping
        Class, or ``macro`` and ``weighted``, -> figures by name.
    micro_auc : Figure
        Over all pairs of image and class.
    confusion : sequence of sequence of int
        Rows: true class, columns: answered class.
    roc : mapping
        Class -> curve; classes without one are absent.
    bootstrap : mapping
        The second opinion on the intervals; empty without one.
    notes : sequence of str
        What is undefined or unknown.
    confidence : float
        Of all intervals.
    twin_free, subgroups : mapping
        See :func:`gyrus.evaluation.twin_free` and :func:`gyrus.evaluation.subgroups`; empty where absent.
    precision_recall : mapping
        Class -> ``recall``, ``precision``, ``auc``; empty where absent.
    probabilities : mapping
        ``log_loss``, ``brier``, ``ece``: those figures that are there.
    reliability : sequence of mapping
        Bins: ``confidence`` and ``accuracy`` (means), ``n_images``, and where known ``low`` and ``high``.
    patient_level : mapping
        Way of pooling the slices (``mean``, ``maximum``, ``noisy_or``) -> figures; empty where absent.
    folds : mapping
        See :func:`gyrus.evaluation.folds.fold_figures`; empty without a cross-validation.
    several : bool
        An image may show several classes; ``accuracy`` is then that of all its classes together,
        ``balanced_accuracy`` the share of all decisions that are right, and there is no matrix.
    agreement : mapping
        ``balanced_accuracy``, ``kappa``, ``mcc``: those figures that are there.
    average_precision : mapping
        ``per_class``, ``macro``, ``weighted``, ``micro`` areas under the precision-recall curves; empty
        where absent.
    micro : mapping
        Figures over all pairs of image and class.
    top_k : mapping
        ``"2"``, … -> figure.
    at_prevalence : mapping
        Class -> ``prevalence``, ``ppv``, ``npv``; empty where none was stated.
    label_map : sequence of mapping
        ``theirs``, ``ours``, ``images``; empty where absent.
    drift, patients_in_both : mapping
        See :func:`gyrus.evaluation.drift.embedding_drift`; empty where absent.
    decision : mapping
        See :func:`gyrus.evaluation.decision_figures.decision_figures`; empty where absent.
    """

    split: str
    images: int
    unlabelled: int
    patients: int | None
    clustered_by: str
    classes: tuple[str, ...]
    accuracy: Figure
    balanced_accuracy: Figure
    baseline: Figure
    baseline_class: str
    per_class: Mapping[str, Mapping[str, Any]]
    averages: Mapping[str, Mapping[str, Any]]
    micro_auc: Figure
    confusion: Sequence[Sequence[int]]
    roc: Mapping[str, Mapping[str, Any]]
    bootstrap: Mapping[str, Any]
    notes: Sequence[str]
    confidence: float
    twin_free: Mapping[str, Any]
    subgroups: Mapping[str, Any]
    precision_recall: Mapping[str, Mapping[str, Any]]
    probabilities: Mapping[str, Figure]
    reliability: Sequence[Mapping[str, Any]]
    patient_level: Mapping[str, Mapping[str, Any]]
    folds: Mapping[str, Any]
    several: bool
    agreement: Mapping[str, Figure]
    average_precision: Mapping[str, Any]
    micro: Mapping[str, Any]
    top_k: Mapping[str, Figure]
    at_prevalence: Mapping[str, Mapping[str, Any]]
    label_map: Sequence[Mapping[str, Any]]
    drift: Mapping[str, Any]
    patients_in_both: Mapping[str, Any]
    decision: Mapping[str, Any]

    @property
    def noun(self) -> str:
        """``test``, ``validation``, …"""
        return SPLIT_NAMES.get(self.split, self.split)

    @property
    def level(self) -> str:
        """Confidence as ``95 %``."""
        return f"{100 * self.confidence:g}\N{NO-BREAK SPACE}%"


def measured_from(evaluation: Mapping[str, Any], split: str) -> Measured:
    """Return the view of one evaluation; of one of an older version what is there."""
    several = evaluation.get("task") == MULTILABEL
    baseline = evaluation.get("majority_baseline")
    return Measured(
        split=split,
        images=int(evaluation["n_images"]),
        unlabelled=int(evaluation["n_unlabelled"]),
        patients=evaluation["n_subjects"],
        clustered_by=str(evaluation["clustered_by"]),
        classes=tuple(evaluation["classes"]),
        accuracy=evaluation["exact_match" if several else "accuracy"],
        balanced_accuracy=evaluation["decisions" if several else "balanced_accuracy"],
        baseline={"value": baseline["accuracy"]} if baseline else {},
        baseline_class=str(baseline["label"]) if baseline else "",
        per_class=evaluation["per_class"],
        averages={name: evaluation[name] for name in ("macro", "weighted")},
        micro_auc=evaluation["micro"]["roc_auc"],
        confusion=evaluation.get("confusion_matrix") or (),
        roc=evaluation["roc"],
        bootstrap=evaluation.get("bootstrap") or {},
        notes=evaluation["notes"],
        confidence=float(evaluation["confidence"]),
        twin_free=evaluation.get("twin_free") or {},
        subgroups=evaluation.get("subgroups") or {},
        precision_recall=evaluation.get("precision_recall") or {},
        probabilities={name: evaluation[name] for name in _OF_PROBABILITIES if evaluation.get(name)},
        reliability=_bins(evaluation.get("reliability")),
        patient_level=evaluation.get("patient_level") or {},
        folds=evaluation.get("folds") or {},
        several=several,
        agreement={name: evaluation[name] for name in _AGREEMENT if evaluation.get(name)},
        average_precision=evaluation.get("pr_auc") or {},
        micro=evaluation["micro"],
        top_k=evaluation.get("top_k") or {},
        at_prevalence=evaluation.get("at_prevalence") or {},
        label_map=evaluation.get("label_map") or (),
        drift=evaluation.get("drift") or {},
        patients_in_both=evaluation.get("patients_in_both") or {},
        decision=evaluation.get("decision") or {},
    )


def _bins(reliability: Any) -> list[dict[str, Any]]:
    """Return the bins of :func:`gyrus.metrics.calibration.reliability` flat, as the plot takes them."""
    bins = reliability.get("bins") if isinstance(reliability, Mapping) else reliability
    return [
        {
            "confidence": one["confidence"],
            "accuracy": one["share"]["value"],
            "low": one["share"].get("low"),
            "high": one["share"].get("high"),
            "n_images": one["images"],
        }
        for one in bins or ()
    ]
