"""Made-up looks for the tests of this folder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.imaging.look import ORIENTATIONS, Looks, orient


def pictures(count: int, seed: int = 0) -> Looks:
    """Return smooth random looks that correlate by little."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 1, (count, 8, 8))
    rows = np.linspace(0, 7, 64)
    weights = np.maximum(0, 1 - np.abs(rows[:, np.newaxis] - np.arange(8)))
    smooth = weights @ coarse @ weights.T
    return (128 + 35 * smooth).clip(0, 255).astype(np.uint8)


def with_copies(count: int, copies: int, seed: int = 0) -> tuple[Looks, npt.NDArray[np.int64]]:
    """Return looks of which the last are the first, moved and noisy; and how each copy was moved."""
    rng = np.random.default_rng(seed)
    looks = pictures(count, seed)
    moves = rng.integers(0, ORIENTATIONS, copies)
    for number, move in enumerate(moves.tolist()):
        noisy = looks[number] + rng.normal(0, 3, (64, 64))
        looks[count - copies + number] = orient(noisy.clip(0, 255).astype(np.uint8), move)
    return looks, moves
