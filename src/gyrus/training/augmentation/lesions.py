"""What an augmentation does to a lesion: how much of its mask leaves the picture or is covered (NumPy)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.training.augmentation.drawing import Drawn
from gyrus.training.augmentation.erasing import rectangles_px
from gyrus.training.augmentation.geometry import landing_places
from gyrus.training.augmentation.mixing import Mixed


def part_lost(mask: npt.NDArray[np.bool_], drawn: Drawn, row: int, mixed: Mixed | None = None) -> float:
    """Return the share of a mask's pixels that leave the picture, are erased, or are pasted over.

    Each pixel is followed to where it lands, so scaling does not count. With a picture that mirrors its
    outside the pixels count as lost all the same: what is seen there is a copy of something else.

    Parameters
    ----------
    mask : ndarray of bool
        (height, width) of the picture that is augmented.
    drawn : Drawn
        Of a batch.
    row : int
        Which of its images.
    mixed : Mixed, optional
        How the batch is mixed; blending (mixup) loses nothing.

    Returns
    -------
    float
        0 to 1; NaN for an empty mask.
    """
    height, width = mask.shape
    y, x = np.nonzero(mask)
    if not len(y):
        return float("nan")
    points = np.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], axis=1)
    landed = landing_places(points, drawn, row, height, width)
    lost = (np.abs(landed) > 1.0).any(axis=1)
    boxes = [rectangles_px(drawn.erased[row : row + 1], height, width)[0]]
    if mixed is not None:
        boxes.append(mixed.boxes[row])
    place_x, place_y = (landed[:, 0] + 1) * width / 2, (landed[:, 1] + 1) * height / 2
    for top, bottom, left, right in boxes:
        lost |= (place_y >= top) & (place_y < bottom) & (place_x >= left) & (place_x < right)
    return float(lost.mean())
