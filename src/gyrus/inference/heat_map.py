"""Where the network looked: a map, who computed it, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from gyrus.imaging.brain_box import Box
from gyrus.imaging.geometry import Placement
from gyrus.inference.occlusion import occlusion_maps, passes
from gyrus.inference.prediction import Prediction
from gyrus.inference.predictor import Predictor

Kind = Literal["exact", "gradient", "occlusion"]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The map of one class over what the network saw of an image.

    Attributes
    ----------
    kind : {"exact", "gradient", "occlusion"}
        ``exact``: the terms whose mean, with the bias, is the logit. ``gradient``: weighted by the logit's
        gradient. ``occlusion``: what covering a part costs; see :mod:`gyrus.inference.occlusion`.
    of : str
        The class.
    values : ndarray of float32
        (rows, columns) over the network's square; positive speaks for the class.
    placement : Placement or None
        Where the image lies in the square; None: it fills it.
    passes : int
        How often the network ran for it beyond the answer itself.
    """

    kind: Kind
    of: str
    values: npt.NDArray[np.float32]
    placement: Placement | None
    passes: int

    @property
    def over_image(self) -> npt.NDArray[np.float32]:
        """The map over the whole image, 0 where the network saw nothing of it."""
        return self.values if self.placement is None else self.placement.over_image(self.values)

    def to_json(self) -> dict[str, Any]:
        """Return the fields; values have five significant digits."""
        rows, columns = self.values.shape
        placed = self.placement
        return {
            "kind": self.kind,
            "of": self.of,
            "rows": rows,
            "columns": columns,
            "values": [[float(f"{value:.5g}") for value in line] for line in self.values.tolist()],
            "network_passes": self.passes,
            "seen": None
            if placed is None
            else {
                "of_image": _box(placed.source),
                "in_square": _box(placed.target),
                "side_px": placed.side_px,
            },
        }


def heat_map_of(
    predictor: Predictor, answer: Prediction, choice: Literal["auto", "occlusion", "none"], grid: int
) -> HeatMap | None:
    """Return the map of an answer's most probable class.

    Parameters
    ----------
    predictor : Predictor
    answer : Prediction
        With its pixels, where parts are to be covered.
    choice : {"auto", "occlusion", "none"}
        ``auto``: the kind that the bundle's card names.
    grid : int
        Of the occlusion.

    Returns
    -------
    HeatMap or None
        None where none is wanted, or the card says that there is none.
    """
    kind: str = predictor.card["outputs"]["maps"] if choice == "auto" else choice
    number = answer.classes.index(answer.top)
    if answer.maps is not None and kind in ("exact", "gradient"):
        return HeatMap(cast("Kind", kind), answer.top, answer.maps[number], answer.placement, 0)
    if kind != "occlusion" or answer.pixels is None:
        return None
    maps = occlusion_maps(predictor, predictor.squares(answer.pixels), answer.logits, grid)
    return HeatMap("occlusion", answer.top, maps[number], answer.placement, passes(grid))


def _box(box: Box) -> dict[str, int]:
    return {"top": box.top, "left": box.left, "height_px": box.height_px, "width_px": box.width_px}
