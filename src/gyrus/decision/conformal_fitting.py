"""The quantiles of conformal sets, when the images of one patient resemble each other.

What is promised is about an image of a patient who was not seen before. Its score is exchangeable with one
image drawn from each calibration patient; none is drawn, but all are weighed: each patient counts once,
shared among the images, and the new patient counts once with an unknown score (hierarchical conformal
prediction: Lee, Barber and Willett 2023; the subsampling of Dunn, Wasserman and Ramdas 2023 with all draws at
once). How many patients the quantile must hold, and what that promises: :func:`patients_within`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.decision.cases import Cases
from gyrus.decision.conformal import ConformalSets, Promise, SetMethod
from gyrus.decision.conformal_scores import scores_of

_ROUNDING, _HALF = 1e-9, 0.5


def fit_sets(
    cases: Cases,
    probabilities: FloatArray,
    *,
    method: SetMethod = "lac",
    level: float = 0.9,
    class_conditional: bool = True,
    promise: Promise = "at-least",
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
        quantiles[name] = patient_quantile(own[among], groups, level, promise)
        if quantiles[name] is None:
            refused[name] = (
                f"{cases.so_many(counts[name])}; {fewest_patients(level, promise)} are needed for "
                f"{100 * level:g} %"
            )
    return ConformalSets(
        method, level, class_conditional, "image" if cases.subjects is None else "subject",
        quantiles, counts, refused, seed, promise,
    )  # fmt: skip


def fewest_patients(level: float, promise: Promise = "at-least") -> int:
    """Return how many patients a quantile needs.

    >>> fewest_patients(0.9), fewest_patients(0.95), fewest_patients(0.9, "about")
    (9, 19, 5)
    """
    outside = level if promise == "at-least" else _HALF
    return max(math.ceil(outside / (1 - level) - _ROUNDING), 1)


def patients_within(patients: int, level: float, promise: Promise = "at-least") -> float:
    """Return how many of n patients the quantile must hold, each shared among the images.

    ``at-least``: (n + 1) x level, as if the quantile held nothing of the new patient. Then coverage never
    falls short on average. It exceeds the level by up to level / n where images of one patient are as
    different as those of two, for then the quantile does hold as much of the new patient.

    ``about``: n x level + 1/2, the mid position of Hazen 1914 (type 5 of Hyndman and Fan 1996). With patients
    exchangeable, the mean over n + 1 of what the quantile of all n + 1 holds is at least that / (n + 1), and
    leaving one out only raises it: on average coverage falls short by at most (level - 1/2) / (n + 1). It
    exceeds the level by at most (3/2 - level) / (n + 1) where a patient's images are all alike, and by
    1 / (2 n) where they are as different as those of two.
    """
    return (patients + 1) * level if promise == "at-least" else patients * level + _HALF


def patient_quantile(
    scores: FloatArray, groups: npt.NDArray[np.int64], level: float, promise: Promise = "at-least"
) -> float | None:
    """Return the least score that holds enough patients, each shared among the images; None with too few."""
    _, which, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(scores, kind="stable")
    held = np.cumsum(1.0 / sizes[which.reshape(-1)][order])
    reached = np.flatnonzero(held >= patients_within(sizes.size, level, promise) - _ROUNDING)
    return float(scores[order][reached[0]]) if reached.size else None
