"""The pictures of ``gyrus learn numpy-cnn``: curves, filters, feature maps, confusions, errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import require
from gyrus.pages.examples import Example
from gyrus.pages.picture_files import write_pictures
from gyrus.pages.plots import learning_curve, shortened
from gyrus.pages.svg import TEXT, new_figure, paper_style, plotting

_DIVERGING, _RISING, _GREY = "RdBu_r", "magma", "gray"
_FEW = 8  # feature maps shown of a layer
_LABELLED = 12  # classes up to which each cell of a matrix bears its number


@dataclass(frozen=True, slots=True)
class Looked:
    """What a trained network looks like inside.

    Attributes
    ----------
    filters : ndarray
        (kernel, kernel, channels, filters) of the first convolution.
    image : ndarray of uint8
        (size, size, channels), a test image.
    steps : tuple
        Name of a layer, and what it gives for that image, (height, width, channels).
    errors : tuple of Example
        Test images that were answered wrongly, the surest answers first.
    """

    filters: npt.NDArray[Any]
    image: npt.NDArray[np.uint8]
    steps: tuple[tuple[str, npt.NDArray[Any]], ...]
    errors: tuple[Example, ...]


def pictures_of(shown: Mapping[str, Any], looked: Looked) -> dict[str, Callable[[], Any]]:
    """Return what draws each picture, by the name of its file; without errors there is no picture of them."""
    drawn: dict[str, Callable[[], Any]] = {
        "loss": lambda: learning_curve(shown["epochs"], "loss", kept=shown["epochs"][-1]["epoch"]),
        "accuracy": lambda: learning_curve(shown["epochs"], "accuracy", kept=shown["epochs"][-1]["epoch"]),
        "filters": lambda: draw_filters(looked.filters),
        "feature-maps": lambda: draw_steps(looked),
        "confusion": lambda: draw_confusion(shown["confusion"]),
    }
    if looked.errors:
        drawn["errors"] = lambda: draw_errors(looked.errors)
    return drawn


def write_numpy_cnn_pictures(shown: Mapping[str, Any], looked: Looked, folder: Path) -> None:
    """Write each picture as PNG and SVG.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When a file cannot be written; a former one survives.
    """
    for name, draw in pictures_of(shown, looked).items():
        with paper_style():
            write_pictures(draw(), folder, name)


@plotting
def draw_filters(filters: npt.NDArray[Any]) -> Any:
    """Draw each filter (its mean over the channels of the image); red adds, blue subtracts."""
    count = filters.shape[3]
    largest = float(np.abs(filters.mean(axis=2)).max()) or 1.0
    columns = min(count, 8)
    figure, axes = _grid(-(-count // columns), columns, 0.72)
    for number, place in enumerate(axes):
        if number < count:
            place.imshow(filters[..., number].mean(axis=2), cmap=_DIVERGING, vmin=-largest, vmax=largest)
    return figure


@plotting
def draw_steps(looked: Looked) -> Any:
    """Draw an image and, a row a layer, the feature maps in which most happens; bright is large."""
    figure, axes = _grid(len(looked.steps), _FEW + 1, 0.78)
    for row, (name, maps) in enumerate(looked.steps):
        places = axes[row * (_FEW + 1) : (row + 1) * (_FEW + 1)]
        if row == 0:
            places[0].imshow(looked.image.squeeze(), cmap=_GREY, vmin=0, vmax=255)
        strongest = np.argsort(-maps.mean(axis=(0, 1)), kind="stable")[:_FEW]
        for place, channel in zip(places[1:], sorted(strongest), strict=False):
            place.imshow(maps[..., channel], cmap=_RISING, vmin=0)
            place.set_title(str(channel), fontsize=6.5, pad=1.5)
        height, width, channels = maps.shape
        words = f"{name}\n{height} x {width}\n{channels} maps"
        if row == 0:
            places[0].set_xlabel(words, fontsize=6.5)
        else:
            places[0].text(0.5, 0.5, words, ha="center", va="center", fontsize=6.5)
    return figure


@plotting
def draw_confusion(confusion: Mapping[str, Any]) -> Any:
    """Draw the confusion matrix: rows the true class, columns the answer; shares of the row as colour."""
    counts, classes = np.array(confusion["matrix"], dtype=float), confusion["classes"]
    side = min(6.5, 1.8 + 0.32 * len(classes))
    figure, axes = new_figure(side, side)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    names = [shortened(name, 14).replace("$", r"\$") for name in classes]
    axes.set_xticks(range(len(classes)), names, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(range(len(classes)), names)
    axes.set_xlabel("answered")
    axes.set_ylabel("true class")
    if len(classes) <= _LABELLED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                dark = shares[row, column] > 0.5
                axes.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=8.5,
                          color="white" if dark else "black")  # fmt: skip
    return figure


@plotting
def draw_errors(errors: tuple[Example, ...]) -> Any:
    """Draw images that were answered wrongly, the surest first: true class, then the answer."""
    columns = min(8, len(errors))
    figure, axes = _grid(math.ceil(len(errors) / columns), columns, 0.86)
    for place, error in zip(axes, errors, strict=False):
        place.imshow(error.pixels.squeeze(), cmap=_GREY, vmin=0, vmax=255)
        words = f"{shortened(error.label, 11)} →\n{shortened(error.prediction, 11)} {error.probability:.0%}"
        place.set_title(words.replace("$", r"\$"), fontsize=6.5, pad=2)
    return figure


def _grid(rows: int, columns: int, side_in: float) -> tuple[Any, list[Any]]:
    """Return a figure and its places for small pictures, row by row, without axes."""
    module = require("matplotlib.figure", "report", "the pictures of gyrus learn numpy-cnn")
    size = columns * side_in, rows * (side_in + 0.22)
    figure = module.Figure(figsize=size, layout="constrained")
    places = list(np.asarray(figure.subplots(rows, columns, squeeze=False)).ravel())
    for place in places:
        place.set_xticks([])
        place.set_yticks([])
        place.grid(False)
        for spine in place.spines.values():
            spine.set_visible(False)
        place.xaxis.label.set_color(TEXT)
    return figure, places
