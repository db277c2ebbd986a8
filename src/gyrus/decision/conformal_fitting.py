"""The quantiles of conformal sets, when the images of one patient resemble each other.

What is promised is about an image of a patient who was not seen before. Its score is exchangeable with one
image drawn from each calibration patient; none is drawn, but all are weighed: each patient counts once,
shared among the images, and the new patient counts once with an unknown score (hierarchical conformal
prediction: Lee, Barber and Willett 2023; the subsampling of Dunn, Wasserman and Ramdas 2023 with all draws at
once). The quantile exists from level / (1 - level) patients on: 9 at 90 %, 19 at 95 %.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.decision.cases import Cases
from gyrus.decision.conformal import ConformalSets, SetMethod
from gyrus.decision.conformal_scores import scores_of

_ROUNDING = 1e-9


def fit_sets(
    cases: Cases,
    probabilities: FloatArray,
    *,
    method: SetMethod = "lac",
    level: float = 0.9,
    class_conditional: bool = True,
    seed: int = 0,
) -> ConformalSets:
    """Return sets fitted on calibrated probabilities (n, n_classes) of cases with one class an image.

    A class with fewer patients than :func:`fewest_patients` is refused, with the reason; no sets can be made
    then (:attr:`ConformalSets.usable`), for one that leaves the class out could not keep its promise.
    """
    own = (scores_of(probabilities, method, seed) * cases.truth).sum(axis=1)
    quantiles, counts, refused = {}, {}, {}
    for number, name in enumerate(cases.classes):
        among = cases.truth[:, number] if class_conditional else np.ones(len(cases), dtype=bool)
        groups = cases.groups[among]
        counts[name] = int(np.unique(groups).size)
        quantiles[name] = patient_quantile(own[among], groups, level)
        if quantiles[name] is None:
            refused[name] = (
                f"{cases.so_many(counts[name])}; {fewest_patients(level)} are needed for {100 * level:g} %"
            )
    return ConformalSets(
        method, level, class_conditional, "image" if cases.subjects is None else "subject",
        quantiles, counts, refused, seed,
    )  # fmt: skip


def fewest_patients(level: float) -> int:
    """Return how many patients a quantile needs.

    >>> fewest_patients(0.9), fewest_patients(0.95)
    (9, 19)
    """
    return max(math.ceil(level / (1 - level) - _ROUNDING), 1)


def patient_quantile(scores: FloatArray, groups: npt.NDArray[np.int64], level: float) -> float | None:
    """Return the quantile of the scores, each patient weighing 1 / (patients + 1); None with too few."""
    _, which, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1.0 / (sizes[which.reshape(-1)] * (sizes.size + 1))
    order = np.argsort(scores, kind="stable")
    reached = np.flatnonzero(np.cumsum(weights[order]) >= level - _ROUNDING)
    return float(scores[order][reached[0]]) if reached.size else None
