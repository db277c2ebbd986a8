"""Which pairs cannot be alike, told by what no mirroring and no turning changes.

In a mirrored picture's spectrum signs change, in a transposed one's two frequencies change places. The size
of each frequency on the diagonal, and the length of each two that lie opposite across it, are therefore the
same in all eight orientations; and the product of two spectra in their best orientation is at most the
product of these numbers (Cauchy and Schwarz, two by two). So one product of 78 numbers, instead of eight of
144, rules out most pairs and never one that is alike. Where pictures must be very alike, their distance is
small, hence also along the direction in which the set is widest: pictures sorted along it are compared with
a stretch of the others only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.imaging.look import Spectra

ROUNDING = 1e-4
_ROWS, _COLUMNS = 256, 4096  # the products of a block, 4 MiB, stay in the processor's cache
_SAMPLE = 64  # pictures whose products tell which screen leaves fewer pairs

Indices = npt.NDArray[np.int64]
Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Screen:
    """Numbers of each picture, of length at most 1, and a product below which two pictures are not alike.

    Attributes
    ----------
    mine : ndarray of float32, shape (n, features)
    theirs : ndarray of float32, shape (m, features), or None
        Of the other set; None within one set.
    least : float
        Smallest product of a pair that may be alike, rounding allowed for.
    """

    mine: Features
    theirs: Features | None
    least: float


@dataclass(frozen=True, slots=True)
class Block:
    """A part of all pairs, and which of them are left.

    Attributes
    ----------
    rows, columns : ndarray of int64, shape (r,) and (c,)
        Positions of the pictures that are compared, each row with each column.
    i, j : ndarray of int64, shape (k,)
        Places in ``rows`` and ``columns`` of the pairs that are left.
    """

    rows: Indices
    columns: Indices
    i: Indices
    j: Indices


def unmoved(spectra: Spectra) -> Features:
    """Return (n, k (k + 1) / 2) what of spectra (n, k, k) is the same in every orientation."""
    size = spectra.shape[-1]
    upper, lower = np.triu_indices(size, 1)
    features = np.empty((len(spectra), size * (size + 1) // 2), np.float32)
    features[:, :size] = np.abs(np.diagonal(spectra, axis1=1, axis2=2))
    features[:, size:] = np.hypot(spectra[:, upper, lower], spectra[:, lower, upper])
    return features


def with_rest(features: Features) -> Features:
    """Return (n, f + 1) features and, as the last, what they lack of length 1.

    Two pictures' frequencies that were left out add at most the product of their lengths.
    """
    kept = np.einsum("nf,nf->n", features, features)
    rest = np.sqrt(np.maximum(0, 1 - kept))
    return np.concatenate([features, rest[:, np.newaxis]], axis=1)


def sharper(one: Screen, other: Screen) -> Screen:
    """Return the screen that leaves fewer pairs, judged by a sample; both are right."""
    return min(one, other, key=_share_left)


def _share_left(screen: Screen) -> float:
    theirs = screen.mine if screen.theirs is None else screen.theirs
    sample = screen.mine[:: max(1, len(screen.mine) // _SAMPLE)]
    return float(np.mean(sample @ theirs.T >= screen.least)) if theirs.size and sample.size else 0.0


def possible_pairs(screen: Screen) -> Iterator[Block]:
    """Go through all pairs, block by block, and yield those that the screen leaves.

    Within one set each pair comes once.
    """
    within = screen.theirs is None
    theirs = screen.mine if screen.theirs is None else screen.theirs
    if not (len(screen.mine) and len(theirs)):
        return
    along = _widest_direction(theirs)
    rows, row_at = _sorted_along(screen.mine, along)
    columns, column_at = (rows, row_at) if within else _sorted_along(theirs, along)
    others = theirs[columns]
    # |a - b|² = |a|² + |b|² - 2 ab, and no length exceeds 1
    reach = np.sqrt(max(0.0, 2 - 2 * screen.least))
    for start in range(0, len(rows), _ROWS):
        chosen = rows[start : start + _ROWS]
        mine, at = screen.mine[chosen], row_at[start : start + _ROWS]
        first = start if within else int(np.searchsorted(column_at, at[0] - reach))
        last = int(np.searchsorted(column_at, at[-1] + reach, side="right"))
        for column in range(first, last, _COLUMNS):
            stop = min(column + _COLUMNS, last)
            products = mine @ others[column:stop].T
            # places in a flat array are found several times as fast as in a table
            i, j = np.divmod(np.flatnonzero(products >= screen.least), stop - column)
            if within and column < start + _ROWS:
                once = start + i < column + j
                i, j = i[once], j[once]
            if len(i):
                yield Block(chosen, columns[column:stop], i, j)


def _widest_direction(features: Features) -> Features:
    """Return the first principal component (features,)."""
    centred = features - features.mean(axis=0)
    return np.linalg.eigh(centred.T @ centred)[1][:, -1]


def _sorted_along(features: Features, direction: Features) -> tuple[Indices, Features]:
    """Return the order along a direction, and the places there in that order."""
    at = features @ direction
    order = np.argsort(at, kind="stable")
    return order, at[order]
