"""File names that every system takes: one verb writes by them, another finds again."""

from __future__ import annotations

import re
from pathlib import PurePath

_STEM_LETTERS = 80
# names that Windows keeps for itself
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def stem_of(path: PurePath, frame: str = "") -> str:
    """Return the name, without an ending, of what is written about an image or a slice of a volume.

    >>> stem_of(PurePath("in/head.png")), stem_of(PurePath("in/P1.nii.gz"), "axial:3")
    ('head', 'P1.nii-axial_3')
    """
    return safe_stem(path.stem + (f"-{frame}" if frame else ""))


def safe_stem(stem: str) -> str:
    """Return a file name that every system takes: letters, digits, ``.``, ``-`` and ``_``.

    >>> safe_stem('a b/<c>"'), safe_stem(".."), safe_stem("con")
    ('a_b_c_', '_', '_con')
    """
    plain = re.sub(r"[^\w.-]+", "_", stem).strip(".")[:_STEM_LETTERS].rstrip(".")
    if not plain.strip("_"):
        plain = "_"
    return f"_{plain}" if _DEVICES.fullmatch(plain) else plain
