"""Facts of a DICOM header: fixed words, numbers and keyed hashes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.imaging.dicom import words
from gyrus.imaging.dicom.header import Header
from gyrus.imaging.patient_key import keyed_hash

_STRAIGHT = 0.9  # cosine from which on a slice counts as lying in a plane of the body: up to 26 degrees off
_NORMALS = ("sagittal", "coronal", "axial")


def facts_of(header: Header, key: bytes) -> dict[str, str]:
    """Return what :class:`gyrus.imaging.file_facts.FileFacts` calls facts; what is not told is left out."""
    image_type = header.text("ImageType").upper().split()
    told = {
        "modality": words.modality(header.text("Modality")),
        "body_part": words.body_part(header.text("BodyPartExamined")),
        "sequence": _sequence(header, image_type),
        "spacing_mm": _spacing(header),
        "burnt_in": {"YES": "yes", "NO": "no"}.get(header.text("BurnedInAnnotation").strip().upper(), ""),
        "mosaic": "yes" if "MOSAIC" in image_type else "",
        "series": _hashed(header, key, "series", "SeriesInstanceUID"),
        "position": _position(header),
    }
    return {name: value for name, value in told.items() if value}


def subject_of(header: Header, key: bytes) -> str:
    """Return the keyed hash of the patient, of the study where none is named, or nothing."""
    patient = words.patient(header.text("PatientID"))
    if patient:
        return f"p-{keyed_hash(key, 'patient', patient)}"
    study = _hashed(header, key, "study", "StudyInstanceUID")
    return f"s-{study}" if study else ""


def frame_order(header: Header) -> list[int]:
    """Return the frames in order of their places along the normal; as stored where these do not tell."""
    stored = list(range(header.frames))
    places = [place_mm(header, frame) for frame in stored] if header.frames > 1 else []
    known = [place for place in places if place is not None]
    if len(known) < header.frames or len(set(known)) < header.frames:
        return stored
    return sorted(stored, key=known.__getitem__)


def place_mm(header: Header, frame: int = 0) -> float | None:
    """Return where a slice lies along its own normal, in mm; None where the header does not tell."""
    position, normal = header.numbers("ImagePositionPatient", frame), _normal(header, frame)
    if len(position) != 3 or normal is None:
        return None
    return round(float(normal @ np.array(position)), 3)


def _normal(header: Header, frame: int = 0) -> npt.NDArray[np.float64] | None:
    directions = header.numbers("ImageOrientationPatient", frame)
    if len(directions) != 6:
        return None
    normal = np.cross(directions[:3], directions[3:])
    length = float(np.linalg.norm(normal))
    return normal / length if 0.5 < length < 2 else None


def plane_of(header: Header) -> str:
    """Return the plane of the body that the (first) slice lies in; empty where the header does not tell."""
    normal = _normal(header)
    if normal is None:
        return ""
    nearest = int(np.argmax(np.abs(normal)))
    return _NORMALS[nearest] if abs(normal[nearest]) >= _STRAIGHT else "oblique"


def _position(header: Header) -> str:
    place = place_mm(header) if header.frames == 1 else None
    if place is None:
        place = header.number("InstanceNumber")
    return "" if place is None else f"{place:g}"


def _spacing(header: Header) -> str:
    within = header.numbers("PixelSpacing") or header.numbers("ImagerPixelSpacing")
    if len(within) != 2 or min(within) <= 0:
        return ""
    across = header.number("SpacingBetweenSlices") or header.number("SliceThickness")
    return " x ".join(f"{size:.4g}" for size in (*within, *([across] if across and across > 0 else [])))


def _sequence(header: Header, image_type: list[str]) -> str:
    if words.modality(header.text("Modality")) != "MR":
        return ""
    texts = [header.text(keyword) for keyword in ("SeriesDescription", "ProtocolName", "SequenceName")]
    texts += ["adc"] * ("ADC" in image_type) + ["dwi"] * ("DIFFUSION" in image_type)
    told = words.sequence(texts, contrast_given=header.stated("ContrastBolusAgent"))
    if told or header.text("ScanningSequence").upper().split()[:1] not in (["SE"], ["IR"]):
        return told
    return words.sequence_of_times(
        header.number("RepetitionTime"), header.number("EchoTime"), header.number("InversionTime")
    )


def _hashed(header: Header, key: bytes, what: str, keyword: str) -> str:
    value = header.text(keyword).strip()
    return keyed_hash(key, what, value) if value else ""
