"""Colour: saturation, hue and white balance as one matrix an image, and the stains of histology."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gyrus.training.augmentation.drawing import Drawn, Flags
from gyrus.training.moving import to_device

Matrices = npt.NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
# two axes of colour that leave the luma alone: blue less luma, red less luma, scaled as in BT.601
_TO_LUMA_CHROMA = np.stack([_LUMA, (np.eye(3)[2] - _LUMA) / 1.772, (np.eye(3)[0] - _LUMA) / 1.402])
_FROM_LUMA_CHROMA = np.linalg.inv(_TO_LUMA_CHROMA)
# optical density of haematoxylin and of eosin in red, green and blue (Ruifrok and Johnston 2001,
# Quantification of histochemical staining by color deconvolution)
_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
_DARKEST = 1.0 / 255.0


def coloured(images: Tensor, drawn: Drawn) -> Tensor:
    """Change saturation and hue about the luma, then the white balance. Grey images stay as they are."""
    if images.shape[1] != 3:
        return images
    matrices = to_device(colour_matrices(drawn), images.device)
    return torch.einsum("nij,njhw->nihw", matrices, images).clamp_(0.0, 1.0)


def is_coloured(drawn: Drawn) -> Flags:
    """Tell which images get other colours."""
    flags: Flags = (drawn.saturation != 1) | (drawn.hue_deg != 0) | (drawn.red != 1) | (drawn.blue != 1)
    return flags


def colour_matrices(drawn: Drawn) -> Matrices:
    """Return (n, 3, 3), from RGB to RGB."""
    angle = np.deg2rad(drawn.hue_deg.astype(np.float64))
    turn = np.zeros((len(drawn), 3, 3))
    turn[:, 0, 0] = 1.0
    turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle) * drawn.saturation
    turn[:, 1, 2] = -np.sin(angle) * drawn.saturation
    turn[:, 2, 1] = np.sin(angle) * drawn.saturation
    balance = np.stack([drawn.red, np.ones_like(drawn.red), drawn.blue], axis=1)[:, :, None]
    matrices: Matrices = (balance * (_FROM_LUMA_CHROMA @ turn @ _TO_LUMA_CHROMA)).astype(np.float32)
    return matrices


def stained(images: Tensor, drawn: Drawn) -> Tensor:
    """Make haematoxylin and eosin weaker or stronger. White stays white; grey images stay as they are.

    Light is absorbed exponentially (Beer and Lambert), so stains add in the optical density, -ln(intensity):
    there the image is taken apart into the two stains and a rest (Ruifrok and Johnston 2001), and put
    together again with other amounts.
    """
    if images.shape[1] != 3:
        return images
    matrices = to_device(stain_matrices(drawn), images.device)
    density = images.clamp_min(_DARKEST).log_().neg_()
    return torch.einsum("nij,njhw->nihw", matrices, density).neg_().exp_().clamp_(0.0, 1.0)


def is_stained(drawn: Drawn) -> Flags:
    """Tell which images get other amounts of stain."""
    flags: Flags = (drawn.haematoxylin != 1) | (drawn.eosin != 1)
    return flags


def stain_matrices(drawn: Drawn) -> Matrices:
    """Return (n, 3, 3), from optical density to optical density."""
    unit = _STAINS / np.linalg.norm(_STAINS, axis=1, keepdims=True)
    rest = np.cross(unit[0], unit[1])
    basis = np.column_stack([unit[0], unit[1], rest / np.linalg.norm(rest)])
    amounts = np.stack([drawn.haematoxylin, drawn.eosin, np.ones_like(drawn.eosin)], axis=1)
    matrices: Matrices = ((basis * amounts[:, None, :]) @ np.linalg.inv(basis)).astype(np.float32)
    return matrices
