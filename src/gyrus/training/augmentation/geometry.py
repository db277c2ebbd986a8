"""Moving pictures: mirrors and quarter turns to the very pixel, everything else in one sampling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gyrus.errors import UsageError
from gyrus.training.augmentation.drawing import Drawn, Flags
from gyrus.training.moving import to_device

_PADDING = {"black": "zeros", "mirror": "reflection"}


def mirrored(images: Tensor, drawn: Drawn) -> Tensor:
    """Mirror and turn by quarters; pixels change places and keep their values.

    Raises
    ------
    UsageError
        For quarter turns of pictures that are not square.
    """
    if images.shape[-2] != images.shape[-1] and (drawn.quarter_turns % 2).any():
        raise UsageError(
            f"quarter turns need square pictures; these are {images.shape[-1]} x {images.shape[-2]}",
            fix="resize them to squares, or choose another --augmentation",
        )
    wanted: list[tuple[Flags, Callable[[Tensor], Tensor]]] = [
        (drawn.mirror_left_right, lambda some: some.flip(-1)),
        (drawn.mirror_up_down, lambda some: some.flip(-2)),
        *(
            (drawn.quarter_turns == turns, partial(torch.rot90, k=turns, dims=(-2, -1)))
            for turns in (1, 2, 3)
        ),
    ]
    for flags, change in wanted:
        if flags.any():
            rows = to_device(np.flatnonzero(flags), images.device)
            images = images.index_copy(0, rows, change(images[rows]))
    return images


def is_mirrored(drawn: Drawn) -> Flags:
    """Tell which images are mirrored or turned by quarters."""
    flags: Flags = drawn.mirror_left_right | drawn.mirror_up_down | (drawn.quarter_turns != 0)
    return flags


def moved(images: Tensor, drawn: Drawn, *, mode: str = "bilinear") -> Tensor:
    """Rotate about the centre, scale and shift, in one sampling; ``mode="nearest"`` mixes no values.

    The grid is the sum of a row and a column: less work than ``affine_grid``, which
    multiplies matrices for every pixel.
    """
    height, width = images.shape[-2:]
    theta = to_device(sampling_matrices(drawn, height, width), images.device)
    across = theta[:, None, :, 0] * _centres(width, images.device)
    down = theta[:, None, :, 1] * _centres(height, images.device) + theta[:, None, :, 2]
    grid = across[:, None] + down[:, :, None]
    return functional.grid_sample(
        images, grid, mode=mode, padding_mode=_PADDING[drawn.outside], align_corners=False
    )


def is_moved(drawn: Drawn) -> Flags:
    """Tell which images are rotated, shifted or scaled."""
    still = (drawn.rotation_deg == 0) & (drawn.shift_x == 0) & (drawn.shift_y == 0) & (drawn.scale == 1)
    flags: Flags = ~still
    return flags


def sampling_matrices(drawn: Drawn, height: int, width: int) -> npt.NDArray[np.float32]:
    """Return (n, 2, 3): for each place of the result, where in the source to look (both from -1 to 1)."""
    angle = np.deg2rad(drawn.rotation_deg)
    cosine = np.cos(angle) / drawn.scale
    sine = np.sin(angle) / drawn.scale
    aspect = np.float32(height / width)
    shift_x, shift_y = 2.0 * drawn.shift_x, 2.0 * drawn.shift_y
    # y points down: to turn the picture counter-clockwise the looking place turns clockwise on the screen
    first = np.stack([cosine, -sine * aspect, -cosine * shift_x + sine * aspect * shift_y], axis=1)
    second = np.stack([sine / aspect, cosine, -sine / aspect * shift_x - cosine * shift_y], axis=1)
    return np.stack([first, second], axis=1).astype(np.float32)


def landing_places(
    points: npt.NDArray[np.float64], drawn: Drawn, row: int, height: int, width: int
) -> npt.NDArray[np.float64]:
    """Return where points of the source land in the result of image ``row``.

    Parameters
    ----------
    points : ndarray
        (m, 2) x and y, both from -1 (left, top) to 1.
    drawn : Drawn
        Of the batch.
    row : int
        Which of its images.
    height, width : int
        Of the picture.

    Returns
    -------
    ndarray
        (m, 2); beyond -1 or 1 it has left the picture.
    """
    x, y = points.T
    x = -x if drawn.mirror_left_right[row] else x
    y = -y if drawn.mirror_up_down[row] else y
    for _ in range(int(drawn.quarter_turns[row])):
        x, y = y, -x
    matrix = sampling_matrices(drawn.take(np.array([row])), height, width)[0].astype(np.float64)
    source = np.stack([x, y]) - matrix[:, 2:]
    return np.linalg.solve(matrix[:, :2], source).T


def _centres(size: int, device: torch.device) -> Tensor:
    """Return (size, 1): the pixels' centres along one axis, from -1 to 1."""
    return ((2.0 * torch.arange(size, device=device, dtype=torch.float32) + 1.0) / size - 1.0)[:, None]
