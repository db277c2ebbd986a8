"""Groups of images that show the same picture: re-encoded, resized, mirrored or turned copies.

Two thresholds guard against accusing the innocent. A pair counts when its pixels correlate more than any two
images of different patients should; and a group counts when *all* its members are alike, not merely each like
the next. What is held together by a chain only, or has swallowed a large part of the set, is reported and
left apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.auditing.pair_search import Pairs, TooManyPairsError, find_pairs
from gyrus.auditing.screening import Indices
from gyrus.imaging.look import ORIENTATIONS, Looks, orient, standardise

INDEX_THRESHOLD = 0.975
"""Correlation at 64 x 64 from which two images are one picture, where the set itself cannot tell.

Above the most alike images of two patients of the Cheng set (0.9683), below the copies within Sartaj and
yes/no (nearly all above 0.99; a copy of half the size, mirrored or turned has 0.998, one saved as JPEG of
quality 60 0.9997).
"""
SMALL_THRESHOLD = 0.998
"""The same where most images are of 32 x 32 pixels or less: a quarter of those at which they are compared.

A plain drawing of 28 pixels has few places to differ in: in every tenth image of MNIST 174 pairs by different
hands lie above 0.975, 2 above 0.99, none above 0.995; mirrored copies and those of half the size have 0.998.
"""
LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.95, 0.985
ENDS_ALIKE = 0.95
"""Correlation that every two members of a group must have."""
LARGEST_SHARE = 0.05
"""A group with more than this share of the set is reported instead of joined …"""
LARGEST_SURE = 20
"""… unless it has no more members than this."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which correlation two images count as one picture, and why.

    Attributes
    ----------
    value : float
    reason : str
        A sentence for people.
    largest_between : float or None
        Largest correlation under 0.985 of two images of different patients, where any lies above 0.95.
    """

    value: float
    reason: str
    largest_between: float | None


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Images that show the same picture.

    Attributes
    ----------
    threshold : Threshold
    pairs : Pairs
        All pairs above the threshold.
    group : ndarray of int64, shape (n,)
        Number of the group of each image; -1 for an image without a copy.
    chains : tuple of ndarray
        Images held together by a chain only, a chain an array; they are split where the chain is weakest.
    oversized : tuple of ndarray
        Groups too large to be believed; left apart.
    searched : bool
        False where so many pairs look alike that the search was given up: then there are neither pairs nor
        groups.
    """

    threshold: Threshold
    pairs: Pairs
    group: Indices
    chains: tuple[Indices, ...]
    oversized: tuple[Indices, ...]
    searched: bool = True


def find_look_alikes(looks: Looks, subjects: list[str], *, small: bool = False) -> LookAlikes:
    """Group the images that show the same picture in any orientation.

    Parameters
    ----------
    looks : ndarray of uint8
        (n, 64, 64); see :func:`gyrus.imaging.look.look`.
    subjects : list of str
        (n,) patients, empty where unknown: images of two known patients tell how alike strangers can look.
    small : bool
        Whether most images are of 32 x 32 pixels or less.
    """
    try:
        near = find_pairs(looks, min_correlation=SMALL_THRESHOLD if small else LOWEST_THRESHOLD)
    except TooManyPairsError:
        return _given_up(len(looks))
    threshold = _of_small_images() if small else derive_threshold(near, subjects)
    pairs = near.where(near.correlation >= threshold.value)
    group = np.full(len(looks), -1, np.int64)
    chains: list[Indices] = []
    oversized: list[Indices] = []
    number = 0
    for members in components(len(looks), pairs):
        if len(members) > max(LARGEST_SURE, LARGEST_SHARE * len(looks)):
            oversized.append(members)
            continue
        clusters = _alike_throughout(looks, members, threshold.value)
        if len(clusters) > 1:
            chains.append(members)
        for cluster in clusters:
            if len(cluster) > 1:
                group[cluster] = number
                number += 1
    return LookAlikes(threshold, pairs, group, tuple(chains), tuple(oversized))


def _given_up(count: int) -> LookAlikes:
    reason = "nearly all images look alike: the search was given up"
    nowhere = np.zeros(0, np.int64)
    nothing = Pairs(nowhere, nowhere, np.zeros(0, np.float32), nowhere)
    threshold = Threshold(INDEX_THRESHOLD, reason, None)
    return LookAlikes(threshold, nothing, np.full(count, -1, np.int64), (), (), searched=False)


def _of_small_images() -> Threshold:
    reason = "the images are of 32 x 32 pixels or less, where plain ones by different hands are soon alike"
    return Threshold(SMALL_THRESHOLD, reason, None)


def derive_threshold(near: Pairs, subjects: list[str]) -> Threshold:
    """Place the threshold between the most alike strangers and the copies.

    Half way from the largest correlation of two known, different patients to 1, within 0.975 … 0.985. Pairs
    above 0.985 do not count as strangers: there a patient's number is more likely wrong than two people
    alike to the pixel.
    """
    names = np.array(subjects)
    first, second = names[near.first], names[near.second]
    strangers = (first != "") & (second != "") & (first != second)
    between = near.correlation[strangers & (near.correlation < HIGHEST_THRESHOLD)]
    if not (names != "").any():
        reason = "no patients are known: above the most alike patients of a public set, below its copies"
        return Threshold(INDEX_THRESHOLD, reason, None)
    if not len(between):
        reason = (
            "no two images of different patients correlate between "
            f"{LOWEST_THRESHOLD} and {HIGHEST_THRESHOLD}"
        )
        return Threshold(INDEX_THRESHOLD, reason, None)
    largest = float(between.max())
    value = min(HIGHEST_THRESHOLD, max(INDEX_THRESHOLD, (largest + 1) / 2))
    return Threshold(value, f"the most alike images of two patients correlate by {largest:.4f}", largest)


def components(count: int, pairs: Pairs) -> list[Indices]:
    """Return the connected components (of two or more) of a graph of ``count`` images, by first member."""
    label = np.arange(count)
    while True:  # each round every image takes the smallest label among its neighbours', then follows it
        before = label.copy()
        smallest = np.minimum(label[pairs.first], label[pairs.second])
        np.minimum.at(label, pairs.first, smallest)
        np.minimum.at(label, pairs.second, smallest)
        label = label[label]
        if np.array_equal(label, before):
            break
    members = np.unique(np.concatenate([pairs.first, pairs.second]))
    order = members[np.argsort(label[members], kind="stable")]
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    return np.split(order, cuts) if len(order) else []


def _alike_throughout(looks: Looks, members: Indices, threshold: float) -> list[Indices]:
    """Divide a component so that in each part every two are alike: complete linkage, best pairs first."""
    alike = best_correlations(looks[members])
    if alike.min() >= ENDS_ALIKE:
        return [members]
    part = np.arange(len(members))
    first, second = np.nonzero(np.triu(alike >= threshold, 1))
    for pair in np.argsort(-alike[first, second], kind="stable"):
        one, other = part[first[pair]], part[second[pair]]
        if one != other and alike[np.ix_(part == one, part == other)].min() >= ENDS_ALIKE:
            part[part == other] = one
    return [members[part == number] for number in np.unique(part)]


def best_correlations(looks: Looks) -> npt.NDArray[np.float32]:
    """Return the correlation of every two looks in their best orientation, (n, n)."""
    flat = standardise(looks).reshape(len(looks), -1)
    best = flat @ flat.T
    for orientation in range(1, ORIENTATIONS):
        turned = standardise(np.ascontiguousarray(orient(looks, orientation))).reshape(len(looks), -1)
        np.maximum(best, flat @ turned.T, out=best)
    result: npt.NDArray[np.float32] = np.maximum(best, best.T)
    return result
