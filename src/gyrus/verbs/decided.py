"""Fit a decision on the calibration images of a run, enter it into the card, and measure it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gyrus.bundles import rewrite_card
from gyrus.config.build import nearest
from gyrus.config.deciding import DecidingOptions
from gyrus.data import Manifest, Row
from gyrus.decision import Decision
from gyrus.decision.cases import FEWEST_PATIENTS
from gyrus.decision.learning import Wish, fit_decision
from gyrus.decision.solving import fewest_to_promise, promisable
from gyrus.errors import DataError, UsageError
from gyrus.evaluation import Predictions
from gyrus.evaluation.decided import cases_of
from gyrus.evaluation.decision_figures import rates_of_points
from gyrus.evaluation.joining import cluster_of
from gyrus.inference import Outputs, Predictor, predict_rows

logger = logging.getLogger("gyrus")

CALIBRATION = "cal"


def wish_of(config: DecidingOptions, seed: int, *, several: bool) -> Wish:
    """Return what the options ask for; of several classes an image, each is a question of its own."""
    questions = [(name,) for name in config.positives] if several else [config.positives]
    wish = Wish(
        calibration=config.calibration,
        conformal_method=config.conformal_method,
        points=tuple((names, *promise) for names in questions for promise in config.promises),
        seed=seed,
    )
    if config.conformal_level is not None:
        wish = replace(wish, level=config.conformal_level)
    return wish if config.conformal_promise is None else replace(wish, promise=config.conformal_promise)


def check_wish(config: DecidingOptions, manifest: Manifest, rows: Sequence[Row] | None = None) -> None:
    """Refuse before a training what its calibration images cannot give.

    Parameters
    ----------
    config : DecidingOptions
    manifest : Manifest
        With splits.
    rows : sequence of Row, optional
        What is fitted on, where that is not the split ``cal``.

    Raises
    ------
    UsageError
        For a positive class that does not exist, and where all classes are positive.
    DataError
        When what was asked for by name needs more calibration patients, or a class that none of them shows.
    """
    check_positive(config, manifest.classes, several=manifest.several)
    if rows is None:
        rows = [row for row in manifest if row.split == CALIBRATION and row.label]
    if config.calibration in ("temperature", "vector"):
        shown = {name for row in rows for name in manifest.names_of(row)}
        absent = [name for name in manifest.classes if name not in shown]
        patients = len({cluster_of(row) for row in rows})
        if absent or patients < FEWEST_PATIENTS:
            raise DataError(
                f"no calibration image shows {', '.join(absent)}"
                if rows and absent
                else f"a calibration needs at least {FEWEST_PATIENTS} calibration patients, got {patients}",
                fix="give a larger --cal-fraction, or leave out --calibration",
            )
    questions = [{name} for name in config.positives] if manifest.several else [set(config.positives)]
    for metric, at_least in config.promises:
        for names in questions:
            sick = metric == "sensitivity"
            concerned = {cluster_of(row) for row in rows if bool(names & set(manifest.names_of(row))) == sick}
            _check_promise(metric, at_least, len(concerned), names)


def _check_promise(metric: str, at_least: float, patients: int, names: set[str]) -> None:
    if promisable(patients, at_least):
        return
    side = "positive" if metric == "sensitivity" else "negative"
    raise DataError(
        f"{metric} of at least {at_least:g} for {', '.join(sorted(names))} cannot be promised from "
        f"{patients} {side} calibration patient{'' if patients == 1 else 's'}; "
        f"{fewest_to_promise(at_least)} are needed",
        details=[f"best achievable: {metric} at least {int(1e4 * patients / (patients + 1)) / 1e4:g}"],
        fix=f"ask for less (--min-{metric}), or give a larger --cal-fraction",
    )


def check_positive(config: DecidingOptions, classes: tuple[str, ...], *, several: bool) -> None:
    """Refuse positive classes that a model does not know, and all of them at once."""
    unknown = [name for name in config.positives if name not in classes]
    if unknown:
        raise UsageError(
            f"positive names {unknown[0]!r}, none of {', '.join(classes)}{nearest(unknown[0], classes)}"
        )
    if not several and set(config.positives) == set(classes):
        raise UsageError(
            "positive names every class: no image would be negative", fix="leave out the healthy class"
        )


def decide_on(
    config: DecidingOptions, bundle: Path, manifest: Manifest, predictor: Predictor, seed: int
) -> tuple[Predictions, Outputs] | None:
    """Fit a decision on the calibration images, through the bundle, and enter it into the card.

    Returns
    -------
    tuple of Predictions and Outputs, or None
        What the bundle now answers on the calibration images; None where there are none.
    """
    if not any(row.label for row in manifest.select(CALIBRATION)):
        logger.info("note: No calibration image: probabilities stay as the network gives them.")
        return None
    predictions, outputs = predict_rows(predictor, manifest, CALIBRATION)
    cases = cases_of(predictions, outputs.logits, split=CALIBRATION, fingerprint=manifest.fingerprint)
    decision, notes = fit_decision(cases, wish_of(config, seed, several=manifest.several))
    for note in notes:
        logger.info("note: %s%s.", note[:1].upper(), note[1:])
    rewrite_card(bundle, **decision.to_card())
    return replace(predictions, y_prob=decision.probabilities(outputs.logits)), outputs


def points_measured(
    decision: Decision, evaluations: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]] | None:
    """Return the card's field ``operating_points`` with the figures of the splits that were measured."""
    entries = []
    for point in decision.points:
        figures = dict(point.figures)
        for split, evaluation in evaluations.items():
            if split != point.split and evaluation.get("decision"):
                figures[split] = rates_of_points(evaluation["decision"])[point.name]
        entries.append(replace(point, figures=figures).to_card())
    return entries or None
