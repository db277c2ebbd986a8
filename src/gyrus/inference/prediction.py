"""What a model answers about one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import GyrusError, UsageError
from gyrus.imaging.geometry import Placement


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
        (n_classes,) softmax of the logits; sums to 1.
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

    @property
    def label(self) -> str:
        """The most probable class; the first by name among equals."""
        return self.classes[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """Probability of :attr:`label`."""
        return float(self.probabilities.max())

    def heat(self, label: str | None = None) -> npt.NDArray[np.float32] | None:
        """Return the (rows, columns) map of a class, of the predicted one by default; None without maps.

        The map covers the whole image, with zeros where the network saw nothing of it. Positive values speak
        for the class, negative ones against it.

        Raises
        ------
        UsageError
            For a class that the model does not know.
        """
        wanted = self.label if label is None else label
        if wanted not in self.classes:
            raise UsageError(f"class {wanted!r} is none of {', '.join(self.classes)}")
        if self.maps is None:
            return None
        heat = self.maps[self.classes.index(wanted)]
        return heat if self.placement is None else self.placement.over_image(heat)

    def to_json(self) -> dict[str, Any]:
        """Return what ``gyrus predict --json`` prints for an image."""
        return {
            "name": self.name,
            "sha256": self.sha256 or None,
            "height_px": self.height_px,
            "width_px": self.width_px,
            "prediction": self.label,
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


def softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return probabilities (…, n_classes) of logits, in 64 bits so that they sum to 1 within 1e-15."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))
