"""Drawing of parameters: numbers only, no image is touched here (NumPy)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from gyrus.training.augmentation.policies import Policy
from gyrus.training.draws import Stream, uniform

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

MAX_STRENGTH = 3.0
# terms x^i y^j of the bias field, as Chebyshev polynomials T_i(x) T_j(y); the constant is brightness's
FIELD_TERMS = tuple((i, j) for total in (1, 2, 3) for i in range(total, -1, -1) for j in (total - i,))
# Zhong 2020 goes up to 40 % of the area; half of that leaves more lesions whole
_LARGEST_FIELD = 0.9  # the field stays above zero
ERASED_AREA = (0.02, 0.20)
ERASED_ASPECT = (0.3, 1.0 / 0.3)
# A parameter keeps its column of the draws: a new one gets a new column, so that old draws stay as they are.
_COLUMNS = (
    "mirror_left_right", "mirror_up_down", "quarter_turns", "rotation_deg", "shift_x", "shift_y", "scale",
    "gamma", "contrast", "brightness", "window_low", "window_high", "saturation", "hue_deg", "red", "blue",
    "haematoxylin", "eosin", "field_strength", "noise", "noise_place", "noise_place_2", "erased",
    "erased_area", "erased_aspect", "erased_top", "erased_left",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is done to each image of a batch; arrays of (n,) float32 unless said otherwise.

    Attributes
    ----------
    mirror_left_right, mirror_up_down : ndarray of bool
        Whether it is mirrored; before the turn.
    quarter_turns : ndarray of int64
        0 to 3, counter-clockwise.
    rotation_deg : ndarray
        Positive turns the picture counter-clockwise.
    shift_x, shift_y : ndarray
        Share of the side that the picture moves right and down.
    scale : ndarray
        Above 1 enlarges.
    gamma, contrast, brightness : ndarray
        Exponent, factor, factor.
    window_low, window_high : ndarray
        Intensities that become 0 and 1.
    saturation, hue_deg, red, blue : ndarray
        Factor, degrees, factor, factor.
    haematoxylin, eosin : ndarray
        Factors of the two stains.
    field : ndarray
        (n, 9) weights of the bias field's terms; their absolute sum is the largest change it can make.
    noise : ndarray
        Standard deviation.
    noise_place : ndarray of float64
        (n, 2) from 0 to 1: where in the bank of noise the image's own begins.
    erased : ndarray
        (n, 4) top, left, height, width of the erased rectangle as shares of the sides; zeros for none.
    noise_kind, outside : str
        Of the policy.
    """

    mirror_left_right: Flags
    mirror_up_down: Flags
    quarter_turns: npt.NDArray[np.int64]
    rotation_deg: Floats
    shift_x: Floats
    shift_y: Floats
    scale: Floats
    gamma: Floats
    contrast: Floats
    brightness: Floats
    window_low: Floats
    window_high: Floats
    saturation: Floats
    hue_deg: Floats
    red: Floats
    blue: Floats
    haematoxylin: Floats
    eosin: Floats
    field: Floats
    noise: Floats
    noise_place: npt.NDArray[np.float64]
    erased: Floats
    noise_kind: Literal["additive", "magnitude"] = "additive"
    outside: Literal["black", "mirror"] = "black"

    def __len__(self) -> int:
        return len(self.rotation_deg)

    def take(self, rows: npt.NDArray[np.int64]) -> Drawn:
        """Return the parameters of some images."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _ARRAYS})


_ARRAYS = tuple(f.name for f in fields(Drawn) if f.name not in ("noise_kind", "outside"))


def draw(
    seed: int,
    epoch: int,
    numbers: npt.NDArray[np.int64],
    policy: Policy,
    *,
    strength: npt.NDArray[np.floating] | None = None,
) -> Drawn:
    """Draw parameters for the images of a batch.

    An image's draw is a function of (seed, epoch, number): what else is in the batch, and in which order,
    changes nothing.

    Parameters
    ----------
    seed, epoch : int
        Of the run, and of the pass through the data (or the number of a cached view).
    numbers : ndarray of int64
        (n,) number of each image in its split; a sampler that shows an image twice numbers it anew
        (:func:`gyrus.training.sampling.epoch_order`), so that it looks different.
    policy : Policy
        The ranges.
    strength : ndarray of float, optional
        (n,) factor on all ranges, 0 to 3; mirrors, quarter turns and erasing stay as they are.

    Raises
    ------
    ValueError
        For a strength outside 0 to 3.
    """
    factor = np.ones(len(numbers)) if strength is None else np.asarray(strength, dtype=np.float64)
    if len(factor) and not (factor.min() >= 0 and factor.max() <= MAX_STRENGTH):
        raise ValueError(
            f"strength goes from 0 to {MAX_STRENGTH:g}; got {factor.min():g} to {factor.max():g}"
        )
    count = len(_COLUMNS) + len(FIELD_TERMS)
    columns = uniform(seed, epoch, numbers, stream=Stream.AUGMENTATION, count=count)
    unit = dict(zip(_COLUMNS, columns.T, strict=False))

    def either_side(name: str, reach: float) -> Floats:
        values: Floats = ((2.0 * unit[name] - 1.0) * factor * reach).astype(np.float32)
        return values

    def about_one(name: str, reach: float) -> Floats:
        return np.add(1.0, either_side(name, reach), dtype=np.float32)

    return Drawn(
        mirror_left_right=policy.mirror_left_right & (unit["mirror_left_right"] < 0.5),
        mirror_up_down=policy.mirror_up_down & (unit["mirror_up_down"] < 0.5),
        quarter_turns=policy.quarter_turns * np.floor(4.0 * unit["quarter_turns"]).astype(np.int64),
        rotation_deg=either_side("rotation_deg", policy.rotation_deg),
        shift_x=either_side("shift_x", policy.shift),
        shift_y=either_side("shift_y", policy.shift),
        scale=about_one("scale", policy.scale),
        gamma=np.exp(either_side("gamma", policy.gamma)),
        contrast=about_one("contrast", policy.contrast),
        brightness=about_one("brightness", policy.brightness),
        window_low=either_side("window_low", policy.window),
        window_high=about_one("window_high", policy.window),
        saturation=about_one("saturation", policy.saturation),
        hue_deg=either_side("hue_deg", policy.hue_deg),
        red=about_one("red", policy.white_balance),
        blue=about_one("blue", policy.white_balance),
        haematoxylin=about_one("haematoxylin", policy.stain),
        eosin=about_one("eosin", policy.stain),
        field=_field(columns[:, len(_COLUMNS) :], unit["field_strength"] * factor * policy.bias_field),
        noise=(unit["noise"] * factor * policy.noise).astype(np.float32),
        noise_place=np.stack([unit["noise_place"], unit["noise_place_2"]], axis=1),
        erased=_rectangles(unit, policy.erasing),
        noise_kind=policy.noise_kind,
        outside=policy.outside,
    )


def _field(values: npt.NDArray[np.float64], largest: npt.NDArray[np.float64]) -> Floats:
    """Return weights whose absolute values add up to ``largest`` in each row; terms of low order prevail."""
    signed = (2.0 * values - 1.0) / np.array([i + j for i, j in FIELD_TERMS])
    total = np.maximum(np.abs(signed).sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    weights: Floats = (signed / total * np.minimum(largest, _LARGEST_FIELD)[:, None]).astype(np.float32)
    return weights


def _rectangles(unit: dict[str, npt.NDArray[np.float64]], share: float) -> Floats:
    """Return (n, 4) rectangles; area and aspect are uniform in their ranges, the place where it fits."""
    low, high = ERASED_AREA
    area = low + (high - low) * unit["erased_area"]
    aspect = ERASED_ASPECT[0] + (ERASED_ASPECT[1] - ERASED_ASPECT[0]) * unit["erased_aspect"]
    height, width = np.sqrt(area * aspect), np.sqrt(area / aspect)
    top, left = unit["erased_top"] * (1.0 - height), unit["erased_left"] * (1.0 - width)
    rectangles = np.stack([top, left, height, width], axis=1)
    return np.where((unit["erased"] < share)[:, None], rectangles, 0.0).astype(np.float32)
