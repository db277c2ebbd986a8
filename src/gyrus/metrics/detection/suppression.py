"""Non-maximum suppression: of boxes that overlap, the one with the highest score stays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.boxes import checked_boxes
from gyrus.metrics.detection.pairing import overlapping


def suppress(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float,
    groups: npt.ArrayLike | None = None,
) -> npt.NDArray[np.int64]:
    """Return the numbers of the boxes that stay, by falling score.

    A box goes when its intersection over union with one that stays is above the threshold; of equal scores
    the first given stays. As ``torchvision.ops.nms``.

    Parameters
    ----------
    boxes : array_like, shape (n, 4)
    scores : array_like, shape (n,)
    iou_threshold : float
        0 to 1.
    groups : array_like of int, shape (n,), optional
        Only boxes of one group suppress each other: an image, or a class of an image; numbers from 0.
    """
    corners, score = checked_boxes(boxes), np.asarray(scores, dtype=np.float64)
    group = np.zeros(len(corners), np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    if score.shape != (len(corners),) or group.shape != score.shape or np.isnan(score).any():
        raise ValueError(
            f"{len(corners)} boxes need as many scores and groups; got {score.shape}, {group.shape}"
        )
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold is {iou_threshold}; expected 0 to 1")
    order = np.argsort(-score, kind="stable")
    corners, group = corners[order], group[order]
    above = np.nextafter(iou_threshold, 2.0)
    pairs = overlapping(corners, group, corners, group, criterion="iou", at_least=above)
    earlier = pairs.predicted < pairs.true
    return order[_staying(pairs.predicted[earlier], pairs.true[earlier], len(corners))]


def _staying(by: npt.NDArray[np.int64], of: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.bool_]:
    """Return which boxes stay, given that ``by`` suppresses ``of`` where it stays itself.

    Round after round: who has no one left above stays, and whom such a one suppresses goes; the lowest
    open number is settled in each round, so it ends.
    """
    stays, goes = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    while True:
        threatened = np.zeros(size, dtype=bool)
        threatened[of] = True
        stays |= ~threatened & ~goes
        goes[of[stays[by]]] = True
        open_ = ~goes[by] & ~goes[of]  # pairs of which neither is gone
        by, of = by[open_], of[open_]
        if not by.size:
            return ~goes
