"""Measure a run through its own bundle, on the raw files: what is measured is what ships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.data import Manifest
from gyrus.evaluation import Predictions, evaluate_predictions, subgroups, twin_free, write_predictions
from gyrus.evaluation.decided import cases_of, said_by
from gyrus.evaluation.decision_figures import decision_figures
from gyrus.evaluation.twin_free import twins_untold
from gyrus.inference import Outputs, Predictor, predict_rows, write_outputs
from gyrus.runs import RunFolder
from gyrus.runs.atomic import write_json
from gyrus.verbs.mask_heat import heat_in_masks

SEVERAL_HAVE_NO_TWINS = "it compares images of one class each, and these may show several"

_CARD_FIGURES = (
    "n_images",
    "n_subjects",
    "accuracy",
    "balanced_accuracy",
    "majority_baseline",
    "exact_match",
    "decisions",
    "macro",
    "per_class",
    "pr_auc",
)


def measure(
    run: RunFolder,
    manifest: Manifest,
    split: str,
    *,
    predictor: Predictor,
    bootstrap_samples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    prevalence: Mapping[str, float] | None = None,
    answered: tuple[Predictions, Outputs] | None = None,
) -> dict[str, Any]:
    """Predict one split with the bundle, write predictions, outputs and figures; return the figures.

    The figures hold ``decision`` (see :func:`gyrus.evaluation.decision_figures.decision_figures`),
    ``twin_free`` (see :func:`gyrus.evaluation.twin_free`) and, of one class an image, ``subgroups`` and,
    where the data bring masks, ``heat_in_mask`` (see :func:`gyrus.evaluation.heat_in_mask.heat_figures`).
    ``answered``: what the bundle answers, where that is known already.
    """
    predictions, outputs = predict_rows(predictor, manifest, split) if answered is None else answered
    write_predictions(predictions, run.predictions(split))
    write_outputs(outputs, run.outputs(split))
    evaluation = evaluate_predictions(
        predictions, n_bootstrap=bootstrap_samples, confidence=confidence, seed=seed, prevalence=prevalence
    )
    cases = cases_of(predictions, outputs.logits, split=split, fingerprint=manifest.fingerprint)
    said = said_by(predictor.decision, cases)
    evaluation["decision"] = decision_figures(said, confidence=confidence, seed=seed)
    if manifest.several:
        evaluation["twin_free"] = twins_untold(SEVERAL_HAVE_NO_TWINS)
    else:
        evaluation["twin_free"] = twin_free(predictions, manifest, confidence=confidence)
        evaluation["subgroups"] = subgroups(predictions, manifest, confidence=confidence)
        heat = heat_in_masks(manifest, predictions, outputs, predictor.card, confidence=confidence)
        if heat is not None:
            evaluation["heat_in_mask"] = heat
    write_json(run.evaluation(split), evaluation)
    return evaluation


def metrics_for_card(evaluations: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the figures that the card shows: no curves, no matrices."""
    return {
        split: {name: evaluation[name] for name in _CARD_FIGURES if name in evaluation}
        for split, evaluation in evaluations.items()
    }
