"""Which images a file holds, by its header alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from gyrus.errors import ImageError
from gyrus.imaging.child import Reads, ask
from gyrus.imaging.dicom.words import sequence
from gyrus.imaging.file_facts import FACT_NAMES, FileFacts, Plane
from gyrus.imaging.grids import Grid
from gyrus.imaging.idx import read_frames
from gyrus.imaging.kinds import BEGINNING_BYTES, kind_of, kind_of_file
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.patient_key import patient_key

_MOST_FRAMES = 100_000


def frames_of(
    path: Path, *, plane: Plane = "axial", limits: Limits = DEFAULT_LIMITS, key: bytes | None = None
) -> FileFacts:
    """Return which images a file holds and what its header tells; no pixel is decoded.

    Parameters
    ----------
    path : Path
    plane : {"axial", "coronal", "sagittal"}
        Which slices of a NIfTI volume.
    limits : Limits
    key : bytes, optional
        Of the hashes of patients; the user's own (:func:`gyrus.imaging.patient_key.patient_key`) by default.

    Raises
    ------
    ImageError
        When a DICOM or NIfTI file holds no image, is damaged, or outside the limits.
    """
    kind = kind_of_file(path)
    if kind == "dicom" or kind == "nifti":
        return _asked(kind, str(path.absolute()), b"", path.name, str(path), plane, limits, key)
    if kind == "idx":
        frames = read_frames(path, limits=limits)
        height, width = frames.shape[1:]
        return FileFacts("idx", tuple(map(str, range(len(frames)))), width_px=width, height_px=height)
    return FileFacts("image")


def frames_of_bytes(
    data: bytes,
    name: str,
    *,
    plane: Plane = "axial",
    limits: Limits = DEFAULT_LIMITS,
    key: bytes | None = None,
) -> FileFacts:
    """Return what :func:`frames_of` does for the bytes of a file, called ``name`` in errors."""
    kind = kind_of(data[:BEGINNING_BYTES])
    if kind == "dicom" or kind == "nifti":
        return _asked(kind, None, data, PurePosixPath(name).name, name, plane, limits, key)
    return FileFacts("image")


def _asked(
    kind: Reads, path: str | None, data: bytes, called: str, name: str, plane: Plane, limits: Limits,
    key: bytes | None,
) -> FileFacts:  # fmt: skip
    hash_key = (patient_key() if key is None else key) if kind == "dicom" else b""
    request = {"do": "facts", "path": path, "plane": plane, "key": hash_key.hex()}
    answer, _ = ask(kind, request, data, name=name, limits=limits)
    facts = _checked(kind, answer, name)
    if kind == "nifti":  # its header does not tell; the names of most sets do
        told = sequence([called], contrast_given=False)
        return replace(facts, facts={**facts.facts, "sequence": told}) if told else facts
    return facts


def _checked(kind: Reads, answer: dict[str, Any], name: str) -> FileFacts:
    """Return a child's answer as facts: whatever it says, nothing but what facts may be comes through."""
    try:
        frames, facts = _texts(answer["frames"]), answer["facts"]
        width, height = int(answer["width_px"]), int(answer["height_px"])
        known = {fact: facts[fact] for fact in FACT_NAMES if fact in facts}
        _texts(known.values())
        subject, plane = _texts([answer["subject"], answer["plane"]])
        notes = _texts(answer["notes"])
        grid = _grid(answer.get("grid"))
    except (KeyError, TypeError, ValueError) as error:
        raise ImageError("its facts cannot be told", path=name) from error
    return FileFacts(kind, frames, known, plane, width, height, subject, notes, grid)


def _grid(told: Any) -> Grid | None:
    if told is None:
        return None
    first, second, third = (int(size) for size in told["shape"])
    affine = tuple(float(number) for number in told["affine"])
    if len(affine) != 12 or not all(map(math.isfinite, affine)):
        raise ValueError("no affine")
    return Grid((first, second, third), int(told["volumes"]), affine, told["stated"] is True)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    texts = tuple(values)
    if not all(isinstance(text, str) for text in texts) or len(texts) > _MOST_FRAMES:
        raise ValueError("no texts")
    return texts
