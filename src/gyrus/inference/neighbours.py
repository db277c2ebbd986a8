"""The training cases that lie nearest to an image, and whether the image itself was one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gyrus.bundles import Bundle, decode_arrays
from gyrus.bundles.members import NEIGHBOURS
from gyrus.data.label_names import label_of
from gyrus.errors import BundleError


@dataclass(frozen=True, slots=True)
class Case:
    """A training image.

    Attributes
    ----------
    image_id, subject_id, label : str
        As in the manifest of the training; ``subject_id`` is empty where the patient is unknown.
    distance : float
        1 less the cosine of the angle between the embeddings: 0 the same direction, 1 nothing in common.
    thumbnail : ndarray of uint8 or None
        (48, 48), grey.
    """

    image_id: str
    subject_id: str
    label: str
    distance: float
    thumbnail: npt.NDArray[np.uint8] | None

    def to_json(self) -> dict[str, Any]:
        """Return the fields but for the thumbnail."""
        return {
            "image_id": self.image_id,
            "subject_id": self.subject_id or None,
            "label": self.label,
            "distance": self.distance,
        }


@dataclass(frozen=True, slots=True)
class InTraining:
    """Whether an image was trained on.

    Attributes
    ----------
    known : bool
        Whether the bundle can tell: it has the hashes of its training images.
    match : {"file", "pixels"} or None
        The same file; the same pixels in another file; neither.
    image_id : str
        Of the training image; empty without a match, or where its name was not kept.
    """

    known: bool
    match: Literal["file", "pixels"] | None = None
    image_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {"known": self.known, "match": self.match, "image_id": self.image_id or None}


class Neighbours:
    """The training cases of a bundle.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of ``neighbours.npz``; :mod:`gyrus.bundles.neighbours` says which.
    classes : sequence of str
        What its labels count.
    apart : float or None
        Smallest distance between kept images of two different patients; None where it is not known.
    """

    def __init__(
        self, arrays: Mapping[str, npt.NDArray[Any]], classes: tuple[str, ...], apart: float | None = None
    ) -> None:
        labels = arrays["label"]
        if labels.ndim == 1 and not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
            raise BundleError(f"member {NEIGHBOURS} has labels beyond the {len(classes)} classes")
        self._arrays, self._classes, self.apart = arrays, classes, apart

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> Neighbours | None:
        """Return the cases of a bundle; None where it brings none."""
        if NEIGHBOURS not in bundle.members:
            return None
        field = bundle.card["neighbours"]
        arrays = decode_arrays(bundle.members[NEIGHBOURS], name=NEIGHBOURS)
        return cls(arrays, tuple(bundle.card["classes"]), field.get("apart"))

    def __len__(self) -> int:
        return len(self._arrays["label"])

    @cached_property
    def _directions(self) -> npt.NDArray[np.float32]:
        return _directions(self._arrays["embedding"].astype(np.float32))

    def nearest(self, embedding: npt.NDArray[np.float32], most: int) -> tuple[Case, ...]:
        """Return the ``most`` nearest cases, the nearest first; all are compared.

        Raises
        ------
        BundleError
            When the network's embedding has another length than the cases'.
        """
        known = self._directions
        if embedding.shape != known.shape[1:]:
            raise BundleError(
                f"member {NEIGHBOURS} has {known.shape[1]} features a case, the network {len(embedding)}",
                fix="export the model again",
            )
        distances = 1.0 - known @ _directions(embedding[np.newaxis].astype(np.float32))[0]
        order = np.argsort(distances, kind="stable")[:most]
        return tuple(self._case(int(row), float(max(distances[row], 0.0))) for row in order)

    def seen(self, sha256: str, pixel_hash: str) -> InTraining:
        """Tell whether a file of these hashes was trained on."""
        if "sha256" not in self._arrays:
            return InTraining(known=False)
        for match, digest, rows in (
            ("file", sha256, self._rows_of("sha256")), ("pixels", pixel_hash, self._rows_of("pixel_hash"))
        ):  # fmt: skip
            row = rows.get(bytes.fromhex(digest)) if digest else None
            if row is not None:
                name = str(self._arrays["image_id"][row]) if row < len(self) else ""
                return InTraining(True, "file" if match == "file" else "pixels", name)
        return InTraining(known=True)

    @cached_property
    def _hashes(self) -> dict[str, dict[bytes, int]]:
        """Return the row of every hash: first the cases, then the images that only their hashes tell of."""
        tables: dict[str, dict[bytes, int]] = {}
        for name in ("sha256", "pixel_hash"):
            parts = [self._arrays[key] for key in (name, f"other_{name}") if key in self._arrays]
            rows = enumerate(line.tobytes() for part in parts for line in part)
            tables[name] = {digest: row for row, digest in rows if any(digest)}
        return tables

    def _rows_of(self, name: str) -> dict[bytes, int]:
        return self._hashes[name]

    def _case(self, row: int, distance: float) -> Case:
        arrays = self._arrays
        return Case(
            image_id=str(arrays["image_id"][row]),
            subject_id=str(arrays["subject_id"][row]),
            label=self._label(row),
            distance=distance,
            thumbnail=arrays["thumbnails"][row] if "thumbnails" in arrays else None,
        )

    def _label(self, row: int) -> str:
        label = self._arrays["label"][row]
        if label.ndim:
            return label_of(name for name, shown in zip(self._classes, label, strict=True) if shown)
        return self._classes[int(label)]


def smallest_between_patients(
    embedding: npt.NDArray[np.float32], subject_ids: tuple[str, ...]
) -> float | None:
    """Return the smallest distance between images of two different known patients; None without two."""
    known = np.array([bool(subject) for subject in subject_ids])
    _, patients = np.unique(np.array(subject_ids, dtype=np.str_)[known], return_inverse=True)
    if not patients.size or patients.max() == 0:
        return None
    directions, nearest = _directions(embedding[known].astype(np.float32)), -np.inf
    for row, direction in enumerate(directions):
        cosines = directions @ direction
        cosines[patients == patients[row]] = -np.inf
        nearest = max(nearest, float(cosines.max()))
    return max(0.0, 1.0 - nearest)


def _directions(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return rows of length 1; a row of zeros stays, and has nothing in common with any."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))[:, np.newaxis]
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
