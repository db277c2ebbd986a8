"""The scanner: gain, resolution, window and noise of a subject's examination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.phantom.fields import Field
from gyrus.phantom.frame import Frame

STEPS = 4096  # of magnitude up to 1, the brightest fat; finer than a grey level


@dataclass(frozen=True, slots=True)
class Scanner:
    """How an examination was recorded.

    Attributes
    ----------
    gain, gamma : float
        Brightness and curve of the display window.
    bias : float
        Strength of the coil's uneven gain (standard deviation of its logarithm).
    noise : float
        Standard deviation of each of the two channels whose magnitude is the image (Rician noise).
    blur : float
        Weight of the neighbours in a (blur, 1 - 2 blur, blur) filter along both axes.
    """

    gain: float
    gamma: float
    bias: float
    noise: float
    blur: float


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """Draw the settings of an examination."""
    between = rng.uniform
    return Scanner(
        gain=between(0.82, 1.05),
        gamma=between(0.9, 1.15),
        bias=between(0.03, 0.12),
        noise=between(0.010, 0.028),
        blur=between(0.0, 0.22),
    )


def record(
    rng: np.random.Generator, image: Field, frame: Frame, scanner: Scanner, *, size: int
) -> npt.NDArray[np.uint8]:
    """Return the slice as the scanner shows it: the window of the head in an image full of noise.

    The magnitude of a complex signal with Gaussian noise in both channels follows Rice's distribution
    (Gudbjartsson and Patz, 1995).

    Returns
    -------
    ndarray of uint8, shape (size, size)
    """
    noise = rng.standard_normal((2, size, size), dtype=np.float32)
    noise *= np.float32(scanner.noise)
    noise[0][frame.window] += _blurred(image, scanner.blur) * frame.bias
    noise *= noise
    magnitude = np.sqrt(noise[0] + noise[1])
    magnitude *= np.float32(STEPS)
    step = np.minimum(magnitude, np.float32(3 * STEPS - 1)).astype(np.int16)
    pixels: npt.NDArray[np.uint8] = _display_table(scanner)[step]
    return pixels


def _display_table(scanner: Scanner) -> npt.NDArray[np.uint8]:
    """Return the grey level of every magnitude; a power of each pixel would take ten times as long."""
    magnitude = (np.arange(3 * STEPS) + 0.5) / STEPS
    level = 235 * scanner.gain * magnitude**scanner.gamma
    table: npt.NDArray[np.uint8] = np.clip(level, 0, 255).astype(np.uint8)
    return table


def _blurred(image: Field, weight: float) -> Field:
    if weight <= 0:
        return image
    middle, side = np.float32(1 - 2 * weight), np.float32(weight)
    across = middle * image
    across[:, 1:] += side * image[:, :-1]
    across[:, :-1] += side * image[:, 1:]
    blurred = middle * across
    blurred[1:] += side * across[:-1]
    blurred[:-1] += side * across[1:]
    return blurred
