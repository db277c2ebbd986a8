"""A slice through the base of the skull: orbits, temporal lobes, sella, brainstem and cerebellum."""

from __future__ import annotations

import numpy as np

from gyrus.phantom.anatomy import Anatomy
from gyrus.phantom.brush import capsule, cover, ellipse, paint
from gyrus.phantom.fields import Field
from gyrus.phantom.frame import Frame
from gyrus.phantom.head import Layers, cortex, paint_shell

SELLA_MM = (0.0, -14.0)


def paint_skull_base(frame: Frame, anatomy: Anatomy, z_mm: float) -> Layers:
    """Paint a slice at the level of the sella."""
    soft = 1.5 * frame.pixel_mm
    image, depth = paint_shell(frame, anatomy, 0.0)
    _paint_face(image, frame, anatomy, depth, z_mm, soft)
    fossae = _fossae(frame, anatomy, depth, z_mm)
    paint(image, cover(fossae + 2.5, soft), 0.05)
    paint(image, cover(fossae + 0.8, soft), anatomy.fluid)
    tissue, brain = cortex(frame, anatomy, fossae, 0.02 * z_mm)
    _ripple_cerebellum(tissue, frame, anatomy, z_mm)
    paint(image, brain, tissue)
    _paint_midline(image, frame, anatomy, depth, z_mm, soft)
    return Layers(image=image, depth=np.minimum(fossae, depth), brain=brain)


def _fossae(frame: Frame, anatomy: Anatomy, depth: Field, z_mm: float) -> Field:
    """Return how far inside the temporal or posterior fossa each pixel lies."""
    width, length = anatomy.half_width_mm, anatomy.half_length_mm
    temporal = ellipse(
        frame.side, frame.y, (0.50 * width, -0.12 * length + z_mm), (0.37 * width, 0.33 * length), -14.0
    )
    posterior = ellipse(frame.side, frame.y, (0, 0.46 * length), (0.66 * width, 0.45 * length))
    return np.minimum(np.maximum(temporal, posterior), depth - 1)


def _paint_face(image: Field, frame: Frame, anatomy: Anatomy, depth: Field, z_mm: float, soft: float) -> None:
    """Fill the inside with muscle and bone, then orbits, eyes, nerves and air-filled sinuses."""
    width, length = anatomy.half_width_mm, anatomy.half_length_mm
    side, y = frame.side, frame.y
    inside = cover(depth + 3, soft)
    filling = anatomy.muscle + 0.10 * frame.mottle[1] + 0.06 * frame.mottle[0]
    paint(image, inside, filling.astype(np.float32))
    eye = (0.40 * width, -0.72 * length)
    orbit = capsule(side, y, eye, (0.22 * width, -0.34 * length), (16.0, 5.0))
    paint(image, cover(orbit, soft), 0.85 * anatomy.fat)
    nerve = capsule(side, y, eye, (0.14 * width, -0.30 * length), (2.2, 1.8))
    paint(image, cover(nerve, soft), anatomy.muscle)
    muscle = np.abs(orbit - np.float32(3.0))
    paint(image, cover(np.float32(1.2) - muscle, soft) * cover(orbit, soft), anatomy.muscle)
    globe = ellipse(side, y, (eye[0], eye[1] - 4), (11.5 - 0.2 * abs(z_mm), 12.0))
    paint(image, cover(globe, soft), anatomy.muscle + 0.1)
    paint(image, cover(globe - 1.5, soft), anatomy.fluid)
    cells = capsule(side, y, (0, -0.78 * length), (0, -0.34 * length), (9.0, 11.0))
    walls = np.float32(0.05) + np.float32(0.30) * np.clip(frame.mottle[0] - 0.3, 0, 1)
    paint(image, cover(cells, soft), walls)


def _ripple_cerebellum(tissue: Field, frame: Frame, anatomy: Anatomy, z_mm: float) -> None:
    """Give the cerebellum its fine folia: thin arcs around the brainstem."""
    length = anatomy.half_length_mm
    distance = np.hypot(frame.x, frame.y - np.float32(0.16 * length))
    behind = cover(distance - np.float32(0.24 * length), 6.0) * cover(frame.y - np.float32(0.2 * length), 8.0)
    phase = distance * np.float32(1.25) + np.float32(1.1) * frame.mottle[1] + np.float32(z_mm / 3)
    tissue += behind * (np.float32(0.035) * np.sin(phase) - np.float32(0.02))


def _paint_midline(
    image: Field, frame: Frame, anatomy: Anatomy, depth: Field, z_mm: float, soft: float
) -> None:
    """Paint petrous bones, cistern, brainstem, fourth ventricle, basilar artery, and the sella."""
    width, length = anatomy.half_width_mm, anatomy.half_length_mm
    side, y, x = frame.side, frame.y, frame.x
    petrous = capsule(side, y, (0.17 * width, 0.13 * length), (0.80 * width, 0.27 * length), (3.0, 8.0))
    petrous = np.minimum(petrous, depth + np.float32(0.4 * anatomy.bone_mm))
    paint(image, cover(petrous, soft), (0.10 + 0.22 * np.clip(frame.mottle[0], 0, 1)).astype(np.float32))
    cistern = ellipse(side, y, (0, 0.03 * length), (15 + 2 * anatomy.csf_mm, 17))
    paint(image, cover(cistern, 2 * soft), anatomy.fluid)
    stem = np.maximum(
        ellipse(side, y, (0, 0.16 * length), (15, 12)), ellipse(side, y, (9.0, 0.26 * length), (9, 8))
    )
    paint(image, cover(stem, soft), anatomy.white - 0.02)
    fourth = ellipse(side, y, (0, 0.30 * length), (5.5 * anatomy.ventricles, 3.0 * anatomy.ventricles))
    paint(image, cover(fourth, soft), anatomy.fluid)
    basilar = ellipse(x, y, (1.0, 0.01 * length), (2.2, 2.2))
    paint(image, cover(basilar, soft), anatomy.enhancement)
    _paint_sella(image, frame, anatomy, z_mm, soft)


def _paint_sella(image: Field, frame: Frame, anatomy: Anatomy, z_mm: float, soft: float) -> None:
    side, y = frame.side, frame.y
    clivus = capsule(side, y, (0, -3), (6, -2), (4.0, 3.0))
    paint(image, cover(clivus, soft), 0.25 + 0.5 * anatomy.marrow)
    sinus = ellipse(side, y, (10.5, SELLA_MM[1]), (5.0, 9.0), 8.0)
    paint(image, cover(sinus, 1.5 * soft), 0.75 * anatomy.enhancement)
    carotid = ellipse(side, y, (10.5, SELLA_MM[1] - 2), (2.6, 3.0))
    paint(image, cover(carotid, soft), 0.06)
    gland = ellipse(side, y, SELLA_MM, (6.0 - 0.3 * abs(z_mm), 4.5))
    paint(image, cover(gland, soft), 0.85 * anatomy.enhancement)
