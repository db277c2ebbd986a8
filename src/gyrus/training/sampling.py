"""Which images an epoch shows, and in which order: a function of (seed, epoch)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.config.balancing import BalanceOptions
from gyrus.training.draws import Stream, permutation, uniform

_STRONGEST = 2.0


def epoch_order(
    labels: npt.NDArray[np.int64] | npt.NDArray[np.float32], epoch: int, seed: int, options: BalanceOptions
) -> npt.NDArray[np.int64]:
    """Return the images of one epoch, in order.

    Parameters
    ----------
    labels : ndarray
        (n,) class of each training image; of several classes an image, (n, K), only their number counts.
    epoch, seed : int
        The same two give the same order.
    options : BalanceOptions
        ``sampler``.

    Returns
    -------
    ndarray of int64
        (n,) draw numbers: image ``number % n``, for the ``number // n + 1``-th time in this epoch. What is
        drawn for an image's augmentation depends on the draw number, so that a repeated image looks
        different each time.
    """
    if options.sampler == "shuffle":
        return permutation(seed, epoch, len(labels))
    drawn = drawn_by_share(labels.astype(np.int64), epoch, seed)
    return drawn[permutation(seed, epoch, len(drawn))]


def shown_counts(labels: npt.NDArray[np.int64], num_classes: int, options: BalanceOptions) -> list[int]:
    """Return how many images of each class an epoch shows (rounded up), (num_classes,)."""
    counts = np.bincount(labels, minlength=num_classes)
    if options.sampler == "shuffle":
        return [int(count) for count in counts]
    return [-(-len(labels) // int((counts > 0).sum())) if count else 0 for count in counts]


def draw_strengths(
    labels: npt.NDArray[np.int64] | npt.NDArray[np.float32], options: BalanceOptions
) -> npt.NDArray[np.float64] | None:
    """Return how far each image's augmentation goes, as a factor on all its ranges; None for 1 throughout.

    With ``minority_augmentation`` an image of the largest class has 1, one of a class with a quarter of its
    images, or fewer, 2, in between the square root of the ratio of their sizes: an image that stands for many
    others is varied more.

    Parameters
    ----------
    labels : ndarray of int64
        (n,) class of each training image.
    options : BalanceOptions
        ``minority_augmentation``.
    """
    if not options.minority_augmentation:
        return None
    numbers = labels.astype(np.int64)
    counts = np.bincount(numbers)
    strengths: npt.NDArray[np.float64] = np.sqrt(counts.max() / counts[numbers]).clip(1.0, _STRONGEST)
    return strengths


def drawn_by_share(
    labels: npt.NDArray[np.int64],
    epoch: int,
    seed: int,
    shares: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.int64]:
    """Draw n images so that each class has its share of them: ``shares`` (num_classes,), or all the same.

    By systematic resampling (Kitagawa 1996, section "stratified sampling"): the chances are laid end to end,
    class by class and in a random order within, and n equally spaced needles fall on them. Every class comes
    n times its share up to one, every image as often as expected rounded up or down: as many draws of
    ``WeightedRandomSampler`` would give, without its clumps and gaps.
    """
    size = len(labels)
    counts = np.bincount(labels)
    numbers = uniform(seed, epoch, np.arange(size + 1, dtype=np.int64), stream=Stream.SAMPLING)[:, 0]
    line = np.lexsort((numbers[:size], labels))
    of_class = np.full(len(counts), 1.0 / (counts > 0).sum()) if shares is None else shares
    expected = size * of_class[labels[line]] / counts[labels[line]]
    ends = np.cumsum(expected)
    ends[-1] = size
    # needles at offset, offset + 1, …: how many lie before the end of each image
    before = np.ceil(ends - numbers[size]).astype(np.int64)
    times = np.diff(before, prepend=0)
    images = np.repeat(line, times)
    repetition = np.arange(len(images)) - np.repeat(np.cumsum(times) - times, times)
    draws: npt.NDArray[np.int64] = (images + size * repetition).astype(np.int64)
    return draws
