"""How far a mask moves when the image is moved a little: entropy of the mean, and overlap of the masks.

The views are those of :mod:`gyrus.inference.spread`; what the model draws on each is moved back before it is
compared, and where a view saw nothing of the image it does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.inference.segmented import Planes, Segmented
from gyrus.inference.segmenting import MaskPredictor
from gyrus.inference.spread import View, moved, moved_back, views


@dataclass(frozen=True, slots=True)
class MaskSpread:
    """What the moved views were answered, the image itself among them.

    Attributes
    ----------
    views : int
        Moved views, without the image itself.
    entropy : float or None
        Of the mean probabilities over the views, as a share of the largest possible (0: all are sure and
        agree; 1: anything may be): its mean over the pixels that the answer or any view marks. None where
        none does.
    dice : float or None
        Mean overlap of the views' masks with the answer's, all classes as one; None where nothing is marked
        by either in any view.
    area_mean_px, area_sd_px : dict of str to float
        By class, over ``views + 1`` masks.
    entropy_map : ndarray of float32 or None
        (height, width) the entropy of each pixel; not in the JSON.
    """

    views: int
    entropy: float | None
    dice: float | None
    area_mean_px: dict[str, float]
    area_sd_px: dict[str, float]
    entropy_map: npt.NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as the published schema has them."""
        return {
            "views": self.views,
            "entropy": self.entropy,
            "dice": self.dice,
            "area_px": {
                name: {"mean": mean, "sd": self.area_sd_px[name]} for name, mean in self.area_mean_px.items()
            },
        }


def mask_spread_of(
    predictor: MaskPredictor, pixels: npt.NDArray[np.uint8], segmented: Segmented, count: int
) -> MaskSpread:
    """Ask the model about ``count`` moved views of an image beside the image itself.

    Parameters
    ----------
    predictor : MaskPredictor
    pixels : ndarray of uint8
        (height, width, channels) as read.
    segmented : Segmented
        The image's own answer.
    count : int
        Views, at least 1.
    """
    total = segmented.probabilities.astype(np.float64)
    seen = np.ones(segmented.mask.shape)
    marked = segmented.mask > 0
    areas = [_areas(segmented.mask, predictor.classes)]
    overlaps: list[float] = []
    for view in views(count):
        planes, known = _answered(predictor, pixels, view)
        total += planes * known
        seen += known
        mask = segmented.rule.apply(planes, segmented.pixel_mm2)
        areas.append(_areas(mask, predictor.classes))
        both, either = (
            int(((mask > 0) & (segmented.mask > 0)).sum()),
            int((mask > 0).sum() + (segmented.mask > 0).sum()),
        )
        overlaps += [2 * both / either] if either else []
        marked |= mask > 0
    entropy = entropy_of((total / seen).astype(np.float32))
    table = np.array(areas, dtype=np.float64)
    return MaskSpread(
        views=count,
        entropy=float(entropy[marked].mean()) if marked.any() else None,
        dice=float(np.mean(overlaps)) if overlaps else None,
        area_mean_px=dict(zip(predictor.classes, table.mean(axis=0).tolist(), strict=True)),
        area_sd_px=dict(zip(predictor.classes, table.std(axis=0).tolist(), strict=True)),
        entropy_map=entropy,
    )


def entropy_of(probabilities: Planes) -> npt.NDArray[np.float32]:
    """Return the entropy of each pixel (height, width), as a share of the largest possible (Shannon, 1948).

    Parameters
    ----------
    probabilities : ndarray of float32
        (K, height, width) of the classes; the background has the rest.
    """
    every = np.concatenate([1 - probabilities.sum(axis=0, keepdims=True), probabilities]).clip(1e-12, 1)
    entropy: npt.NDArray[np.float32] = -(every * np.log(every)).sum(axis=0) / np.float32(np.log(len(every)))
    return entropy


def _answered(
    predictor: MaskPredictor, pixels: npt.NDArray[np.uint8], view: View
) -> tuple[Planes, npt.NDArray[np.float32]]:
    """Return the classes' probabilities of a view, moved back, and which pixels the view knows of."""
    planes = predictor.probabilities_of(moved(pixels, view))
    known = moved_back(np.ones(planes.shape[1:], np.float32), view)
    back = np.stack([moved_back(plane, view) for plane in planes])
    whole = known > 1 - 1e-3
    return back * whole, whole.astype(np.float32)


def _areas(mask: npt.NDArray[np.uint8], classes: tuple[str, ...]) -> list[int]:
    counts: list[int] = np.bincount(mask.reshape(-1), minlength=len(classes) + 1)[1:].tolist()
    return counts
