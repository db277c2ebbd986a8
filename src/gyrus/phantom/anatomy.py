"""The anatomy of a subject: every random number of a head is drawn here and nowhere else.

Lengths are millimetres in a frame of 220 mm. ``x`` runs to the right of the picture, ``y`` downwards
(from forehead to occiput), the origin lies in the middle of the head, ``z`` runs upwards from the level of
the basal ganglia.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FRAME_MM = 220.0
SELLAR, CEREBRAL = "sellar", "cerebral"


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A head, in numbers.

    Attributes
    ----------
    level : str
        ``sellar`` (skull base: orbits, temporal lobes, cerebellum) or ``cerebral`` (ventricles and above).
    z_mm, spacing_mm : float
        Level of the middle slice, and the distance from slice to slice.
    half_width_mm, half_length_mm : float
        Half axes of the outline of the head.
    outline : tuple of float
        Amplitudes of the cosines of 2, 3, 4 and 5 turns in the outline, and of the sine of one turn.
    shift_mm, tilt_deg : tuple of float, float
        Position and turn of the head within the frame.
    scalp_mm, bone_mm, marrow, csf_mm : float
        Thickness of scalp and skull, brightness of the marrow, width of the fluid around the brain.
    ventricles : float
        Size of the ventricles, 1 is usual.
    folds_mm, fold_depth_mm : float
        Distance from sulcus to sulcus and depth of the folded cortex.
    grey, white, fluid, fat, muscle : float
        Intensities, 1 is the brightest fat.
    enhancement : float
        Brightness of vessels, sinuses and plexus after contrast.
    warp_mm : float
        How far the anatomy is bent off the symmetric plan.
    texture : float
        Strength of the mottle in the brain.
    """

    level: str
    z_mm: float
    spacing_mm: float
    half_width_mm: float
    half_length_mm: float
    outline: tuple[float, float, float, float, float]
    shift_mm: tuple[float, float]
    tilt_deg: float
    scalp_mm: float
    bone_mm: float
    marrow: float
    csf_mm: float
    ventricles: float
    folds_mm: float
    fold_depth_mm: float
    grey: float
    white: float
    fluid: float
    fat: float
    muscle: float
    enhancement: float
    warp_mm: float
    texture: float


def draw_anatomy(rng: np.random.Generator, *, level: str) -> Anatomy:
    """Draw the head of a subject."""
    between = rng.uniform
    white = between(0.42, 0.50)
    sellar = level == SELLAR
    return Anatomy(
        level=level,
        z_mm=between(-3, 3) if sellar else between(-2, 40),
        spacing_mm=between(2.0, 4.0),
        half_width_mm=between(66, 80),
        half_length_mm=between(82, 101),
        outline=(
            between(-0.020, 0.020),
            between(-0.014, 0.014),
            between(-0.010, 0.014),
            between(-0.004, 0.004),
            between(-0.015, 0.015),
        ),
        shift_mm=(between(-8, 8), between(-6, 6)),
        tilt_deg=between(-9, 9),
        scalp_mm=between(3.5, 8.0),
        bone_mm=between(5.0, 8.5),
        marrow=between(0.10, 0.55),
        csf_mm=between(0.5, 4.0),
        ventricles=float(np.exp(rng.normal(0.0, 0.30))),
        folds_mm=between(24.0, 32.0),
        fold_depth_mm=between(18, 28),
        grey=white - between(0.06, 0.13),
        white=white,
        fluid=between(0.10, 0.19),
        fat=between(0.75, 0.95),
        muscle=between(0.28, 0.42),
        enhancement=between(0.55, 0.80),
        warp_mm=between(1.0, 3.0),
        texture=between(0.008, 0.022),
    )  # fmt: skip
