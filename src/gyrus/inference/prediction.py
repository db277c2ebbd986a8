"""What a model answers about one image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.data.label_names import label_of
from gyrus.decision import Decided
from gyrus.decision.activations import PROBABILITIES, sigmoid, softmax
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import GyrusError, UsageError
from gyrus.evaluation.multilabel import THRESHOLD
from gyrus.evaluation.predictions import CLASSIFY
from gyrus.imaging.geometry import Placement
from gyrus.inference.segmented import Segmented

__all__ = ["PROBABILITIES", "Failure", "Prediction", "Stored", "sigmoid", "softmax"]


@dataclass(frozen=True, slots=True)
class Stored:
    """How an image lay in its file.

    Attributes
    ----------
    format, mode : str
        Kind of file and colour mode, as :class:`gyrus.imaging.Decoded` tells them.
    pixel_hash : str
        Of the decoded pixels; see :func:`gyrus.imaging.pixel_hash`.
    """

    format: str
    mode: str
    pixel_hash: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """Answer to one image.

    Attributes
    ----------
    name : str
        Path of the file as it was given, or ``image-N`` for the N-th array (from 0).
    classes : tuple of str
        (n_classes,) class names.
    probabilities : ndarray of float64
        (n_classes,) calibrated as the card says; sum 1, but with the task ``multilabel`` each by itself.
    logits : ndarray of float32
        (n_classes,) as the network gave them.
    embedding : ndarray of float32 or None
        (n_features,) what the last layer sees.
    maps : ndarray of float32 or None
        (n_classes, rows, columns) class activation maps; None where the network has none.
    height_px, width_px : int
        Size of the image as it was read.
    sha256 : str
        Hash of the file's bytes; empty for an array.
    seconds : float
        Reading, preprocessing and the image's share of its batch.
    placement : Placement or None
        Which part of the image the network saw, and where in its square; None: all of it, filling the square.
    notes : tuple of str
        What was done in reading that a user may want to know, such as "holds 3 frames; the first is read".
    task : str
        ``classify``: one class is the answer; ``multilabel``: each class is a question of its own.
    pixels : ndarray of uint8 or None
        (height, width, channels) as read; only where the pixels were asked for.
    stored : Stored or None
        How the file held it; None for an array, and where the pixels were not asked for.
    decided : Decided or None
        What the model says by its card's calibration, operating points and sets; None: not asked.
    gate : tuple of GateFinding
        What the input gate found, in the order of its steps; empty where the bundle has no gate. An image
        that it refuses has its numbers all the same: who shows them asks :attr:`refused` first.
    segmentation : Segmented or None
        Of the task ``segment``; ``probabilities`` and ``logits`` are then those of each class's surest pixel.
    """

    name: str
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]
    logits: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32] | None
    maps: npt.NDArray[np.float32] | None
    height_px: int
    width_px: int
    sha256: str
    seconds: float
    notes: tuple[str, ...] = ()
    placement: Placement | None = None
    task: str = CLASSIFY
    pixels: npt.NDArray[np.uint8] | None = None
    stored: Stored | None = None
    decided: Decided | None = None
    gate: tuple[GateFinding, ...] = ()
    segmentation: Segmented | None = None

    @property
    def refused(self) -> GateFinding | None:
        """The gate's first finding that does not let the image pass; None: it may be answered."""
        return next((finding for finding in self.gate if not finding.passed), None)

    @property
    def label(self) -> str:
        """The answer as a predictions file writes labels.

        The most probable class; with the task ``multilabel`` all of :attr:`shown` joined by ``|``, and a
        single ``|`` for none.
        """
        return self.top if self.task == CLASSIFY else label_of(self.shown)

    @property
    def shown(self) -> tuple[str, ...]:
        """The classes that the image is said to show: the most probable, or all from 0.5 on, or of a
        segmentation all that its mask marks."""
        if self.task == CLASSIFY:
            return (self.top,)
        if self.segmentation is not None:
            marked = np.bincount(self.segmentation.mask.reshape(-1), minlength=len(self.classes) + 1) > 0
            return tuple(name for name, there in zip(self.classes, marked[1:], strict=True) if there)
        pairs = zip(self.classes, self.probabilities.tolist(), strict=True)
        return tuple(name for name, probability in pairs if probability >= THRESHOLD)

    @property
    def top(self) -> str:
        """The most probable class; the first by name among equals."""
        return self.classes[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """Probability of :attr:`top`."""
        return float(self.probabilities.max())

    def heat(self, label: str | None = None) -> npt.NDArray[np.float32] | None:
        """Return the (rows, columns) map of a class, of :attr:`top` by default; None without maps.

        The map covers the whole image, with zeros where the network saw nothing of it. Positive values speak
        for the class, negative ones against it.

        Raises
        ------
        UsageError
            For a class that the model does not know.
        """
        wanted = self.top if label is None else label
        if wanted not in self.classes:
            raise UsageError(f"class {wanted!r} is none of {', '.join(self.classes)}")
        if self.maps is None:
            return None
        heat = self.maps[self.classes.index(wanted)]
        return heat if self.placement is None else self.placement.over_image(heat)

    def slim(self) -> Prediction:
        """Return it without pixels, maps and masks, which are most of its memory."""
        return replace(self, pixels=None, maps=None, segmentation=None)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data; all about it: :class:`gyrus.inference.evidence.Evidence`."""
        return {
            "name": self.name,
            "sha256": self.sha256 or None,
            "height_px": self.height_px,
            "width_px": self.width_px,
            "prediction": self.label,
            **({} if self.task == CLASSIFY else {"task": self.task, "shown": list(self.shown)}),
            "probabilities": dict(zip(self.classes, self.probabilities.tolist(), strict=True)),
            "logits": dict(zip(self.classes, self.logits.tolist(), strict=True)),
            "seconds": self.seconds,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that got no answer, and why."""

    path: Path
    error: GyrusError
