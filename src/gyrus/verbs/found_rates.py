"""What ``--find-rate`` found: a picture for each stage, and what is told of it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from gyrus.pages.rate_plot import write_rate_pictures
from gyrus.runs import RunFolder

if TYPE_CHECKING:
    from gyrus.training import FitResult


def draw_found_rates(folder: RunFolder, fitted: FitResult) -> dict[str, float]:
    """Draw the curve of every range test of a run.

    Returns
    -------
    dict of str to float
        Name of the picture (``learning-rate.png``) -> the learning rate that was found and used.
    """
    found = {}
    for stage in fitted.stages:
        curve = folder.rate_curve(stage.name if len(fitted.stages) > 1 else "")
        if curve.is_file():
            with curve.open(newline="", encoding="utf-8") as stream:
                rows = [[float(value) for value in row.values()] for row in csv.DictReader(stream)]
            rates, losses, smoothed = (list(column) for column in zip(*rows, strict=True))
            picture, _ = write_rate_pictures(
                rates, losses, smoothed, stage.learning_rate, folder.path, curve.stem
            )
            found[picture.name] = stage.learning_rate
    return found
