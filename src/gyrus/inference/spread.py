"""How much an answer moves when the image is moved a little: called spread, for it is not a confidence.

The views are drawn once and for all: the same image gets the same spread everywhere. No view is mirrored,
for left and right mean something in a head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.decision import Decision
from gyrus.inference.predictor import Predictor

ROTATION_DEG = 5.0
SHIFT = 0.03
"""Of the image's width and height."""
SCALE = 0.05
_BASES = (2, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class View:
    """One small movement: turned counter-clockwise, enlarged, then shifted right and down."""

    rotation_deg: float
    scale: float
    shift_x: float
    shift_y: float


@dataclass(frozen=True, slots=True)
class Spread:
    """What the moved views were answered, the image itself among them.

    Attributes
    ----------
    views : int
        Moved views, without the image itself.
    mean, sd : ndarray of float64
        (n_classes,) mean and standard deviation (of the whole, not of a sample) of the calibrated
        probabilities over ``views + 1`` answers.
    answers : dict
        Label -> how many of them have it as their most probable answer.
    """

    views: int
    mean: npt.NDArray[np.float64]
    sd: npt.NDArray[np.float64]
    answers: dict[str, int]

    def to_json(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Return the fields, numbers by class."""
        return {
            "views": self.views,
            "mean": dict(zip(classes, self.mean.tolist(), strict=True)),
            "sd": dict(zip(classes, self.sd.tolist(), strict=True)),
            "answers": self.answers,
        }


def views(count: int) -> list[View]:
    """Return ``count`` movements, evenly spread over the four directions (Halton 1960), the same ones always.

    A longer list begins with the shorter one.
    """
    found = []
    for index in range(1, count + 1):
        turn, grow, right, down = (2 * _radical_inverse(index, base) - 1 for base in _BASES)
        found.append(View(ROTATION_DEG * turn, 1 + SCALE * grow, SHIFT * right, SHIFT * down))
    return found


def moved(pixels: npt.NDArray[np.uint8], view: View) -> npt.NDArray[np.uint8]:
    """Return the image (height, width, channels) moved, bilinear, of the same size; black comes in."""
    height, width = pixels.shape[:2]
    matrix = _matrix(view, height, width)
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    turned = np.asarray(
        picture.transform((width, height), Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR)
    )
    return turned[:, :, np.newaxis] if turned.ndim == 2 else turned


def moved_back(plane: npt.NDArray[np.float32], view: View) -> npt.NDArray[np.float32]:
    """Return values (height, width) over a moved image as values over the image; 0 where it saw none."""
    height, width = plane.shape
    a, b, c, d, e, f = _matrix(view, height, width)
    determinant = a * e - b * d
    inverse = (
        e / determinant, -b / determinant, (b * f - e * c) / determinant,
        -d / determinant, a / determinant, (d * c - a * f) / determinant,
    )  # fmt: skip
    return np.asarray(
        Image.fromarray(plane).transform(
            (width, height), Image.Transform.AFFINE, inverse, resample=Image.Resampling.BILINEAR
        )
    )


def _matrix(view: View, height: int, width: int) -> tuple[float, float, float, float, float, float]:
    """Return where in the source Pillow has to look for a place of the moved image."""
    angle = math.radians(view.rotation_deg)
    cosine, sine = math.cos(angle) / view.scale, math.sin(angle) / view.scale
    middle_x, middle_y = width / 2, height / 2
    to_x, to_y = middle_x + view.shift_x * width, middle_y + view.shift_y * height
    # y points down
    return (
        cosine, -sine, middle_x - cosine * to_x + sine * to_y,
        sine, cosine, middle_y - sine * to_x - cosine * to_y,
    )  # fmt: skip


def spread_of(
    predictor: Predictor, pixels: npt.NDArray[np.uint8], logits: npt.NDArray[np.float32], count: int
) -> Spread:
    """Ask the model about ``count`` moved views of an image beside the image itself.

    Parameters
    ----------
    predictor : Predictor
    pixels : ndarray of uint8
        (height, width, channels) as read.
    logits : ndarray of float32
        (n_classes,) the image's own.
    count : int
        Views, at least 1.
    """
    squares = np.concatenate([predictor.squares(moved(pixels, view)) for view in views(count)])
    every = np.concatenate([logits[np.newaxis], predictor.run_network(squares)["logits"]])
    probabilities = predictor.decision.probabilities(every)
    return Spread(
        views=count,
        mean=probabilities.mean(axis=0),
        sd=probabilities.std(axis=0),
        answers=_answers(predictor.decision, probabilities),
    )


def _answers(decision: Decision, probabilities: npt.NDArray[np.float64]) -> dict[str, int]:
    """Count the plain answers: a set of one view says nothing about the sets of moved ones."""
    plain = Decision(decision.classes, decision.task).decide(probabilities)
    counts: dict[str, int] = {}
    for item in plain:
        counts[str(item.label)] = counts.get(str(item.label), 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _radical_inverse(index: int, base: int) -> float:
    """Return the digits of ``index`` mirrored at the point: 1, 2, 3 become 1/2, 1/4, 3/4 in base 2."""
    value, weight = 0.0, 1.0 / base
    while index:
        index, digit = divmod(index, base)
        value += digit * weight
        weight /= base
    return value
