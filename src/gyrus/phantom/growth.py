"""Paint a tumour into a slice and return its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.phantom.brush import cover, paint
from gyrus.phantom.fields import Field
from gyrus.phantom.frame import Frame
from gyrus.phantom.head import Layers
from gyrus.phantom.skullbase import SELLA_MM
from gyrus.phantom.tumours import GLIOMA, MENINGIOMA, Tumour


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a tumour sits: its middle in head coordinates (mm)."""

    x_mm: float
    y_mm: float


def find_seat(tumour: Tumour, frame: Frame, layers: Layers) -> Seat:
    """Find the middle of a tumour in the subject's middle slice.

    A pixel is chosen in the tumour's direction whose depth under the skull fits its kind: the base of a
    meningioma lies on the dura, a glioma keeps within the brain.
    """
    if tumour.place == "sella":
        drift = np.deg2rad(tumour.angle_deg)
        return Seat(SELLA_MM[0] + 2.0 * np.cos(drift), SELLA_MM[1] + 3.0 * tumour.reach * np.sin(drift))
    x, y, depth = frame.x[::3, ::3], frame.y[::3, ::3], layers.depth[::3, ::3]
    turn = np.deg2rad(tumour.angle_deg)
    aside = np.abs(x * np.float32(np.sin(turn)) - y * np.float32(np.cos(turn)))
    behind = np.maximum(-(x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))), 0)
    if tumour.place == "falx":
        return Seat(
            float(np.sign(np.cos(tumour.turn_deg)) * 0.75 * tumour.radius_mm),
            float(np.sin(turn)) * 50 * tumour.reach,
        )
    wanted = 0.45 * tumour.radius_mm if tumour.kind == MENINGIOMA else 6 + (1 - tumour.reach) * 30
    cost = np.abs(depth - np.float32(wanted)) + 0.7 * aside + 2 * behind
    if tumour.kind == MENINGIOMA:
        cost += 3 * np.maximum(16 - np.abs(x), 0)  # in the midline it would pass for a tumour of the sella
    row, column = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return Seat(float(x[row, column]), float(y[row, column]))


def grow(
    tumour: Tumour, seat: Seat, frame: Frame, layers: Layers, *, above_mm: float
) -> npt.NDArray[np.bool_]:
    """Paint ``tumour`` into ``layers.image``, in place.

    Parameters
    ----------
    above_mm : float
        Height of the slice above the subject's middle slice.

    Returns
    -------
    ndarray of bool, shape (size, size)
        Pixels of the tumour (without its oedema); never empty.
    """
    mask = np.zeros(layers.image.shape, dtype=bool)
    window = _window(frame, seat, 1.5 * tumour.radius_mm + tumour.oedema_mm + 8)
    image, depth, brain = (plane[window] for plane in (layers.image, layers.depth, layers.brain))
    inside = _inside(tumour, seat, frame, window, above_mm)
    mottle = frame.mottle[1][window]
    soft = 1.5 * frame.pixel_mm
    if tumour.kind == GLIOMA:
        inside = np.minimum(inside, depth - np.float32(1.5))
        _swell(image, brain, inside, mottle, tumour)
    elif tumour.kind == MENINGIOMA:
        _swell(image, brain, inside, mottle, tumour)
        _tail(image, inside, depth, tumour, soft)
        inside = np.minimum(inside, depth + np.float32(0.6))
        paint(image, cover(inside + 1.2, soft) * cover(depth, soft), 0.16)  # the cleft of fluid around it
    uneven = np.float32(0.45 if tumour.kind == GLIOMA else 0.0)
    rim_mm = np.float32(tumour.rim_mm) * (1 + uneven * mottle)
    core = cover(inside - rim_mm, 2.5 * soft)
    grain = np.float32(tumour.grain)
    value = np.float32(tumour.rim) + core * np.float32(tumour.core - tumour.rim)
    value += grain * (frame.mottle[0][window] + mottle) * (1 - np.float32(0.6) * core)
    value += np.float32(0.25 * (tumour.rim - tumour.core)) * uneven * mottle * (1 - core)
    paint(image, cover(inside, 1.3 * soft), value)
    within = inside > 0
    if not within.any():
        within = inside == inside.max()
    mask[window] = within
    return mask


def _inside(tumour: Tumour, seat: Seat, frame: Frame, window: tuple[slice, slice], above_mm: float) -> Field:
    """Return how far inside the tumour each pixel of the window lies (mm)."""
    x, y = frame.x[window] - np.float32(seat.x_mm), frame.y[window] - np.float32(seat.y_mm)
    turn = np.deg2rad(tumour.turn_deg)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    along, across = cos * x + sin * y, (cos * y - sin * x) * np.float32(1 / tumour.flatness)
    distance = np.hypot(along, across) + np.float32(1e-3)
    c, s = along / distance, across / distance
    c2, s2 = c * c - s * s, 2 * c * s
    c3, s3 = c2 * c - s2 * s, s2 * c + c2 * s
    a, b, d, e = (np.float32(value) for value in tumour.lobes)
    off = min(abs(above_mm - tumour.z_offset_mm) / (1.3 * tumour.radius_mm), 0.75)
    radius = np.float32(tumour.radius_mm * np.sqrt(1 - off**2))
    inside: Field = radius * (1 + a * c2 + b * s2 + d * c3 + e * s3) - distance
    inside += np.float32(tumour.ragged_mm) * frame.mottle[1][window]
    return inside


def _swell(image: Field, brain: Field, inside: Field, mottle: Field, tumour: Tumour) -> None:
    """Darken the brain around the tumour (oedema), with a ragged outer edge."""
    if tumour.oedema_mm <= 0 or tumour.oedema <= 0:
        return
    reach = np.float32(tumour.oedema_mm) * (1 + np.float32(0.6) * mottle)
    image *= 1 - np.float32(tumour.oedema) * cover(inside + reach, 5.0) * brain


def _tail(image: Field, inside: Field, depth: Field, tumour: Tumour, soft: float) -> None:
    """Let the dura beside a meningioma enhance."""
    near = cover(inside + np.float32(0.6 * tumour.radius_mm), 6.0)
    paint(image, near * cover(np.float32(1.2) - np.abs(depth), soft), tumour.rim)


def _window(frame: Frame, seat: Seat, reach_mm: float) -> tuple[slice, slice]:
    """Return the rows and columns within ``reach_mm`` of the seat."""
    near = (
        np.maximum(np.abs(frame.x - np.float32(seat.x_mm)), np.abs(frame.y - np.float32(seat.y_mm)))
        < reach_mm
    )
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
