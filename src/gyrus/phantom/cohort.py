"""The cohort: subjects one after the other, a few slices each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.errors import UsageError
from gyrus.phantom.anatomy import CEREBRAL, SELLAR, Anatomy, draw_anatomy
from gyrus.phantom.frame import Frame, make_frame
from gyrus.phantom.growth import find_seat, grow
from gyrus.phantom.head import Layers, paint_cerebrum
from gyrus.phantom.scanner import draw_scanner, record
from gyrus.phantom.skullbase import paint_skull_base
from gyrus.phantom.tumours import CLASSES, GLIOMA, MENINGIOMA, NO_TUMOR, PITUITARY, draw_tumour

Box = tuple[int, int, int, int]
_SELLAR_SHARE = {GLIOMA: 0.25, MENINGIOMA: 0.30, NO_TUMOR: 0.50, PITUITARY: 1.0}


@dataclass(frozen=True, kw_only=True)
class Phantom:
    """A synthetic cohort of brain MRI, T1 with contrast, axial.

    A subject depends on ``seed`` and its number alone: a larger cohort begins with the same subjects.
    """

    subjects: int = 60
    """Number of subjects; the classes take turns."""
    slices_per_subject: int = 5
    """Neighbouring slices of each subject."""
    image_size: int = 192
    """Height and width in pixels."""
    seed: int = 0
    """Seed of everything that is drawn."""
    classes: tuple[str, ...] = CLASSES
    """Classes to draw from."""

    def __post_init__(self) -> None:
        if self.subjects < 1 or self.slices_per_subject < 1:
            raise UsageError(
                f"a phantom of {self.subjects} subjects with {self.slices_per_subject} slices is empty",
                fix="ask for at least 1 of each",
            )
        if not 32 <= self.image_size <= 1024:
            raise UsageError(f"image_size is {self.image_size}; the phantom draws 32 to 1024 pixels")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; expected 0 or more")
        unknown = [name for name in self.classes if name not in CLASSES]
        if unknown or not self.classes or len(set(self.classes)) < len(self.classes):
            raise UsageError(f"classes are {self.classes}; expected some of {', '.join(CLASSES)}, each once")


@dataclass(frozen=True, slots=True)
class Slice:
    """One image of the cohort.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (size, size)
    label : str
        Class of the subject.
    subject_id : str
        ``S0000``, ``S0001``, …
    index : int
        Number of the slice within the subject, from 0.
    mask : ndarray of bool, shape (size, size)
        Pixels of the tumour; all False without one.
    boxes : tuple of (x0, y0, x1, y1)
        Tumour in pixels, half-open; empty without one.
    """

    pixels: npt.NDArray[np.uint8]
    label: str
    subject_id: str
    index: int
    mask: npt.NDArray[np.bool_]
    boxes: tuple[Box, ...]


def generate(phantom: Phantom) -> Iterator[Slice]:
    """Yield the slices of a cohort, subject by subject."""
    for number in range(phantom.subjects):
        yield from generate_subject(phantom, number)


def generate_subject(phantom: Phantom, number: int) -> Iterator[Slice]:
    """Yield the slices of subject ``number`` (from 0)."""
    rng = np.random.default_rng([phantom.seed, number])
    label = phantom.classes[number % len(phantom.classes)]
    level = SELLAR if rng.random() < _SELLAR_SHARE[label] else CEREBRAL
    anatomy = draw_anatomy(rng, level=level)
    scanner = draw_scanner(rng)
    frame = make_frame(rng, anatomy, phantom.image_size, bias_strength=scanner.bias)
    tumour = None if label == NO_TUMOR else draw_tumour(rng, label, level=level, tissue=anatomy.white)
    seat = None if tumour is None else find_seat(tumour, frame, _paint_head(frame, anatomy, anatomy.z_mm))
    anatomy_frame = frame
    if seat is not None and tumour is not None and tumour.kind == GLIOMA:
        anatomy_frame = frame.pressed(seat.x_mm, seat.y_mm, tumour.radius_mm)
    for index in range(phantom.slices_per_subject):
        above_mm = (index - (phantom.slices_per_subject - 1) / 2) * anatomy.spacing_mm
        layers = _paint_head(anatomy_frame, anatomy, anatomy.z_mm + above_mm)
        mask = np.zeros((phantom.image_size, phantom.image_size), dtype=bool)
        if tumour is not None and seat is not None:
            mask[frame.window] = grow(tumour, seat, frame, layers, above_mm=above_mm)
        noise = np.random.default_rng([phantom.seed, number, index])
        yield Slice(
            pixels=record(noise, layers.image, frame, scanner, size=phantom.image_size),
            label=label,
            subject_id=f"S{number:04d}",
            index=index,
            mask=mask,
            boxes=(_box(mask),) if mask.any() else (),
        )


def _paint_head(frame: Frame, anatomy: Anatomy, z_mm: float) -> Layers:
    return (paint_skull_base if anatomy.level == SELLAR else paint_cerebrum)(frame, anatomy, z_mm)


def _box(mask: npt.NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
