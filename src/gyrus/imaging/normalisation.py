"""Normalisations by name, and the arithmetic of the one that each image brings itself."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from gyrus.config.inputs import Normalize

FIXED: MappingProxyType[Normalize, tuple[tuple[float, float, float], tuple[float, float, float]]] = (
    MappingProxyType(
        {
            # of the images of ImageNet as torchvision's and timm's weights were trained with
            "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
            "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
            "per-image": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        }
    )
)
"""Mean and standard deviation of red, green and blue in pixels scaled to [0, 1], by name of the option."""

SMALLEST_SPREAD = 1.0 / 255.0
"""An image whose own standard deviation is below one grey level is divided by this: noise stays noise."""


def fixed(name: Normalize, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation for a network of 1 or 3 channels.

    One grey channel is shifted by the mean of the three means and scaled by the mean of the three spreads.
    """
    mean, std = FIXED[name]
    if channels == len(mean):
        return mean, std
    return (sum(mean) / len(mean),) * channels, (sum(std) / len(std),) * channels


def measured(
    blocks: Iterable[npt.NDArray[np.uint8]], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of images, by channel, for pixels scaled to [0, 1].

    Parameters
    ----------
    blocks : iterable of ndarray of uint8
        (n, height, width, channels as read) each: a few images at a time.
    channels : int
        Of the network; one grey channel stands for all of them.

    Returns
    -------
    mean, std : tuple of float
        (channels,). A spread below one grey level counts as one.
    """
    histograms: npt.NDArray[np.float64] = sum(
        (np.stack([np.bincount(block[..., channel].ravel(), minlength=256) for channel in
                   range(block.shape[3])]) for block in blocks),
        start=np.zeros((1, 256)),
    )  # fmt: skip
    shares = histograms / histograms.sum(axis=1, keepdims=True)
    levels = np.arange(256) / 255.0
    means = shares @ levels
    spreads = np.sqrt((shares * (levels - means[:, np.newaxis]) ** 2).sum(axis=1))
    repeat = channels if len(means) == 1 else 1
    return (
        tuple(float(mean) for mean in means) * repeat,
        tuple(max(SMALLEST_SPREAD, float(spread)) for spread in spreads) * repeat,
    )


def per_image(squares: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return squares (n, channels, side, side) in [0, 1], each with its own mean 0 and its own spread 1.

    Mean and standard deviation go over all pixels and channels of the square, black beside a padded image
    included.
    """
    axes = (1, 2, 3)
    mean = squares.mean(axis=axes, keepdims=True, dtype=np.float64)
    std = squares.std(axis=axes, keepdims=True, dtype=np.float64)
    return np.asarray((squares - mean) / np.maximum(std, SMALLEST_SPREAD), dtype=np.float32)
