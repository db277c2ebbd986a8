"""A decision fitted after the fact: on predictions, each patient by what was fitted on the other patients."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.config import EvaluateConfig
from gyrus.config.deciding import DecidingOptions
from gyrus.evaluation import Predictions
from gyrus.evaluation.decided import cases_of, said_out_of_fold
from gyrus.evaluation.decision_figures import decision_figures
from gyrus.evaluation.predictions import CLASSIFY
from gyrus.verbs.decided import check_positive, wish_of

logger = logging.getLogger("gyrus")


def out_of_fold_block(
    config: DecidingOptions,
    predictions: Predictions,
    logits: npt.NDArray[np.generic] | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the figures of decisions cross-fitted on labelled predictions.

    Parameters
    ----------
    config : DecidingOptions
    predictions : Predictions
        Each made by a model that had not seen the image's patient.
    logits : ndarray, optional
        In the order of the predictions; without them the logarithms of the probabilities.
    confidence, seed : float and int
        Of the intervals; of the folds.

    Raises
    ------
    UsageError
        For a positive class that does not exist.
    DataError
        When what is asked for by name needs more patients.
    """
    several = predictions.task != CLASSIFY
    check_positive(config, predictions.classes, several=several)
    cases = cases_of(predictions, logits, split="out-of-fold")
    said = said_out_of_fold(cases, wish_of(config, seed, several=several))
    return decision_figures(said, confidence=confidence, seed=seed)


def add_decision(config: EvaluateConfig, evaluation: dict[str, Any], predictions: Predictions) -> None:
    """Add the block ``decision`` to the evaluation of predictions, where an option asks for one."""
    if not config.deciding_given:
        return
    logger.info(
        "note: A predictions file holds no logits: the logarithms of its probabilities are scaled instead."
    )
    evaluation["decision"] = out_of_fold_block(
        config, predictions, confidence=config.confidence, seed=config.seed
    )
