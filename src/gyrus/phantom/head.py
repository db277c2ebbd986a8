"""A head without a tumour: scalp, skull, fluid, folded cortex, ventricles, deep grey matter, vessels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyrus.phantom.anatomy import Anatomy
from gyrus.phantom.brush import capsule, cover, ellipse, paint
from gyrus.phantom.fields import Field
from gyrus.phantom.frame import Frame

DOME_MM = 112.0  # from the widest level of the head to its top


@dataclass(frozen=True, slots=True)
class Layers:
    """A painted slice and what a tumour needs to know about it.

    Attributes
    ----------
    image : ndarray of float32, shape (size, size)
        Intensities, 1 is the brightest fat.
    depth : ndarray
        Distance in mm from the inner face of the skull, positive inside.
    brain : ndarray
        Share of each pixel that is brain.
    """

    image: Field
    depth: Field
    brain: Field


def dome(z_mm: float) -> float:
    """Return the size of the head at a level, as a share of its size at the widest level."""
    return float(np.sqrt(max(1 - (z_mm / DOME_MM) ** 2, 0.05)))


def paint_shell(frame: Frame, anatomy: Anatomy, z_mm: float) -> tuple[Field, Field]:
    """Paint air, scalp, skull and fluid.

    Returns
    -------
    image, depth : ndarray of float32
        The picture, and the distance in mm from the inner face of the skull.
    """
    below_skin = frame.rim * np.float32(dome(z_mm)) - frame.radius
    below_skin /= frame.thickness
    scalp, bone = anatomy.scalp_mm, anatomy.bone_mm
    table = 0.28 * bone
    steps = np.cumsum(
        [0, 1.0, 0.8, scalp - 1.8, 1.0, table - 0.6, 0.8, bone - 2 * table, 0.8, table - 0.6, 0.8, 0.8]
    )
    values = [
        0.0, 0.42, 0.55 * anatomy.fat, anatomy.fat, 0.06, 0.05, anatomy.marrow, anatomy.marrow, 0.05, 0.05,
        0.30 * anatomy.enhancement, anatomy.fluid,
    ]  # fmt: skip
    image = np.interp(below_skin, steps - 0.5, values).astype(np.float32)
    inner = float(steps[-2])
    depth = (below_skin - np.float32(inner)) * frame.thickness
    return image, depth


def cortex(frame: Frame, anatomy: Anatomy, depth: Field, slice_turn: float) -> tuple[Field, Field]:
    """Return the intensity of folded brain, and the share of brain, at each pixel.

    The level lines of a band-passed field are the folds: fluid in its valleys near the surface, grey matter
    along them, white matter on its heights and everywhere in the deep.
    """
    folds = np.float32(np.cos(slice_turn)) * frame.folds[0] + np.float32(np.sin(slice_turn)) * frame.folds[1]
    np.abs(folds, out=folds)
    below = depth - np.float32(anatomy.csf_mm)
    rise = np.clip(below * np.float32(1 / anatomy.fold_depth_mm), 0, 2)
    white = np.clip(np.float32(1.9) * folds + np.float32(2.2) * rise - np.float32(1.0), 0, 1)
    tissue = np.float32(anatomy.grey) + np.float32(anatomy.white - anatomy.grey) * white
    turn = np.float32(np.cos(2 * slice_turn)), np.float32(np.sin(2 * slice_turn))
    tissue += np.float32(anatomy.texture) * (turn[0] * frame.mottle[0] + turn[1] * frame.mottle[1])
    sulcus = np.clip(
        np.float32(1.0 + 0.12 * anatomy.csf_mm) - np.float32(4.0) * folds - np.float32(1.1) * rise, 0, 1
    )
    share = cover(below, 1.5 * frame.pixel_mm) * (1 - sulcus)
    return tissue, share


def paint_cerebrum(frame: Frame, anatomy: Anatomy, z_mm: float) -> Layers:
    """Paint a slice through the hemispheres."""
    image, depth = paint_shell(frame, anatomy, z_mm)
    tissue, brain = cortex(frame, anatomy, depth, 0.02 * z_mm)
    soft = 1.5 * frame.pixel_mm
    _paint_deep_grey(tissue, frame, anatomy, z_mm, soft)
    paint(image, brain, tissue)
    _paint_fissures(image, frame, anatomy, depth, z_mm, soft)
    _paint_ventricles(image, frame, anatomy, z_mm, soft)
    return Layers(image=image, depth=depth, brain=brain)


def _paint_deep_grey(tissue: Field, frame: Frame, anatomy: Anatomy, z_mm: float, soft: float) -> None:
    grey = anatomy.grey + 0.25 * (anatomy.white - anatomy.grey)
    shrink = 1 - z_mm / 26
    if shrink <= 0.15:
        return
    for centre, half, turn in (
        ((12, 10), (8, 13), 20.0),
        ((27, -6), (5.5, 15), -14.0),
        ((13, -22), (5, 10), 14.0),
    ):
        shape = ellipse(frame.side, frame.y, centre, (half[0] * shrink**0.5, half[1] * shrink**0.5), turn)
        paint(tissue, cover(shape, 2 * soft), grey)


def _paint_fissures(
    image: Field, frame: Frame, anatomy: Anatomy, depth: Field, z_mm: float, soft: float
) -> None:
    """Paint the fissure between the hemispheres with the falx in it, the Sylvian fissures, and the sinus."""
    reach = np.abs(frame.y + np.float32(2)) - np.float32(
        34 - 1.1 * z_mm
    )  # the corpus callosum bridges the middle
    along = np.minimum(cover(reach, 6.0), cover(depth - 1, soft))
    paint(
        image, along * cover(np.float32(1.0 + 0.35 * anatomy.csf_mm) - frame.side, soft), anatomy.fluid + 0.03
    )
    paint(image, along * cover(np.float32(0.8) - frame.side, soft), 0.75 * anatomy.enhancement)
    if z_mm < 22:
        wide = (0.8 + 0.5 * anatomy.csf_mm) * (1 - z_mm / 30)
        shape = capsule(frame.side, frame.y, (38, -14), (56, -4), (wide, wide))
        paint(image, cover(np.minimum(shape, depth), 1.5 * soft), anatomy.fluid + 0.05)
    back = ellipse(frame.side, depth, (0, 1.0), (4.0, 5.0))
    paint(image, cover(back, soft) * cover(frame.y - 10, soft), anatomy.enhancement)


def _paint_ventricles(image: Field, frame: Frame, anatomy: Anatomy, z_mm: float, soft: float) -> None:
    size = anatomy.ventricles
    side, y = frame.side, frame.y
    if z_mm < 14:
        low = 1 - max(z_mm, 0) / 20
        front = capsule(side, y, (4, -13), (12 + 3 * size, -33), (2.0 * size, 4.2 * size))
        back = capsule(side, y, (19, 24), (27, 44), (4.6 * size, 2.6 * size))
        paint(image, cover(np.maximum(front, back) - np.float32(3 * (1 - low)), soft), anatomy.fluid)
        paint(image, cover(ellipse(side, y, (22, 29), (2.5, 5)), soft), 0.9 * anatomy.enhancement)
        third = capsule(side, y, (0, -4), (0, 17), (1.2 * size, 1.6 * size))
        paint(image, cover(third - np.float32(2 * (1 - low)), soft), anatomy.fluid)
    elif z_mm < 34:
        shrink = size * (1 - (z_mm - 14) / 24)
        front = capsule(side, y, (9, -28), (10, 0), (4.5 * shrink, 5.0 * shrink))
        back = capsule(side, y, (10, 0), (17, 30), (5.0 * shrink, 5.5 * shrink))
        paint(image, cover(np.maximum(front, back), soft), anatomy.fluid)
