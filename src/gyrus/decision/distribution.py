"""The gate's third step: does an image lie where this model's training images lie?

Three scores, each higher for what is more alike:

- ``mahalanobis`` (Lee, Lee, Lee and Shin 2018): minus the squared Mahalanobis distance of the embedding to
  the nearest class mean, under one covariance for all classes. Many more features than images leave that
  covariance without a floor, so it is shrunk towards a multiple of the identity (Ledoit and Wolf 2004), and
  beyond its largest axes its eigenvalues are replaced by their mean (as in Tipping and Bishop 1999).
- ``knn`` (Sun, Ming, Zhu and Li 2022): minus the distance of the embedding, scaled to length 1, to its k-th
  nearest training embedding.
- ``energy`` (Liu, Wang, Owens and Li 2020): the log of the sum of the exponentials of the logits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from gyrus.decision.gate_finding import GateFinding
from gyrus.decision.shrinkage import shrunk_axes
from gyrus.decision.single_threaded import projected
from gyrus.errors import BundleError, DataError

Method = Literal["mahalanobis", "knn", "energy"]
METHODS: tuple[Method, ...] = ("mahalanobis", "knn", "energy")
MOST_AXES = 128
"""Axes of the covariance that are kept, and those beyond get their mean: exact for up to 128 features."""
MOST_NEIGHBOURS = 512
"""Training embeddings that ``knn`` keeps; of more, as many are drawn."""
K = 10
_ROUNDING = 1e-4

Floats = npt.NDArray[np.floating[Any]]
Scores = npt.NDArray[np.float64]

ARRAYS: dict[str, tuple[str, ...]] = {
    "mahalanobis": ("means", "axes", "variances", "rest_variance"),
    "knn": ("neighbours",),
    "energy": (),
}
"""What each method keeps."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The fitted step.

    Attributes
    ----------
    method : str
        One of :data:`METHODS`.
    threshold : float
        The least score that passes.
    arrays : mapping
        ``mahalanobis``: ``means`` (classes, features), ``axes`` (axes, features), ``variances`` (axes,),
        ``rest_variance`` (1,); ``knn``: ``neighbours`` (n, features) of length 1; float32.
    """

    method: Method
    threshold: float
    arrays: Mapping[str, npt.NDArray[np.float32]]
    _means_along: Floats | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compute once what is the same for every image."""
        if self.method == "mahalanobis":
            along = projected(self.arrays["means"], self.arrays["axes"])
            object.__setattr__(self, "_means_along", along)

    @property
    def needs_embedding(self) -> bool:
        """Whether the score is made of the embedding, not of the logits."""
        return self.method != "energy"

    def scores(self, embedding: Floats | None, logits: Floats) -> Scores:
        """Return the score of each image, (n,).

        Parameters
        ----------
        embedding : ndarray or None
            (n, features).
        logits : ndarray
            (n, classes).

        Raises
        ------
        BundleError
            When the method needs embeddings and the network gives none, or others.
        """
        if self.method == "energy":
            return energy(logits)
        features = self.arrays["means" if self.method == "mahalanobis" else "neighbours"].shape[1]
        if embedding is None or embedding.shape[1] != features:
            got = "none" if embedding is None else f"{embedding.shape[1]} features"
            raise BundleError(f"its gate needs embeddings of {features} features; the network gives {got}")
        if self.method == "knn":
            return knn(embedding, self.arrays["neighbours"])
        return mahalanobis(embedding, **self.arrays, means_along=self._means_along)

    def find(self, embedding: Floats | None, logits: Floats) -> list[GateFinding]:
        """Judge each image; a score that is no number does not pass."""
        return [self._finding(score) for score in self.scores(embedding, logits).tolist()]

    def _finding(self, score: float) -> GateFinding:
        passed = score >= self.threshold
        reason = (
            "lies where the training images of this model lie"
            if passed
            else "is unlike the images that this model was trained on"
        )
        return GateFinding("distribution", passed, score, self.threshold, reason)


def energy(logits: Floats) -> Scores:
    """Return log sum exp of the logits, (n,): minus the energy of Liu et al. 2020 at temperature 1."""
    values = np.asarray(logits, dtype=np.float64)
    highest = values.max(axis=1)
    return cast("Scores", highest + np.log(np.exp(values - highest[:, None]).sum(axis=1)))


def knn(embedding: Floats, neighbours: npt.NDArray[np.float32], k: int = K) -> Scores:
    """Return minus the distance to the k-th nearest of ``neighbours`` (all of length 1), (n,)."""
    nth = min(k, len(neighbours)) - 1
    alike = projected(unit(embedding), neighbours)
    kth = -np.partition(-alike, nth, axis=1)[:, nth]
    return cast("Scores", -np.sqrt(np.maximum(2.0 - 2.0 * kth.astype(np.float64), 0.0)))


def mahalanobis(
    embedding: Floats,
    means: npt.NDArray[np.float32],
    axes: npt.NDArray[np.float32],
    variances: npt.NDArray[np.float32],
    rest_variance: npt.NDArray[np.float32],
    means_along: Floats | None = None,
) -> Scores:
    """Return minus the squared distance to the nearest class mean, (n,); ``means_along``: means @ axes.T."""
    values = unit(embedding)
    along = projected(values, axes)
    if means_along is None:
        means_along = projected(means, axes)
    nearest = np.full(len(values), np.inf)
    for mean, mean_along in zip(means, means_along, strict=True):
        centred = values - mean
        parts = (along - mean_along) ** 2
        # what lies beyond the axes: never below zero but for rounding
        rest = np.maximum((centred * centred).sum(axis=1) - parts.sum(axis=1), 0.0)
        distance = (parts / variances).sum(axis=1) + rest / rest_variance[0]
        nearest = np.minimum(nearest, distance)
    return cast("Scores", -nearest)


def unit(embedding: Floats) -> npt.NDArray[np.float32]:
    """Return rows scaled to length 1; a row of zeros stays."""
    values = np.asarray(embedding, dtype=np.float32)
    lengths = np.sqrt((values * values).sum(axis=1, keepdims=True))
    return cast("npt.NDArray[np.float32]", values / np.maximum(lengths, np.float32(1e-12)))


def fit_arrays(
    method: Method, embedding: Floats | None, labels: npt.NDArray[np.int64], *, seed: int = 0
) -> dict[str, npt.NDArray[np.float32]]:
    """Return what a method keeps of the training images.

    Parameters
    ----------
    method : str
        One of :data:`METHODS`.
    embedding : ndarray or None
        (n, features).
    labels : ndarray of int
        (n,) index of the class; all 0 where an image may have several.
    seed : int
        Of the draw of neighbours.

    Raises
    ------
    DataError
        For a method that needs embeddings without any, or with fewer than 2 images.
    """
    if method == "energy":
        return {}
    if embedding is None or len(embedding) < 2:
        got = "none" if embedding is None else f"{len(embedding)} of them"
        raise DataError(
            f"the gate's method {method} needs embeddings of training images, got {got}",
            fix="more training images of a network that gives an embedding, or --gate none",
        )
    values = unit(embedding)
    if method == "knn":
        keep = np.sort(np.random.default_rng(seed).permutation(len(values))[:MOST_NEIGHBOURS])
        return {"neighbours": values[keep]}
    classes, index = np.unique(labels, return_inverse=True)
    means = np.stack([values[index == number].mean(axis=0) for number in range(len(classes))])
    axes, variances, rest = shrunk_axes(values - means[index], most=MOST_AXES)
    return {
        "means": means.astype(np.float32),
        "axes": axes.astype(np.float32),
        "variances": variances.astype(np.float32),
        "rest_variance": np.array([rest], dtype=np.float32),
    }


def threshold_for(
    scores: Scores, false_refusals: float, groups: npt.NDArray[np.int64] | None = None
) -> float:
    """Return the least score that passes, so that images of a new patient are refused at most so often.

    Each of the n held-out patients weighs 1 / (n + 1), shared among the images, and the new one weighs as
    much with an unknown score: the threshold is the highest score below which at most ``share`` lies, the
    new patient counted there. An image of a patient exchangeable with them lies below it with a chance of at
    most ``share`` (Lee, Barber and Willett 2023; where every image is a patient's only one, the
    floor(share x (n + 1))-th lowest score of Vovk, Gammerman and Shafer 2005). With fewer patients than
    :func:`fewest_held_out` it is the lowest score, and the chance is at most 1 / (n + 1).

    Parameters
    ----------
    scores : ndarray
        (n_images,) of held-out images.
    false_refusals : float
        The share, 0 to 1.
    groups : ndarray of int64, optional
        (n_images,) number of each image's patient; without it each image counts for one.

    Raises
    ------
    DataError
        Without any score.
    """
    if len(scores) == 0:
        raise DataError("the gate's threshold needs held-out images, got none", fix="a split val or cal")
    whose = np.arange(len(scores)) if groups is None else groups
    _, which, sizes = np.unique(whose, return_inverse=True, return_counts=True)
    weights = 1.0 / (sizes[which.reshape(-1)] * (sizes.size + 1))
    order = np.argsort(scores, kind="stable")
    refused = np.cumsum(weights[order]) - weights[order] + 1.0 / (sizes.size + 1)
    allowed = np.flatnonzero(refused <= false_refusals + 1e-9)
    lowest = float(scores[order[allowed[-1] if allowed.size else 0]])
    # the same products in a batch of another size differ in their last digits
    return lowest - _ROUNDING * max(1.0, abs(lowest))


def fewest_held_out(false_refusals: float) -> int:
    """Return from how many patients on a share of refusals can be asked for.

    >>> fewest_held_out(0.01), fewest_held_out(0.05)
    (99, 19)
    """
    return max(math.ceil(1.0 / false_refusals - 1.0 - 1e-9), 1)
