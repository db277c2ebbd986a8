"""Label suspects of predictions: a table, and a page where the images are at hand."""

from __future__ import annotations

import logging
from pathlib import Path

from gyrus.data import Manifest
from gyrus.evaluation import Predictions
from gyrus.evaluation.label_suspects import LabelSuspects, find_label_suspects, write_label_suspects
from gyrus.evaluation.predictions import CLASSIFY
from gyrus.imaging.reading import Color
from gyrus.pages.suspects_page import render_suspects
from gyrus.runs import make_folder
from gyrus.runs.atomic import write_text

logger = logging.getLogger("gyrus")

TABLE, PAGE = "label-suspects.csv", "label-suspects.html"


def write_suspects(
    folder: Path,
    predictions: Predictions,
    manifest: Manifest | None,
    *,
    color: Color = "grey",
    about: str = "",
) -> LabelSuspects:
    """Find suspects, write them into a folder, and return them.

    Parameters
    ----------
    folder : Path
        Made where it is absent; gets ``label-suspects.csv`` and ``label-suspects.html``.
    predictions : Predictions
        Made by models that had not seen the images.
    manifest : Manifest or None
        Where the images lie; None: no page.
    color : {"grey", "rgb"}
        Reading policy.
    about : str
        Which predictions, for the page.
    """
    found = find_label_suspects(predictions)
    make_folder(folder)
    write_label_suspects(found, folder / TABLE)
    if manifest is None:
        logger.info("note: No page of label suspects: the images are not at hand (name DATA).")
    else:
        write_text(folder / PAGE, render_suspects(found, manifest, color=color, about=about))
    return found


def suspects_possible(predictions: Predictions) -> bool:
    """Tell whether there can be suspects: one label an image, and any label at all."""
    return predictions.task == CLASSIFY and any(predictions.labels)
