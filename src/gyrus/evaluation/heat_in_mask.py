"""How much of a classifier's heat lies where the lesion is.

The share of a map's heat that lies within the mask (Wang et al., 2020, "energy-based pointing game"), and how
often the hottest place does (Zhang et al., 2018, "pointing game"). A map that were the same everywhere would
have as much of its heat in the mask as the mask has of the image: that share stands beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.evaluation.detections import figure
from gyrus.evaluation.text import long_figure, percent
from gyrus.metrics.confusion import number_groups
from gyrus.metrics.intervals import logit_t_interval
from gyrus.metrics.segmentation import mean_of


@dataclass(frozen=True, slots=True)
class HeatInMask:
    """One image.

    Attributes
    ----------
    group : str
        What intervals cluster by: the patient.
    right : bool
        Whether the answer is the label.
    share : float
        Of the heat, what lies in the mask; NaN for a map without heat.
    hottest : bool
        Whether the hottest place lies in it.
    area : float
        Share of the image that the mask covers.
    """

    group: str
    right: bool
    share: float
    hottest: bool
    area: float


def heat_in_mask(
    heat: npt.NDArray[np.floating], mask: npt.NDArray[np.generic], *, group: str, right: bool
) -> HeatInMask:
    """Measure one map.

    Parameters
    ----------
    heat : ndarray of float, shape (height, width)
        Over the image; what lies below 0 speaks against the answer and is no heat.
    mask : ndarray, shape (height, width)
        Any number but 0 is set; at least one.
    group : str
    right : bool

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    if heat.shape != mask.shape:
        raise ValueError(f"the heat has shape {heat.shape}, the mask {mask.shape}; expected the same")
    positive = np.maximum(np.asarray(heat, dtype=np.float64), 0.0)
    within, total = mask != 0, float(positive.sum())
    hottest = bool(within[positive == positive.max()].any()) if total > 0 else False
    share = float(positive[within].sum()) / total if total > 0 else float("nan")
    return HeatInMask(group, right, share, hottest, float(within.mean()))


def heat_figures(images: Sequence[HeatInMask], confidence: float) -> dict[str, Any] | None:
    """Return the figures of a set of images with masks; None where there is none.

    Returns
    -------
    dict or None
        ::

            n, n_right          images with a mask and a map; of these rightly answered
            share, hottest      figures over all of them; of hottest, the share of images
            share_right         share over the rightly answered; None without any
            area                mean share of the image that a mask covers: what chance would give
            sentence
    """
    images = [one for one in images if np.isfinite(one.share)]
    if not images:
        return None
    groups, n_groups = number_groups([one.group for one in images])
    share = np.array([one.share for one in images])
    right = np.array([one.right for one in images])
    hottest = np.array([one.hottest for one in images], dtype=np.float64)
    area = float(np.mean([one.area for one in images]))

    def mean(values: npt.NDArray[np.float64]) -> dict[str, Any]:
        return figure(logit_t_interval(mean_of(values, groups, n_groups), confidence))

    figures: dict[str, Any] = {
        "n": len(images),
        "n_right": int(right.sum()),
        "share": mean(share),
        "hottest": mean(hottest),
        "share_right": mean(np.where(right, share, np.nan)) if right.any() else None,
        "area": area,
    }
    times = figures["share"]["value"] / area
    figures["sentence"] = (
        f"On the {len(images)} images with a mask, {long_figure(figures['share'])} of the heat for the "
        f"answer lies in the mask, which covers {percent(area)} % of the image ({times:.1f} times what an "
        "even map would have there); the hottest place lies in it on "
        f"{long_figure(figures['hottest'])}."
    )
    return figures
