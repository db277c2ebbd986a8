"""The gate's second step: does an image look like a brain MRI at all?

A small convolutional network on a grey thumbnail, applied in NumPy. ``tools/train_gate.py`` trains it and
writes ``brain_mri.npz``: numbers only, no image. ``docs/reference/gate.md`` says on what, and how well.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.decision.gate_finding import GateFinding
from gyrus.decision.single_threaded import product, projected
from gyrus.errors import BundleError

SIDE_PX = 48
_BRIGHT_SHARE = 0.01  # white is what 1 in 100 pixels reach: a bright label does not darken the rest
_LEAST_WHITE = 24.0  # of 255: below it the image is dark all over, and is not stretched to full contrast
_LAYERS = 3
_FIX = "export the model again"

NAMES: tuple[str, ...] = tuple(
    f"{layer}_{kind}"
    for layer in (*(f"conv{number}" for number in range(_LAYERS)), "hidden", "last")
    for kind in ("weight", "bias")
)
"""The arrays of the network."""

Array = npt.NDArray[np.float32]


def thumbnail(pixels: npt.NDArray[np.uint8]) -> Array:
    """Return what the network sees: grey, squashed to a square, scaled by its own white.

    Parameters
    ----------
    pixels : ndarray of uint8
        (height, width) or (height, width, 1 or 3).

    Returns
    -------
    ndarray of float32
        (48, 48), 0 to 1.
    """
    plane = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    image = Image.fromarray(plane)
    grey = image if image.mode == "L" else image.convert("L")
    small = np.asarray(grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0))
    rank = int(small.size * (1.0 - _BRIGHT_SHARE))
    white = max(float(np.partition(small, rank, axis=None)[rank]), _LEAST_WHITE)
    return cast("Array", np.minimum(small.astype(np.float32) / np.float32(white), np.float32(1.0)))


@dataclass(frozen=True, slots=True)
class BrainMri:
    """The trained step.

    Attributes
    ----------
    weights : mapping
        ``convN_weight`` (out, in, k, k) with a stride of 2 and k // 2 pixels of zeros around, N = 0, 1, 2;
        ``hidden_weight`` (hidden, features), ``last_weight`` (1, hidden), each with its ``_bias``.
    threshold : float
        The least log odds that passes.
    """

    weights: Mapping[str, Array]
    threshold: float
    _columns: tuple[Array, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        columns = tuple(_as_columns(self.weights[f"conv{layer}_weight"]) for layer in range(_LAYERS))
        object.__setattr__(self, "_columns", columns)

    @property
    def digest(self) -> str:
        """SHA-256 over names, shapes and float32 values of the weights."""
        content = hashlib.sha256()
        for name in NAMES:
            weight = self.weights[name]
            content.update(f"{name}{weight.shape}".encode() + weight.astype("<f4").tobytes())
        return content.hexdigest()

    def scores(self, thumbnails: Array) -> npt.NDArray[np.float64]:
        """Return the log odds of being a brain MRI, (n,), of thumbnails (n, 48, 48)."""
        values = thumbnails[:, :, :, np.newaxis]
        for layer in range(_LAYERS):
            side = self.weights[f"conv{layer}_weight"].shape[2]
            values = _convolved(values, self._columns[layer], side, self.weights[f"conv{layer}_bias"])
        features = values.reshape(len(values), -1)
        hidden = projected(features, self.weights["hidden_weight"]) + self.weights["hidden_bias"]
        last = projected(np.maximum(hidden, 0.0), self.weights["last_weight"]) + self.weights["last_bias"]
        return cast("npt.NDArray[np.float64]", last[:, 0].astype(np.float64))

    def find(self, pixels: npt.NDArray[np.uint8]) -> GateFinding:
        """Judge one image; see :func:`thumbnail` for its form."""
        score = float(self.scores(thumbnail(pixels)[np.newaxis])[0])
        passed = score >= self.threshold  # NaN does not pass
        reason = "looks like a brain MRI" if passed else "is not a brain MRI, as far as its look tells"
        return GateFinding("brain_mri", passed, score, self.threshold, reason)


def _as_columns(weight: Array) -> Array:
    """Lay (out, in, k, k) as (k * k * in, out): in the order in which :func:`_convolved` reads an image."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(-1, len(weight)))


def _convolved(values: Array, columns: Array, side: int, bias: Array) -> Array:
    """Convolve (n, rows, columns, channels) with a stride of 2, and cut at zero."""
    pad = side // 2
    count, high, wide, channels = values.shape
    padded = np.zeros((count, high + 2 * pad, wide + 2 * pad, channels), dtype=np.float32)
    padded[:, pad : pad + high, pad : pad + wide] = values
    # a view by hand: sliding_window_view gives the same one, but takes long for so small an image
    shape = count, (high + 2 * pad - side) // 2 + 1, (wide + 2 * pad - side) // 2 + 1
    image, row, pixel, value = padded.strides
    windows: Array = np.ndarray(
        (*shape, side, side * channels), np.float32, padded, 0, (image, 2 * row, 2 * pixel, row, value)
    )
    rows = windows.reshape(math.prod(shape), side * side * channels)
    flat = product(rows, columns)
    flat += bias
    return np.maximum(flat, 0.0, out=flat).reshape(*shape, -1)


def brain_mri_of(arrays: Mapping[str, npt.NDArray[Any]], threshold: float) -> BrainMri:
    """Build the step from its arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        The weights by the names that :class:`BrainMri` gives them; others are left aside.
    threshold : float
        The least log odds that passes.

    Raises
    ------
    BundleError
        When an array is missing, or does not fit the one before it.
    """
    missing = [name for name in NAMES if name not in arrays]
    if missing:
        raise BundleError(f"its brain-MRI gate has no array {', '.join(missing)}", fix=_FIX)
    weights = {name: np.ascontiguousarray(arrays[name], dtype=np.float32) for name in NAMES}
    try:
        step = BrainMri(weights, float(threshold))
        step.scores(np.zeros((1, SIDE_PX, SIDE_PX), dtype=np.float32))
    except (ValueError, IndexError) as error:
        raise BundleError(f"its brain-MRI gate has arrays that do not fit: {error}", fix=_FIX) from error
    return step


@functools.cache
def shipped() -> BrainMri:
    """Return the step that gyrus ships and packs into bundles."""
    with resources.files("gyrus.decision").joinpath("brain_mri.npz").open("rb") as file:
        arrays = dict(np.load(file, allow_pickle=False))
    return brain_mri_of(arrays, float(arrays["threshold"]))
