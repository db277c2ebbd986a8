"""Drawn parameters made by hand, and pictures whose orientation shows."""

from dataclasses import replace

import numpy as np
import torch

from gyrus.training.augmentation import POLICIES, draw


def fixed(n=1, **values):
    """Parameters that change nothing but what is named; a row or a number for all images."""
    base = draw(0, 0, np.arange(n), POLICIES["none"])
    changed = {}
    for name, value in values.items():
        old = getattr(base, name)
        changed[name] = (
            value if isinstance(value, str) else np.broadcast_to(value, old.shape).astype(old.dtype).copy()
        )
    return replace(base, **changed)


def blob(y, x, side=64, spread=3.0):
    grid_y, grid_x = np.mgrid[:side, :side]
    image = np.exp(-((grid_y - y) ** 2 + (grid_x - x) ** 2) / (2 * spread**2))
    return torch.from_numpy(image.astype(np.float32))[None, None]


def letter_f(side=32, channels=1):
    """Return a picture (1, channels, side, side) that equals none of its mirrors and turns."""
    image = torch.full((side, side), 0.2)
    part = side // 8
    image[part:-part, 2 * part : 3 * part] = 0.9
    image[part : 2 * part, 2 * part : 6 * part] = 0.7
    image[3 * part : 4 * part, 2 * part : 5 * part] = 0.5
    return image.expand(1, channels, side, side).clone()
