"""What a segmentation says of one image: a mask for its pixels, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gyrus.decision.mask_rule import Mask, MaskRule

Planes = npt.NDArray[np.float32]
NOT_IN_MM = (
    "the smallest size of a part is in mm2, and the image tells no spacing: small parts were not removed"
)


@dataclass(frozen=True, slots=True)
class PictureClass:
    """The class of the whole picture, which a joint network tells beside the mask.

    Attributes
    ----------
    classes : tuple of str
        (n_classes,) names.
    probabilities : ndarray of float64
        (n_classes,) softmax of the logits, not calibrated.
    logits : ndarray of float32
        (n_classes,).
    """

    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]
    logits: npt.NDArray[np.float32]

    @property
    def top(self) -> str:
        """The most probable class."""
        return self.classes[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return float(self.probabilities.max())


@dataclass(frozen=True, slots=True)
class Segmented:
    """The mask of one image, in the geometry of the image as it was read.

    Attributes
    ----------
    mask : ndarray of uint8
        (height_px, width_px): 0 background, ``i`` the class ``classes[i - 1]``.
    probabilities : ndarray of float32
        (K, height_px, width_px) of the classes; what is missing to 1 is the background's. 0 where the network
        saw nothing of the image. (K, 0, 0) in evidence that was read back, where they were not kept.
    rule : MaskRule
        How the mask was made of them.
    cells : ndarray of float32
        (planes, 4, 4) mean logits of the network's square, cell by cell: few numbers that any change moves;
        (0, 4, 4) in evidence that was read back.
    picture : PictureClass or None
        Of a joint network.
    pixel_mm2 : float or None
        Area of a pixel that the rule was applied with.
    windows : int
        How many squares the network saw of the image.
    mirrored : bool
        Whether each was seen from both sides, and the mean is told.
    """

    mask: Mask
    probabilities: Planes
    rule: MaskRule
    cells: Planes
    picture: PictureClass | None = None
    pixel_mm2: float | None = None
    windows: int = 1
    mirrored: bool = False

    def sized(self, pixel_mm2: float | None) -> Segmented:
        """Return it for pixels of this area: a rule in mm2 needs it."""
        if self.rule.unit != "mm2" or pixel_mm2 == self.pixel_mm2:
            return self
        return replace(self, mask=self.rule.apply(self.probabilities, pixel_mm2), pixel_mm2=pixel_mm2)

    @property
    def note(self) -> str:
        """What a user must know of how the mask was made; else empty."""
        lacks = self.rule.unit == "mm2" and self.rule.min_size > 0 and self.pixel_mm2 is None
        return NOT_IN_MM if lacks else ""
