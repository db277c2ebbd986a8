"""Random numbers that are a function of (seed, epoch, image), so nothing that runs before changes them.

A counter-based generator: the counter is hashed, no state is carried. Workers, batch size, resuming and the
order of the images leave every draw as it was. The mixing function is the finaliser of SplitMix64 (Steele,
Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF


class Stream(IntEnum):
    """What a number is drawn for; each purpose has numbers of its own."""

    ORDER = 1
    AUGMENTATION = 2
    DROPOUT = 3
    MIXING = 5
    SAMPLING = 8
    VIEW = 9
    PATCH = 10


def uniform(
    seed: int, epoch: int, index: npt.NDArray[np.int64], *, stream: Stream, count: int = 1
) -> npt.NDArray[np.float64]:
    """Draw uniform numbers in [0, 1).

    Parameters
    ----------
    seed, epoch : int
        Of the run and of the pass through the data.
    index : ndarray of int64
        (n,) the number of each image.
    stream : Stream
        What the numbers are for.
    count : int
        Numbers an image.

    Returns
    -------
    ndarray of float64
        (n, count).
    """
    key = key_of(seed, epoch, stream)
    counters = index.astype(np.uint64)[:, None]
    columns = np.arange(1, count + 1, dtype=np.uint64)[None, :]
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
        mixed = _mix(_mix(counters * np.uint64(_GOLDEN) + np.uint64(key)) + columns * np.uint64(_GOLDEN))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(seed: int, epoch: int, size: int) -> npt.NDArray[np.int64]:
    """Return the order of ``size`` images in one epoch."""
    index = np.arange(size, dtype=np.int64)
    return np.argsort(uniform(seed, epoch, index, stream=Stream.ORDER)[:, 0], kind="stable").astype(np.int64)


def key_of(seed: int, epoch: int, stream: Stream, step: int | None = None) -> int:
    """Return one 64-bit number for a seed, an epoch, a purpose, and a step where one is given."""
    state = np.array([seed & _MASK], dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in (epoch, int(stream)) if step is None else (epoch, int(stream), step):
            state = _mix(state + np.uint64(_GOLDEN)) ^ np.uint64(part & _MASK)
        state = _mix(state + np.uint64(_GOLDEN))
    return int(state[0])


def _mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
