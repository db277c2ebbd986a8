"""A heat map for any network: cover a part, and see how much of the answer goes (Zeiler and Fergus 2014)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.inference.predictor import Predictor

_AT_ONCE = 16


def passes(grid: int) -> int:
    """Return how often the network runs for one map."""
    return (grid + 1) ** 2


def occlusion_maps(
    predictor: Predictor,
    square: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    grid: int,
) -> npt.NDArray[np.float32]:
    """Return a map of each class, made by covering parts of what the network sees.

    A window of two by two cells of a ``grid`` x ``grid`` raster goes over the square by steps of one cell,
    beginning half outside, and covers it with the square's mean. Every cell is covered by four windows; its
    value is the mean of what they cost. The cost is the fall of the class's log odds against the other
    classes together; where each class is a question of its own, the fall of its logit.

    Parameters
    ----------
    predictor : Predictor
    square : ndarray of float32
        (1, channels, side, side) as :meth:`gyrus.inference.Predictor.squares` gives it.
    logits : ndarray of float32
        (n_classes,) of the uncovered image.
    grid : int
        Cells a side, from 1 to the side in pixels.

    Returns
    -------
    ndarray of float32
        (n_classes, grid, grid); positive where the covered part spoke for the class.
    """
    several = predictor.task != "classify"
    windows = [(row, column) for row in range(-1, grid) for column in range(-1, grid)]
    falls = np.empty((len(windows), len(logits)))
    before = _odds(logits[np.newaxis], several)
    for start in range(0, len(windows), _AT_ONCE):
        covered = np.concatenate(
            [_covered(square, *place, grid) for place in windows[start : start + _AT_ONCE]]
        )
        answers = predictor.run_network(covered)["logits"]
        falls[start : start + _AT_ONCE] = before - _odds(answers, several)
    table = falls.reshape(grid + 1, grid + 1, -1)
    mean = (table[:-1, :-1] + table[1:, :-1] + table[:-1, 1:] + table[1:, 1:]) / 4
    return np.asarray(mean.transpose(2, 0, 1), dtype=np.float32)


def _covered(square: npt.NDArray[np.float32], row: int, column: int, grid: int) -> npt.NDArray[np.float32]:
    side = square.shape[-1]
    edges = np.rint(np.linspace(0, side, grid + 1)).astype(int)
    covered = square.copy()
    down = slice(edges[max(row, 0)], edges[min(row + 2, grid)])
    across = slice(edges[max(column, 0)], edges[min(column + 2, grid)])
    covered[:, :, down, across] = square.mean(axis=(2, 3), keepdims=True)
    return covered


def _odds(logits: npt.NDArray[np.float32], several: bool) -> npt.NDArray[np.float64]:
    """Return log odds of each class: its logit less the log of the sum of the others' exponentials."""
    exact = logits.astype(np.float64)
    if several:
        return exact
    odds = np.empty_like(exact)
    for number in range(exact.shape[1]):
        others = np.delete(exact, number, axis=1)
        top = others.max(axis=1, keepdims=True)
        odds[:, number] = exact[:, number] - (top[:, 0] + np.log(np.exp(others - top).sum(axis=1)))
    return odds
