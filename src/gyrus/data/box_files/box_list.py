"""What a file of boxes says, before it is known to be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gyrus.imaging.source import Source


@dataclass(frozen=True, slots=True)
class Marked:
    """One box as a file gives it.

    Attributes
    ----------
    image : str
        What the file calls its image.
    label : str
        Class, or its number where :attr:`BoxList.numbered` says so.
    corners : tuple of four floats
        x0, y0, x1, y1 in pixels, half-open; not checked.
    score : float or None
    where : str
        ``line 4``, ``item 7``, ``a.txt, line 2``: for messages.
    """

    image: str
    label: str
    corners: tuple[float, float, float, float]
    score: float | None
    where: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One image as a file lists it.

    Attributes
    ----------
    image_id : str
    names : tuple of str
        What it may be called besides: file name, file name without ending.
    width_px, height_px : float or None
    subject_id, scan_id : str
        Empty where the file does not tell.
    source : Source or None
        Where the image itself lies.
    where : str
        For messages.
    """

    image_id: str
    names: tuple[str, ...] = ()
    width_px: float | None = None
    height_px: float | None = None
    subject_id: str = ""
    scan_id: str = ""
    source: Source | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class BoxList:
    """All boxes of a file or folder.

    Attributes
    ----------
    path : Path
    form : str
        ``COCO``, ``YOLO``, ``Pascal VOC``, ``CSV``, ``manifest`` or ``masks``.
    boxes : tuple of Marked
    images : tuple of Listed
        Those that the file lists; COCO's results list none.
    class_names : mapping of str to str
        Number of a class -> its name, where the file tells.
    classes_declared : bool
        The file lists all classes there are.
    numbered : bool
        Labels are numbers, which the truth's ``class_names`` may name.
    notes : tuple of str
    """

    path: Path
    form: str
    boxes: tuple[Marked, ...]
    images: tuple[Listed, ...] = ()
    class_names: Mapping[str, str] = field(default_factory=dict)
    classes_declared: bool = False
    numbered: bool = False
    notes: tuple[str, ...] = ()


ONLY_CLASS = "lesion"
"""Class of boxes from files that name none."""
