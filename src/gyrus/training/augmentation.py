"""Augmentation of a whole batch at once: parameters are drawn here, applied there.

Never a flip: left and right mean something in a brain, and a mirrored copy is what the audit looks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gyrus.training.draws import Stream, uniform


@dataclass(frozen=True, slots=True)
class Ranges:
    """How far each parameter may go, to either side.

    Attributes
    ----------
    rotation_deg : float
        Turn about the centre.
    shift : float
        Displacement along each axis, as a share of the side.
    scale : float
        Enlargement or reduction, as a share.
    brightness, contrast : float
        Factor of all intensities, and of their distance from the image's mean, as shares.
    gamma : float
        Largest absolute natural logarithm of the exponent.
    """

    rotation_deg: float = 12.0
    shift: float = 0.05
    scale: float = 0.10
    brightness: float = 0.10
    contrast: float = 0.15
    gamma: float = 0.20


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is done to each image of a batch; all (n,) float32.

    Attributes
    ----------
    rotation_deg : ndarray
        Positive turns the picture counter-clockwise.
    shift_x, shift_y : ndarray
        Share of the side that the picture moves right and down.
    scale : ndarray
        Above 1 enlarges.
    brightness, contrast, gamma : ndarray
        Factor, factor, exponent.
    """

    rotation_deg: npt.NDArray[np.float32]
    shift_x: npt.NDArray[np.float32]
    shift_y: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    brightness: npt.NDArray[np.float32]
    contrast: npt.NDArray[np.float32]
    gamma: npt.NDArray[np.float32]


BRAIN_MRI = Ranges()


def draw(seed: int, epoch: int, index: npt.NDArray[np.int64], ranges: Ranges = BRAIN_MRI) -> Parameters:
    """Draw parameters for the images numbered ``index`` in one epoch; same arguments, same draws."""
    signed = 2.0 * uniform(seed, epoch, index, stream=Stream.AUGMENTATION, count=7).T - 1.0
    columns = (
        signed[0] * ranges.rotation_deg,
        signed[1] * ranges.shift,
        signed[2] * ranges.shift,
        1.0 + signed[3] * ranges.scale,
        1.0 + signed[4] * ranges.brightness,
        1.0 + signed[5] * ranges.contrast,
        np.exp(signed[6] * ranges.gamma),
    )
    return Parameters(*(column.astype(np.float32) for column in columns))


def apply(images: Tensor, parameters: Parameters) -> Tensor:
    """Move and recolour a batch.

    Parameters
    ----------
    images : Tensor
        (n, channels, height, width) float in [0, 1].
    parameters : Parameters
        One set an image.

    Returns
    -------
    Tensor
        Same shape, in [0, 1]; what comes in from outside the picture is black.
    """
    return recolour(move(images, parameters), parameters)


def move(images: Tensor, parameters: Parameters) -> Tensor:
    """Rotate about the centre, scale and shift, in one bilinear sampling."""
    height, width = images.shape[-2:]
    theta = torch.from_numpy(_sampling_matrices(parameters, height, width)).to(images.device, images.dtype)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def recolour(images: Tensor, parameters: Parameters) -> Tensor:
    """Change gamma, contrast about the image's mean, and brightness."""
    gamma, contrast, brightness = (
        torch.from_numpy(column).to(images.device, images.dtype)[:, None, None, None]
        for column in (parameters.gamma, parameters.contrast, parameters.brightness)
    )
    images = images.clamp_min(0.0) ** gamma
    mean = images.mean((1, 2, 3), keepdim=True)
    # (x - mean) * contrast + mean, then * brightness, as one multiplication and one addition
    return torch.addcmul((mean - mean * contrast) * brightness, images, contrast * brightness).clamp_(
        0.0, 1.0
    )


def _sampling_matrices(parameters: Parameters, height: int, width: int) -> npt.NDArray[np.float32]:
    """Return (n, 2, 3): for each place of the result, where in the source to look (both from -1 to 1)."""
    angle = np.deg2rad(parameters.rotation_deg)
    cosine = np.cos(angle) / parameters.scale
    sine = np.sin(angle) / parameters.scale
    aspect = np.float32(height / width)
    shift_x, shift_y = 2.0 * parameters.shift_x, 2.0 * parameters.shift_y
    # y points down: to turn the picture counter-clockwise the looking place turns clockwise on the screen
    first = np.stack([cosine, -sine * aspect, -cosine * shift_x + sine * aspect * shift_y], axis=1)
    second = np.stack([sine / aspect, cosine, -sine / aspect * shift_x - cosine * shift_y], axis=1)
    return np.stack([first, second], axis=1).astype(np.float32)
