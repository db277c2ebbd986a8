"""Which of many images look alike, in any of eight orientations: search by spectrum, confirm by pixels.

No Python loop runs over pairs. Most are ruled out by what is the same in all orientations (see
:mod:`gyrus.auditing.screening`); what is left is compared in earnest: of a spectrum the frequencies that are
even or odd vertically and horizontally form four parts, and a mirrored image differs only in the sign of
whole parts. With the four products at hand, the best of the four mirrorings is two additions and two absolute
values; the four transposed orientations cost as much again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.auditing.screening import (
    ROUNDING,
    Block,
    Indices,
    Screen,
    possible_pairs,
    sharper,
    unmoved,
    with_rest,
)
from gyrus.imaging.look import (
    LOOK_FREQUENCIES,
    ORIENTATIONS,
    Looks,
    Spectra,
    low_frequencies,
    orient,
    orient_spectrum,
    sharpen,
    spectrum,
    standardise,
)

CANDIDATE_CORRELATION = 0.92
"""Correlation of the sharpened spectra from which a pair is worth a look at the pixels.

Copies re-encoded at JPEG quality 60 or halved have 0.999 here, with gamma 1.4 0.978, with a contrast of 1.2
that clips 0.957; the most alike images of two patients of the Cheng set 0.944, and 3 in 10,000 of all pairs
exceed it.
"""
_CONFIRM_BLOCK = 4096
_FINE_FREQUENCIES = 24
MOST_PAIRS = 10_000_000
"""Candidates from which the search gives up: beyond, memory would be counted in gigabytes.

100,000 phantom slices have 229 thousand.
"""
_ALL_AT_ONCE = 0.05  # share of a block's pairs from which products of the whole block cost less

Part = npt.NDArray[np.float32]


class TooManyPairsError(Exception):
    """More than :data:`MOST_PAIRS` pairs look alike: the set's images are (nearly) all alike."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of images that look alike.

    Attributes
    ----------
    first, second : ndarray of int64, shape (n,)
        Positions; within one set ``first < second``.
    correlation : ndarray of float32, shape (n,)
        Of the 64 x 64 pixels, in the best orientation.
    orientation : ndarray of int64, shape (n,)
        How the second must be moved to look like the first; see :func:`gyrus.imaging.look.orient`.
    """

    first: Indices
    second: Indices
    correlation: npt.NDArray[np.float32]
    orientation: Indices

    def __len__(self) -> int:
        return len(self.first)

    def where(self, keep: npt.NDArray[np.bool_]) -> Pairs:
        """Return the pairs for which ``keep`` is true."""
        return Pairs(self.first[keep], self.second[keep], self.correlation[keep], self.orientation[keep])


def find_pairs(
    looks: Looks,
    others: Looks | None = None,
    *,
    min_correlation: float,
    candidate_correlation: float = CANDIDATE_CORRELATION,
) -> Pairs:
    """Find all pairs within ``looks``, or between ``looks`` and ``others``, that look alike.

    Parameters
    ----------
    looks, others : ndarray of uint8
        (n, side, side) small pictures; see :func:`gyrus.imaging.look.look`.
    min_correlation : float
        Correlation of the pixels from which a pair is returned.
    candidate_correlation : float
        Correlation of the sharpened spectra from which the pixels are compared.

    Returns
    -------
    Pairs
        Sorted by first, then second.

    Raises
    ------
    TooManyPairsError
        When more than :data:`MOST_PAIRS` have to be compared by their pixels.
    """
    low = low_frequencies(looks, LOOK_FREQUENCIES)
    other_low = low if others is None else low_frequencies(others, LOOK_FREQUENCIES)
    spectra = sharpen(low)
    other_spectra = spectra if others is None else sharpen(other_low)
    by_pixels = Screen(
        with_rest(unmoved(low)),
        None if others is None else with_rest(unmoved(other_low)),
        min_correlation - ROUNDING,
    )
    first, second = candidates(
        spectra, None if others is None else other_spectra, candidate_correlation, by_pixels
    )
    return _confirm(
        looks, looks if others is None else others, spectra, other_spectra, first, second, min_correlation
    )


def correlate(looks: Looks, others: Looks) -> tuple[npt.NDArray[np.float32], Indices]:
    """Return correlation and best orientation of ``looks[n]`` with ``others[n]``, for each n."""
    correlation = np.zeros(len(looks), np.float32)
    orientation = np.zeros(len(looks), np.int64)
    for start in range(0, len(looks), _CONFIRM_BLOCK):
        block = slice(start, start + _CONFIRM_BLOCK)
        orientation[block] = _best_orientation(spectrum(looks[block]), spectrum(others[block]))
        correlation[block] = _pixel_correlation(looks[block], others[block], orientation[block])
    return correlation, orientation


def candidates(
    spectra: Spectra, others: Spectra | None, min_correlation: float, screen: Screen | None = None
) -> tuple[Indices, Indices]:
    """Return positions of all pairs whose spectra correlate in the best of the eight orientations.

    Parameters
    ----------
    spectra, others : ndarray of float32
        (n, k, k) of length 1.
    min_correlation : float
    screen : Screen, optional
        Which pairs are wanted at all; whichever of it and the spectra's own rules out more is used.

    Returns
    -------
    first, second : ndarray of int64
        Sorted by first, then second; within one set ``first < second``.

    Raises
    ------
    TooManyPairsError
        When there are more than :data:`MOST_PAIRS`.
    """
    own = Screen(unmoved(spectra), None if others is None else unmoved(others), min_correlation - ROUNDING)
    parts = _parts(spectra)
    straight = parts if others is None else _parts(others)
    # transposing exchanges the two frequencies, and with them the parts even-odd and odd-even
    turned = _parts(np.swapaxes(spectra if others is None else others, -1, -2))
    found: list[tuple[Indices, Indices]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    count = 0
    for block in possible_pairs(own if screen is None else sharper(own, screen)):
        reaching = _best_of_pairs(parts, straight, turned, block) >= min_correlation
        found.append((block.rows[block.i[reaching]], block.columns[block.j[reaching]]))
        count += len(found[-1][0])
        if count > MOST_PAIRS:
            raise TooManyPairsError
    first, second = (np.concatenate(positions) for positions in zip(*found, strict=True))
    if others is None:
        first, second = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((second, first))
    return first[order], second[order]


def _best_of_pairs(mine: list[Part], straight: list[Part], turned: list[Part], block: Block) -> Part:
    """Return the largest correlation over the eight orientations of each pair that is left in a block."""
    either: Part
    if len(block.i) > _ALL_AT_ONCE * len(block.rows) * len(block.columns):
        first = [part[block.rows] for part in mine]
        best = [
            _best_mirroring(*(a @ b[block.columns].T for a, b in zip(first, theirs, strict=True)))
            for theirs in (straight, turned)
        ]
        either = np.maximum(*best)
        return either[block.i, block.j]
    i, j = block.rows[block.i], block.columns[block.j]
    first = [part[i] for part in mine]
    best = [
        _best_mirroring(*(np.einsum("nf,nf->n", a, b[j]) for a, b in zip(first, theirs, strict=True)))
        for theirs in (straight, turned)
    ]
    either = np.maximum(*best)
    return either


def _parts(spectra: Spectra) -> list[Part]:
    """Return even-even, even-odd, odd-even and odd-odd frequencies, each flattened."""
    parts = [np.ascontiguousarray(spectra[:, v::2, h::2]) for v in (0, 1) for h in (0, 1)]
    return [part.reshape(len(part), part.shape[1] * part.shape[2]) for part in parts]


def _best_mirroring(ee: Part, eo: Part, oe: Part, oo: Part) -> Part:
    """Return the largest correlation over the four mirrorings, from the products of the four parts.

    Mirrored left-right the even-odd and odd-odd parts change sign, up-down the odd-even and odd-odd parts:
    the four sums are ee ± eo ± oe ± oo with the sign of oo the product of the two others.
    """
    plus, minus = np.abs(oe + oo), np.abs(oe - oo)
    plus += eo
    minus -= eo
    np.maximum(plus, minus, out=plus)
    plus += ee
    best: Part = plus
    return best


def best_products(spectra: Spectra, others: Spectra) -> Part:
    """Return (n, m) the largest product of each of ``spectra`` with each of ``others`` in any orientation."""
    mine = _parts(spectra)
    straight, turned = (
        _best_mirroring(*(a @ b.T for a, b in zip(mine, theirs, strict=True)))
        for theirs in (_parts(others), _parts(np.swapaxes(others, -1, -2)))
    )
    best: Part = np.maximum(straight, turned)
    return best


def _confirm(
    looks: Looks,
    other_looks: Looks,
    spectra: Spectra,
    other_spectra: Spectra,
    first: Indices,
    second: Indices,
    min_correlation: float,
) -> Pairs:
    """Compare candidates by ever more frequencies and at last by their pixels."""
    orientation = np.zeros(len(first), np.int64)
    possible = np.zeros(len(first), bool)
    for start in range(0, len(first), _CONFIRM_BLOCK):
        block = slice(start, start + _CONFIRM_BLOCK)
        i, j = first[block], second[block]
        orientation[block] = _best_orientation(spectra[i], other_spectra[j])
        possible[block] = _may_reach(looks, other_looks, i, j, orientation[block], min_correlation)
    first, second, orientation = first[possible], second[possible], orientation[possible]
    correlation = np.zeros(len(first), np.float32)
    for start in range(0, len(first), _CONFIRM_BLOCK):
        block = slice(start, start + _CONFIRM_BLOCK)
        correlation[block] = _pixel_correlation(
            looks[first[block]], other_looks[second[block]], orientation[block]
        )
    found = Pairs(first, second, correlation, orientation).where(correlation >= min_correlation)
    order = np.lexsort((found.second, found.first))
    return Pairs(found.first[order], found.second[order], found.correlation[order], found.orientation[order])


def _may_reach(
    looks: Looks, others: Looks, i: Indices, j: Indices, orientation: Indices, min_correlation: float
) -> npt.NDArray[np.bool_]:
    """Tell for which pairs the pixels can correlate by ``min_correlation``, judged by more frequencies.

    The frequencies left out add at most the product of what each picture has of them (Cauchy and Schwarz).
    """
    mine, rest = _fine(looks, i)
    theirs, other_rest = _fine(others, j)
    product = np.zeros(len(i), np.float32)
    for number in np.unique(orientation).tolist():
        chosen = orientation == number
        turned = orient_spectrum(theirs[chosen], number)
        product[chosen] = np.einsum("nij,nij->n", mine[chosen], turned)
    result: npt.NDArray[np.bool_] = product + rest * other_rest >= min_correlation - ROUNDING
    return result


def _fine(looks: Looks, chosen: Indices) -> tuple[Spectra, npt.NDArray[np.float32]]:
    """Return the lowest frequencies of chosen looks as shares of the whole, and the length of the rest."""
    unique, position = np.unique(chosen, return_inverse=True)
    frequencies = low_frequencies(looks[unique], _FINE_FREQUENCIES)
    kept = np.einsum("nij,nij->n", frequencies, frequencies)
    rest = np.sqrt(np.maximum(0, 1 - kept))
    return frequencies[position], rest[position]


def _best_orientation(a: Spectra, b: Spectra) -> Indices:
    scores = np.stack([np.einsum("nij,nij->n", a, orient_spectrum(b, o)) for o in range(ORIENTATIONS)])
    # a symmetric picture ties; the smallest number then wins, and rounding must not decide
    best: Indices = np.argmax(scores > scores.max(axis=0) - 1e-5, axis=0).astype(np.int64)
    return best


def _pixel_correlation(a: Looks, b: Looks, orientation: Indices) -> npt.NDArray[np.float32]:
    turned = b.copy()
    for number in range(1, ORIENTATIONS):
        chosen = orientation == number
        turned[chosen] = orient(b[chosen], number)
    result: npt.NDArray[np.float32] = np.einsum("nij,nij->n", standardise(a), standardise(turned))
    return result
