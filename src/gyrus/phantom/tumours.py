"""The tumours: what distinguishes the classes, drawn as numbers here and painted in :mod:`growth`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyrus.phantom.anatomy import SELLAR

GLIOMA, MENINGIOMA, NO_TUMOR, PITUITARY = "glioma", "meningioma", "no_tumor", "pituitary"
CLASSES = (GLIOMA, MENINGIOMA, NO_TUMOR, PITUITARY)


@dataclass(frozen=True, slots=True)
class Tumour:
    """A tumour, in numbers; the same for all slices of its subject.

    Attributes
    ----------
    kind : str
        ``glioma``, ``meningioma`` or ``pituitary``.
    place : str
        ``lobe`` (within the brain), ``convexity`` or ``falx`` (on the dura), ``sella``.
    angle_deg, reach : float
        Direction from the middle of the head (0 right, 90 occiput), and how far out in the brain (0 to 1).
    radius_mm, flatness, turn_deg : float
        Size in the plane, ratio of the half axes, and turn of the long axis.
    z_offset_mm : float
        Its middle above the subject's middle slice.
    lobes : tuple of float
        Amplitudes of the cosine and sine of 2 and 3 turns in the outline.
    ragged_mm : float
        How far the outline follows the random mottle.
    rim, rim_mm : float
        Intensity of the enhancing part, and its thickness (a solid tumour has a thick rim).
    core : float
        Intensity of the middle.
    oedema_mm, oedema : float
        Width of the swelling, and the share of brightness that it takes.
    grain : float
        Strength of the mottle inside.
    """

    kind: str
    place: str
    angle_deg: float
    reach: float
    radius_mm: float
    flatness: float
    turn_deg: float
    z_offset_mm: float
    lobes: tuple[float, float, float, float]
    ragged_mm: float
    rim: float
    rim_mm: float
    core: float
    oedema_mm: float
    oedema: float
    grain: float


def draw_tumour(rng: np.random.Generator, kind: str, *, level: str, tissue: float) -> Tumour:
    """Draw a tumour.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : str
        Class of the subject, not ``no_tumor``.
    level : str
        Level of the subject's slices.
    tissue : float
        Intensity of the white matter, to which the contrast is added.
    """
    draw = {GLIOMA: _draw_glioma, MENINGIOMA: _draw_meningioma, PITUITARY: _draw_pituitary}[kind]
    return draw(rng, level, tissue)


def _draw_glioma(rng: np.random.Generator, level: str, tissue: float) -> Tumour:
    between = rng.uniform
    style = rng.choice(3, p=(0.84, 0.10, 0.06))  # ring, solid, without enhancement
    radius = between(16, 28)
    rim_mm = (between(3.0, 6.0), 0.8 * radius, between(2.0, 4.0))[style]
    rim = tissue + (between(0.28, 0.48), between(0.15, 0.32), between(-0.16, -0.04))[style]
    return Tumour(
        kind=GLIOMA,
        place="lobe",
        angle_deg=between(0, 360),
        reach=between(0.25, 0.85),
        radius_mm=radius,
        flatness=between(0.65, 1.0),
        turn_deg=between(0, 180),
        z_offset_mm=between(-4, 4),
        lobes=tuple(float(value) for value in rng.normal(0, (0.10, 0.10, 0.09, 0.09))),  # type: ignore[arg-type]
        ragged_mm=between(1.5, 4.0),
        rim=rim,
        rim_mm=rim_mm,
        core=tissue * between(0.35, 0.60),
        oedema_mm=between(4, 18),
        oedema=between(0.15, 0.40),
        grain=between(0.03, 0.07),
    )


def _draw_meningioma(rng: np.random.Generator, level: str, tissue: float) -> Tumour:
    between = rng.uniform
    on_falx = level != SELLAR and rng.random() < 0.25
    side = rng.choice((-1, 1))
    radius = between(13, 25)
    return Tumour(
        kind=MENINGIOMA,
        place="falx" if on_falx else "convexity",
        angle_deg=(
            rng.choice((-90, 90)) if on_falx else side * between(0, 85) + (180 if rng.random() < 0.5 else 0)
        ),
        reach=between(0.55, 0.85),
        radius_mm=radius,
        flatness=between(0.75, 1.0),
        turn_deg=between(0, 180),
        z_offset_mm=between(-4, 4),
        lobes=tuple(float(value) for value in rng.normal(0, 0.03, 4)),  # type: ignore[arg-type]
        ragged_mm=between(0.2, 0.8),
        rim=tissue + between(0.24, 0.46),
        rim_mm=radius,
        core=tissue,
        oedema_mm=between(0, 8),
        oedema=between(0.0, 0.25),
        grain=between(0.01, 0.05),
    )


def _draw_pituitary(rng: np.random.Generator, level: str, tissue: float) -> Tumour:
    between = rng.uniform
    radius = between(10, 18)
    hollow = rng.random() < 0.2
    return Tumour(
        kind=PITUITARY,
        place="sella",
        angle_deg=between(0, 360),
        reach=between(0, 1),
        radius_mm=radius,
        flatness=between(0.75, 1.0),
        turn_deg=between(0, 180),
        z_offset_mm=between(-3, 3),
        lobes=tuple(float(value) for value in rng.normal(0, 0.05, 4)),  # type: ignore[arg-type]
        ragged_mm=between(0.3, 1.0),
        rim=tissue + between(0.20, 0.42),
        rim_mm=between(0.35, 0.6) * radius if hollow else radius,
        core=tissue * between(0.6, 0.9),
        oedema_mm=0.0,
        oedema=0.0,
        grain=between(0.01, 0.05),
    )
