"""Which images a file holds, by its header alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from gyrus.errors import ImageError
from gyrus.imaging.child import ask
from gyrus.imaging.file_facts import FACT_NAMES, FileFacts, Plane
from gyrus.imaging.idx import read_frames
from gyrus.imaging.kinds import kind_of_file
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
    if kind == "idx":
        frames = read_frames(path, limits=limits)
        height, width = frames.shape[1:]
        return FileFacts("idx", tuple(map(str, range(len(frames)))), width_px=width, height_px=height)
    if kind not in ("dicom", "nifti"):
        return FileFacts("image")
    reads: Literal["dicom", "nifti"] = "dicom" if kind == "dicom" else "nifti"
    request = {
        "do": "facts",
        "path": str(path.absolute()),
        "plane": plane,
        "key": (patient_key() if key is None else key).hex(),
    }
    answer, _ = ask(reads, request, name=str(path), limits=limits)
    return _checked(reads, answer, path)


def _checked(kind: Literal["dicom", "nifti"], answer: dict[str, Any], path: Path) -> FileFacts:
    """Return a child's answer as facts: whatever it says, nothing but what facts may be comes through."""
    try:
        frames, facts = _texts(answer["frames"]), answer["facts"]
        width, height = int(answer["width_px"]), int(answer["height_px"])
        known = {name: facts[name] for name in FACT_NAMES if name in facts}
        _texts(known.values())
        subject, notes = _texts([answer["subject"]])[0], _texts(answer["notes"])
    except (KeyError, TypeError, ValueError) as error:
        raise ImageError("its facts cannot be told", path=path) from error
    return FileFacts(kind, frames, known, width, height, subject, notes)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    texts = tuple(values)
    if not all(isinstance(text, str) for text in texts) or len(texts) > _MOST_FRAMES:
        raise ValueError("no texts")
    return texts
