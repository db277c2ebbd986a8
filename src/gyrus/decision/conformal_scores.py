"""How unlike an image each class is: the scores that conformal sets compare."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray


def scores_of(probabilities: FloatArray, method: str, seed: int = 0) -> FloatArray:
    """Return the score of each class, (n, n_classes); the higher, the less the class fits.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (n, n_classes)
        Each row sums to 1.
    method : {'lac', 'aps'}
        ``lac``: 1 - probability (Sadinle, Lei and Wasserman 2019). ``aps``: the probability of the classes
        that are more probable, plus a share of its own that is drawn uniformly for each image (Romano,
        Sesia and Candès 2020); without the draw the sets would be larger than promised.
    seed : int
        Of the draws. An image's draw is a function of the seed and its probabilities: the same image gets the
        same set whatever it is asked with.
    """
    if method == "lac":
        return np.asarray(1.0 - probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked
    scores = np.empty_like(ranked)
    np.put_along_axis(scores, order, before + draws(probabilities, seed)[:, None] * ranked, axis=1)
    return scores


def draws(probabilities: FloatArray, seed: int) -> FloatArray:
    """Return a number from [0, 1) for each row, drawn by hashing the seed and the row's probabilities."""
    rows = np.ascontiguousarray(np.round(probabilities, 12), dtype="<f8")
    start = str(seed).encode() + b"\n"
    words = [int.from_bytes(hashlib.sha256(start + row.tobytes()).digest()[:8], "big") for row in rows]
    numbers: npt.NDArray[np.float64] = np.array(words, dtype=np.float64) / 2.0**64
    return numbers
