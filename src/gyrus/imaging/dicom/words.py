"""From the texts of a header to words of fixed lists; what is on no list is not passed on."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MODALITIES = frozenset((
    "MR", "CT", "CR", "DX", "DR", "MG", "US", "PT", "NM", "XA", "RF", "OT", "SC", "SM", "OP", "OCT",
    "SEG", "RTDOSE", "RTIMAGE", "ES", "GM", "XC", "IO", "PX", "BI",
))  # fmt: skip
_BODY_PARTS = frozenset((
    "BRAIN", "HEAD", "SKULL", "NECK", "HEADNECK", "CSPINE", "TSPINE", "LSPINE", "SPINE", "CHEST",
    "THORAX", "ABDOMEN", "PELVIS", "HEART", "LIVER", "KIDNEY", "PROSTATE", "BREAST", "KNEE", "HIP",
    "SHOULDER", "ELBOW", "WRIST", "HAND", "ANKLE", "FOOT", "LEG", "ARM", "ORBIT", "PITUITARY", "EAR",
    "SINUS", "WHOLEBODY",
))  # fmt: skip
_CONTRAST = re.compile(
    r"(?<![a-z])(gd|gad\w*|ce|post|contrast|km|\+c|c\+|gado\w*)(?![a-z])|t1w?[ _+-]?(ce?|gd\w*)(?![a-z])"
)
_SEQUENCES = (
    ("ADC", re.compile(r"(?<![a-z])e?adc(?![a-z])|apparent")),
    ("DWI", re.compile(r"(?<![a-z])(dwi|dti|diff\w*|trace\w*|ep2d_diff\w*)(?![a-z])")),
    ("FLAIR", re.compile(r"flair|dark[ _-]?fluid|(?<![a-z])tirm")),
    ("SWI", re.compile(r"(?<![a-z])(swi|swan|hemo\w*|venbold)(?![a-z])|t2\*|t2[ _]?star")),
    ("MRA", re.compile(r"(?<![a-z])(tof|mra|angio\w*)(?![a-z])")),
    ("T1", re.compile(r"(?<![a-z0-9])t1|mprage|bravo|spgr(?![a-z])")),
    ("T2", re.compile(r"(?<![a-z0-9])t2")),
    ("PD", re.compile(r"(?<![a-z])(pd|proton)(?![a-z])")),
)
_NO_PATIENT = frozenset((
    "anon", "anonymous", "anonym", "anonymized", "anonymised", "unknown", "none", "na", "n/a", "null",
    "test", "patient", "subject", "deidentified",
))  # fmt: skip


def modality(text: str) -> str:
    """Return the code of a modality, ``other`` for one that is not known, or nothing for no text."""
    code = text.strip().upper()
    return code if code in _MODALITIES else "other" if code else ""


def body_part(text: str) -> str:
    """Return the name of a body part, ``other`` for one that is not known, or nothing for no text."""
    name = re.sub(r"[^A-Z]", "", text.upper())
    return name if name in _BODY_PARTS else "other" if name else ""


def sequence(texts: Iterable[str], *, contrast_given: bool) -> str:
    """Return the sequence that descriptions speak of; nothing where they do not tell."""
    joined = " ".join(texts).lower()
    name = next((name for name, pattern in _SEQUENCES if pattern.search(joined)), "")
    return "T1 contrast" if name == "T1" and (contrast_given or _CONTRAST.search(joined)) else name


def sequence_of_times(repetition_ms: float | None, echo_ms: float | None, inversion_ms: float | None) -> str:
    """Return the weighting of a spin echo sequence by its times; nothing where they leave it open."""
    if repetition_ms is None or echo_ms is None:
        return ""
    if inversion_ms is not None and inversion_ms >= 1500 and repetition_ms >= 4000:
        return "FLAIR"
    if repetition_ms <= 1000 and echo_ms <= 30:
        return "T1"
    if repetition_ms < 2000:
        return ""
    return "T2" if echo_ms >= 70 else "PD" if echo_ms <= 30 else ""


def patient(text: str) -> str:
    """Return a patient's number; nothing where it only says that there is none (``ANONYMOUS``, ``0000``)."""
    number = text.strip()
    bare = re.sub(r"[\s_^-]", "", number).casefold()
    return "" if bare in _NO_PATIENT or not bare.strip("0x?*.") else number
