"""The gate that every export must pass: the exported thing answers as what it was made from.

Without torch, so that a bundle can be merged into one graph where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import ExportError
from gyrus.evaluation.multilabel import THRESHOLD
from gyrus.evaluation.predictions import CLASSIFY, MULTILABEL

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float64]
Decisions = Callable[[Probabilities], tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]]

LARGEST_DIFFERENCE = 1e-3
"""Two probabilities may differ by this much."""
DECIDED_MARGIN = 1e-3
"""Where the two most probable classes are further apart than this, their order must be the same."""
_BATCH = 16
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the exported thing is from what it was made from.

    Attributes
    ----------
    images : int
        Number compared.
    max_probability_difference : float
        Largest absolute difference of a probability.
    max_pixel_difference : float or None
        Largest absolute difference of the preprocessed images, in grey levels; None where both sides got the
        same pixels.
    flips : int
        Images whose class differs although the difference is allowed: ties within the margin.
    allowed : float
        The difference of a probability from which on the export is refused.
    of : str
        Which images these were.
    against : str
        What the exported thing was held against, and in which runtime it answered.
    """

    images: int
    max_probability_difference: float
    max_pixel_difference: float | None
    flips: int
    allowed: float = LARGEST_DIFFERENCE
    of: str = "validation images"
    against: str = ""

    def to_card(self) -> dict[str, Any]:
        """Return the card's field ``provenance.parity``."""
        return asdict(self)

    def __str__(self) -> str:
        """Return it as a sentence."""
        return (
            f"{self.images} {self.of} answered as {self.against}: largest difference of a probability "
            f"{self.max_probability_difference:.2g} (allowed {self.allowed:g})"
        )

    def on(self, images: str) -> Parity:
        """Return the same, said of other images than those of validation."""
        return replace(self, of=images)


Both = Callable[[list[Pixels]], tuple[Probabilities, Probabilities, float | None]]
"""Images, uint8 (height, width, channels) each -> probabilities (n, K) expected and got, and how far the
preprocessed pixels differ."""


def check_agreement(
    both: Both, images: Iterable[Pixels], *, task: str = CLASSIFY, against: str = "the network in torch"
) -> Parity:
    """Compare two sides on every image.

    Parameters
    ----------
    both : callable
        Answers some images on both sides.
    images : iterable of ndarray
        uint8 (height, width, channels) as read, of any sizes.
    task : str
        ``classify``, or ``multilabel``: each class is then a question of its own, decided at 0.5.
    against : str
        What is compared with what, for the record.

    Raises
    ------
    ExportError
        When a class differs where the top-two margin exceeds 1e-3, when a probability differs by more than
        1e-3, when an answer is not a number, or when there is no image to compare.
    """
    decisions = _of_sets if task == MULTILABEL else _of_classes
    count, flips, worst = 0, 0, 0.0
    worst_pixel: float | None = None
    refused: list[str] = []
    for batch in _batches(images):
        expected, got, pixel = both(batch)
        difference, flipped, problems = _compare(expected, got, decisions, first=count)
        refused += problems
        count += len(batch)
        flips += flipped
        worst = max(worst, difference)
        worst_pixel = worst_pixel if pixel is None else max(worst_pixel or 0.0, pixel)
    if count == 0:
        raise ExportError("there is no image to compare the export on", fix="give validation images")
    if refused:
        more = [f"… and {len(refused) - _MOST_TOLD} more"] if len(refused) > _MOST_TOLD else []
        raise ExportError(
            f"the export does not answer as the network does on {len(refused)} of {count} images "
            f"(largest difference of a probability {worst:.2g}; allowed {LARGEST_DIFFERENCE:g})",
            details=refused[:_MOST_TOLD] + more,
            fix="nothing was written; report it with the versions of torch and onnxruntime",
        )
    return Parity(count, worst, worst_pixel, flips, against=against)


def _of_classes(prob: Probabilities) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the class of each image, (n, 1), and whether it is clear."""
    ranked = np.sort(prob, axis=1)
    clear = ranked[:, -1:] - ranked[:, -2:-1] > DECIDED_MARGIN
    return prob.argmax(axis=1)[:, np.newaxis].astype(np.int64), clear


def _of_sets(prob: Probabilities) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return whether each image is said to show each class, (n, K), and whether that is clear."""
    return (prob >= THRESHOLD).astype(np.int64), np.abs(2 * prob - 1) > DECIDED_MARGIN


def _compare(
    expected: Probabilities, got: Probabilities, decisions: Decisions, *, first: int
) -> tuple[float, int, list[str]]:
    if expected.shape != got.shape:
        raise ExportError(f"the export answers with shape {got.shape}; the network with {expected.shape}")
    differences = np.abs(expected - got).max(axis=1)
    (wanted, clear), (answered, _) = decisions(expected), decisions(got)
    differs = wanted != answered
    decided, flipped = (differs & clear).any(axis=1), differs.any(axis=1)
    problems = []
    for index, difference in enumerate(differences):
        if not np.isfinite(difference):
            problems.append(f"image {first + index}: the answer is not a number")
        elif decided[index]:
            became = f"{wanted[index].tolist()} became {answered[index].tolist()}"
            problems.append(f"image {first + index}: class {became}")
        elif difference > LARGEST_DIFFERENCE:
            problems.append(f"image {first + index}: a probability differs by {difference:.2g}")
    return float(np.nanmax(differences, initial=0.0)), int((flipped & ~decided).sum()), problems


def _batches(images: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    iterator = iter(images)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
