"""How well a few plain facts tell the class: a small model, cross-validated, against permuted labels.

Each fact is cut into bins. The model is ridge regression of the class indicators on the bins' indicators:
for one fact that is the share of the class in the bin, drawn towards the share in the whole where a bin holds
few images; for several facts it is a linear model. Its solution is linear in the labels, so that a hundred
permuted labellings cost one matrix product more and no further fit.

Groups of linked images stay together in cross-validation, and labels are permuted between groups, so that
images of one patient do not count as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.intervals import Interval, linear_area, logit_t_interval
from gyrus.metrics.roc import placements

FOLDS = 5
PERMUTATIONS = 100
FAMILY_ERROR = 0.01  # chance that anything at all passes the limit when the facts tell nothing
_RIDGE = 3.0  # as if each bin held this many images more, with the classes' common shares
_MOST_BINS = 12

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Told:
    """How well one set of facts tells each class.

    Attributes
    ----------
    areas : tuple of Interval
        Area under the ROC curve, class against rest, out of fold, clustered by group; a class each.
    limits : tuple of float
        What facts that tell nothing exceed in 1 to 3 of a hundred audits, over all facts and classes.
    """

    areas: tuple[Interval, ...]
    limits: tuple[float, ...]

    @property
    def beyond_chance(self) -> list[int]:
        """The classes told better than labels at random would be, with an interval above a coin's 0.5."""
        pairs = enumerate(zip(self.areas, self.limits, strict=True))
        return [place for place, (area, limit) in pairs if area.value > limit and area.low > 0.5]


@dataclass(frozen=True, slots=True)
class Labelling:
    """Labels and groups ready for cross-validation.

    Attributes
    ----------
    indicators : ndarray of float32, shape (n, (1 + permutations) * classes)
        1 where the image has the class; the true labels first.
    column : ndarray of int64, shape (n, 1 + permutations)
        Where those ones stand.
    fold : ndarray of int64, shape (n,)
    groups : ndarray of int64, shape (n,)
    classes : int
    """

    indicators: Floats
    column: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    classes: int


def bins_of(values: npt.ArrayLike, most: int = _MOST_BINS) -> Codes:
    """Cut a fact into bins.

    A value that many images share (at least 1 in ``2 * most``) has a bin of its own; the others are cut at
    quantiles.

    Parameters
    ----------
    values : array_like, shape (n,)
        Numbers.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 to the number of bins less one.
    """
    number = np.asarray(values, dtype=np.float64)
    distinct, place, count = np.unique(number, return_inverse=True, return_counts=True)
    if len(distinct) <= most:
        return place.astype(np.int64)
    heavy = count * 2 * most >= len(number)
    rest = number[~heavy[place]]
    cuts = most - min(int(heavy.sum()), most - 2)
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, cuts + 1)[1:-1])) if rest.size else np.zeros(0)
    own = np.cumsum(heavy) - 1 + len(edges) + 1
    codes = np.where(heavy[place], own[place], np.searchsorted(edges, number, side="right"))
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def labelling(
    labels: Codes, groups: npt.NDArray[np.int64], keys: Sequence[str], *, seed: int = 0
) -> Labelling:
    """Deal groups to folds and permute labels between groups.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Class of each image, from 0.
    groups : ndarray of int64, shape (n,)
        Group of each image, from 0.
    keys : sequence of str
        A random string for each group: their order makes the folds, on any machine and in any file order.
    """
    classes, count = int(labels.max()) + 1, int(groups.max()) + 1
    number = np.zeros((count, classes))
    np.add.at(number, (groups, labels), 1)
    of_group = number.argmax(axis=1)  # most groups are of one class
    by_key = np.argsort(np.asarray(keys))
    order = by_key[np.argsort(of_group[by_key], kind="stable")]
    fold = np.empty(count, dtype=np.int64)
    fold[order] = np.arange(count) % FOLDS
    rng = np.random.default_rng(seed)
    ranked = of_group[by_key]
    permuted = np.empty((PERMUTATIONS, count), dtype=np.int64)
    for turn in range(PERMUTATIONS):
        permuted[turn, by_key] = rng.permutation(ranked)
    labellings = np.vstack([labels[np.newaxis], permuted[:, groups]])
    column = np.ascontiguousarray((labellings + classes * np.arange(len(labellings))[:, np.newaxis]).T)
    indicators = np.zeros((len(labels), classes * len(labellings)), dtype=np.float32)
    np.put_along_axis(indicators, column, 1, axis=1)
    return Labelling(indicators, column, fold[groups], groups, classes)


def scores_of_one(codes: Codes, told: Labelling) -> tuple[Floats, Floats]:
    """Return scores and counts by fold and bin for a single fact.

    Returns
    -------
    scores : ndarray of float32, shape (folds * bins, labellings * classes)
        Share of the class in the bin in the other folds, less its share in all of the other folds.
    counts : ndarray of float32, same shape
        Images of the class in the fold and bin.
    """
    bins, columns = int(codes.max()) + 1, told.indicators.shape[1]
    cell = told.fold * bins + codes
    place = cell[:, np.newaxis] * columns + told.column  # counting is cheaper than a matrix product
    counts = np.bincount(place.ravel(), minlength=FOLDS * bins * columns).astype(np.float32)
    by_fold = counts.reshape(FOLDS, bins, columns)
    elsewhere = by_fold.sum(axis=0) - by_fold
    size = np.bincount(cell, minlength=FOLDS * bins).astype(np.float32).reshape(FOLDS, bins, 1)
    size = size.sum(axis=0) - size
    common = elsewhere.sum(axis=1, keepdims=True) / np.maximum(size.sum(axis=1, keepdims=True), 1)
    scores = (elsewhere + _RIDGE * common) / (size + _RIDGE) - common
    return scores.reshape(-1, columns), counts.reshape(-1, columns)


def scores_of_many(facts: Sequence[Codes], told: Labelling) -> Floats:
    """Return out-of-fold scores of the linear model on all facts, (n, labellings * classes)."""
    columns = [codes[:, np.newaxis] == np.arange(int(codes.max()) + 1) for codes in facts]
    design = np.hstack(columns).astype(np.float32)
    parts = [(design[told.fold == fold], told.indicators[told.fold == fold]) for fold in range(FOLDS)]
    # whole numbers: float32 holds these sums exactly
    moments = np.array([inside.T @ inside for inside, _ in parts])
    products = np.array([inside.T @ labels for inside, labels in parts])
    sums = np.array([inside.sum(axis=0) for inside, _ in parts])
    totals = np.array([labels.sum(axis=0) for _, labels in parts])
    scores = np.empty_like(told.indicators)
    for fold, (inside, _) in enumerate(parts):
        elsewhere = max(len(design) - len(inside), 1)
        mean = (sums.sum(axis=0) - sums[fold]) / elsewhere
        moment = moments.sum(axis=0) - moments[fold] - elsewhere * np.outer(mean, mean)
        product = products.sum(axis=0) - products[fold] - np.outer(mean, totals.sum(axis=0) - totals[fold])
        weights = np.linalg.solve(moment + _RIDGE * np.eye(len(moment), dtype=np.float32), product)
        scores[told.fold == fold] = (inside - mean) @ weights
    return scores


def areas_by_column(scores: Floats, counts: Floats, sizes: Floats) -> npt.NDArray[np.float64]:
    """Return the area under the curve of each column, rows being images or cells of equal images.

    Ties between rows are broken by their order; within a row they count half.

    Parameters
    ----------
    scores, counts : ndarray, shape (m, columns)
        Score and number of positives of each row.
    sizes : ndarray, shape (m,)
        Images of each row.
    """
    order = np.argsort(scores, axis=0)
    positive = np.take_along_axis(counts, order, axis=0).astype(np.float64)
    negative = sizes[order] - positive
    below = np.cumsum(negative, axis=0) - negative / 2
    pairs = positive.sum(axis=0) * negative.sum(axis=0)
    areas: npt.NDArray[np.float64] = (positive * below).sum(axis=0) / np.where(pairs > 0, pairs, np.nan)
    return areas


def areas_of_permutations(scores: Floats, told: Labelling) -> npt.NDArray[np.float64]:
    """Return the area under the curve of each column of scores but those of the true labels.

    As :func:`areas_by_column` gives them for images, ties included, at a quarter of its time: the area is the
    number of negatives before each positive, so the places of the positives are enough.
    """
    areas = np.empty((PERMUTATIONS, told.classes))
    for turn in range(1, PERMUTATIONS + 1):
        own = turn * told.classes
        label = told.column[:, turn] - own
        for number, column in enumerate(np.ascontiguousarray(scores[:, own : own + told.classes].T)):
            places = np.flatnonzero(label[np.argsort(column)] == number)
            below = int(places.sum()) - len(places) * (len(places) - 1) // 2
            pairs = len(places) * (len(label) - len(places))
            areas[turn - 1, number] = below / pairs if pairs else np.nan
    return areas.reshape(-1)


def how_told(singles: Sequence[Codes], sets: Sequence[Sequence[Codes]], told: Labelling) -> list[Told]:
    """Measure how well single facts and sets of facts tell the classes.

    Parameters
    ----------
    singles : sequence of ndarray
        Bins of each fact that is tried alone.
    sets : sequence of sequence of ndarray
        Facts that are tried together.
    told : Labelling
        Labels to predict.

    Returns
    -------
    list of Told
        Of the single facts, then of the sets.
    """
    areas, nulls = [], []
    for codes in singles:
        scores, counts = scores_of_one(codes, told)
        cell = told.fold * (int(codes.max()) + 1) + codes
        sizes = np.bincount(cell, minlength=len(scores)).astype(np.float32)
        areas.append(_intervals(scores[cell, : told.classes], told))
        nulls.append(areas_by_column(scores, counts, sizes)[told.classes :])
    for facts in sets:
        scores = scores_of_many(facts, told)
        areas.append(_intervals(scores[:, : told.classes], told))
        nulls.append(areas_of_permutations(scores, told))
    limits = _limits(np.array(nulls).reshape(len(nulls), PERMUTATIONS, told.classes))
    return [Told(tuple(area), tuple(limit)) for area, limit in zip(areas, limits.tolist(), strict=True)]


def _intervals(scores: Floats, told: Labelling) -> list[Interval]:
    intervals = []
    for number in range(told.classes):
        positive = told.indicators[:, number] > 0
        linear = linear_area(placements(positive, scores[:, number]), positive, told.groups)
        intervals.append(logit_t_interval(linear))
    return intervals


def _limits(nulls: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the limit of each fact and class, from the areas (facts, permutations, classes) by chance.

    Areas are brought to one scale, for a rare class varies more; the largest over all facts and classes of
    each permutation then gives one limit for all (Westfall and Young, 1993).
    """
    mean, spread = np.nanmean(nulls, axis=1), np.nanstd(nulls, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = (nulls - mean[:, np.newaxis]) / spread[:, np.newaxis]
    most = np.nanmax(np.where(np.isfinite(scaled), scaled, -np.inf), axis=(0, 2))
    limits: npt.NDArray[np.float64] = np.minimum(mean + np.quantile(most, 1 - FAMILY_ERROR) * spread, 1.0)
    return limits
