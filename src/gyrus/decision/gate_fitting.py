"""Fit the gate's third step: statistics of training images, a threshold of held-out ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.distribution import (
    Distribution,
    Method,
    fewest_held_out,
    fit_arrays,
    threshold_for,
)
from gyrus.errors import DataError


@dataclass(frozen=True, slots=True)
class Features:
    """What the bundle's network gives for some images.

    Attributes
    ----------
    logits : ndarray
        (n, classes).
    embedding : ndarray or None
        (n, features).
    labels : ndarray of int
        (n,) index of the class; all 0 where an image may have several.
    subjects : int or None
        Number of patients; None where they are not known.
    groups : ndarray of int64 or None
        (n,) number of each image's patient, or copies' group where the patient is unknown; None: each image
        stands for itself.
    """

    logits: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32] | None
    labels: npt.NDArray[np.int64]
    subjects: int | None = None
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def n_groups(self) -> int:
        """How many patients (groups) there are."""
        return len(self) if self.groups is None else int(np.unique(self.groups).size)


def fit_distribution(
    training: Features,
    held_out: Features,
    *,
    split: str,
    method: Method,
    false_refusals: float,
    seed: int = 0,
) -> tuple[Distribution, dict[str, Any]]:
    """Return the step, and how it was fitted, for the card.

    Parameters
    ----------
    training : Features
        Images that the network was trained on.
    held_out : Features
        Images of other patients: the network knows its training images better than any new one.
    split : str
        Name of the split that ``held_out`` is.
    method : str
        One of :data:`gyrus.decision.distribution.METHODS`.
    false_refusals : float
        Share of the images of new patients like those of ``held_out`` that may be refused, 0 to 1.
    seed : int
        Of the draw of neighbours.

    Raises
    ------
    DataError
        Without held-out images, or without embeddings where the method needs them.
    """
    if not 0.0 < false_refusals < 1.0:
        raise DataError(f"the gate's share of false refusals is {false_refusals}; expected between 0 and 1")
    arrays = fit_arrays(method, training.embedding, training.labels, seed=seed)
    draft = Distribution(method, float("-inf"), arrays)
    scores = draft.scores(held_out.embedding, held_out.logits)
    threshold = threshold_for(scores, false_refusals, held_out.groups)
    fitted = {
        "false_refusals": false_refusals,
        **held_out_by(held_out.subjects, held_out.n_groups, false_refusals),
        "training_images": len(training),
        "features": None if training.embedding is None else int(training.embedding.shape[1]),
        "fitted_on": {"split": split, "images": len(held_out), "subjects": held_out.subjects},
        "refused_there": int((scores < threshold).sum()),
    }
    return Distribution(method, threshold, arrays), fitted


def held_out_by(subjects: int | None, groups: int, false_refusals: float) -> dict[str, Any]:
    """Return what the card says of a threshold: what counts, and whether they are too few to refuse any."""
    return {
        "by": "image" if subjects is None else "subject",
        "too_few": groups < fewest_held_out(false_refusals),
    }
