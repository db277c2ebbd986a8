"""What the header of an image file tells: which images it holds, and facts without anything personal.

Facts have fixed names and values from fixed lists, numbers, or keyed hashes; free text of a header is matched
against the lists and never passed on. See docs/reference/formats.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gyrus.imaging.grids import Grid

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
FACT_NAMES = (
    "modality", "body_part", "sequence", "spacing_mm", "burnt_in", "mosaic", "series", "position",
)  # fmt: skip
"""Names that :attr:`FileFacts.facts` may have.

modality: ``MR``, ``CT``, … or ``other``. body_part: ``BRAIN``, ``HEAD``, … or ``other``. sequence: ``T1``,
``T1 contrast``, ``T2``, ``FLAIR``, ``PD``, ``DWI``, ``ADC``, ``SWI``, ``MRA``. spacing_mm:
``row x column [x slice]``. burnt_in: ``yes`` or ``no``, as the file says. mosaic: ``yes``. series: keyed hash
of the series. position: place along the series in mm, or its number in it.
"""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the header of a file tells.

    Attributes
    ----------
    kind : str
        ``image``, ``idx``, ``dicom`` or ``nifti``.
    frames : tuple of str
        Names of the images in the file, in order, each for :class:`gyrus.imaging.source.Source`: ``("",)``
        where the file is one image; ``("0", "1", …)`` for frames of a DICOM file; ``("axial:0", …)`` for the
        slices of a NIfTI volume, counted from the feet, the back, or the left.
    facts : mapping of str to str
        See :data:`FACT_NAMES`; what the file does not tell is left out.
    plane : str
        ``axial``, ``coronal``, ``sagittal``, ``oblique``, or empty where the file does not tell.
    width_px, height_px : int
        Of one image; 0 where that was not asked.
    subject : str
        Keyed hash of the patient (``p-…``); of the study (``s-…``) where the file names no patient; or empty.
    notes : tuple of str
        What a user may want to know.
    grid : Grid or None
        Of NIfTI, where its voxels lie.
    """

    kind: Literal["image", "idx", "dicom", "nifti"]
    frames: tuple[str, ...] = ("",)
    facts: Mapping[str, str] = field(default_factory=dict)
    plane: str = ""
    width_px: int = 0
    height_px: int = 0
    subject: str = ""
    notes: tuple[str, ...] = ()
    grid: Grid | None = None


def choose_frames(frames: tuple[str, ...], slices: str) -> tuple[str, ...]:
    """Return the images of a volume that are taken.

    Parameters
    ----------
    frames : tuple of str
        All of them, in order.
    slices : str
        ``all``; ``middle``: the one in the middle; or a number: so many, evenly spread over the middle half
        (all of the middle half where it has no more).
    """
    if slices == "all" or len(frames) == 1:
        return frames
    middle = len(frames) // 2
    if slices == "middle":
        return (frames[middle],)
    wanted = int(slices)
    first, last = len(frames) // 4, len(frames) - 1 - len(frames) // 4
    if wanted == 1 or first >= last:
        return (frames[middle],)
    places = sorted({first + round(step * (last - first) / (wanted - 1)) for step in range(wanted)})
    return tuple(frames[place] for place in places)
