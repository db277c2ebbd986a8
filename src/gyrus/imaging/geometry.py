"""From an image of any size to the network's square, and back: the way that training, the bundle's graph and
the heat maps share.

In this order: the box around the head is cut out, when asked for (:mod:`gyrus.imaging.brain_box`); then

- ``squash``: height and width are scaled apart, so that the picture fills the square;
- ``pad``: it is scaled as a whole until its longer side fits; black stands beside it, as much on either side
  (one pixel more at the right or the bottom where they differ);
- ``crop``: its central square (one pixel nearer to the top or the left where it cannot lie in the middle) is
  scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.imaging.brain_box import Box, brain_box
from gyrus.imaging.resizing import resize

if TYPE_CHECKING:  # a process that decodes starts in half the time without the options' package
    from gyrus.config.inputs import InputOptions, Resize


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an image lies in the square, and what of it.

    Attributes
    ----------
    height_px, width_px : int
        Size of the image.
    side_px : int
        Of the square.
    source : Box
        The part of the image that is shown, in the image's pixels.
    target : Box
        Where it is shown, in the square's pixels; beside it the square is black.
    """

    height_px: int
    width_px: int
    side_px: int
    source: Box
    target: Box

    @property
    def fills(self) -> bool:
        """Whether the whole image fills the whole square."""
        return self.source == Box(0, 0, self.height_px, self.width_px) and self.target == Box(
            0, 0, self.side_px, self.side_px
        )

    def over_image(self, heat: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return a map over the square as a map over the image.

        Parameters
        ----------
        heat : ndarray of float
            (rows, columns) over the square, of any size.

        Returns
        -------
        ndarray of float32
            ``heat`` itself where the image fills the square; else (height_px, width_px), bilinear, and 0
            where the network did not see the image.
        """
        if self.fills:
            return heat.astype(np.float32, copy=False)
        down, across = heat.shape[0] / self.side_px, heat.shape[1] / self.side_px
        target = self.target
        box = (target.left * across, target.top * down,
               (target.left + target.width_px) * across, (target.top + target.height_px) * down)  # fmt: skip
        size = self.source.width_px, self.source.height_px
        seen = Image.fromarray(heat.astype(np.float32, copy=False)).resize(
            size, Image.Resampling.BILINEAR, box=box
        )
        whole = np.zeros((self.height_px, self.width_px), np.float32)
        whole[self.source.slices] = np.asarray(seen)
        return whole

    def back(self, planes: npt.NDArray[np.floating], beside: float = 0.0) -> npt.NDArray[np.float32]:
        """Return values over the square as values over the image, one for each of its pixels.

        Parameters
        ----------
        planes : ndarray of float
            (n, side_px, side_px).
        beside : float
            Value of what lies outside the square.

        Returns
        -------
        ndarray of float32
            (n, height_px, width_px), bilinear; the exact opposite of the way that the image took.
        """
        size, rows, columns = (self.source.width_px, self.source.height_px), *self.target.slices
        whole = np.full((len(planes), self.height_px, self.width_px), beside, np.float32)
        for place, plane in enumerate(planes):
            # cut out first: nothing of the black beside the picture is mixed into its border
            shown = np.ascontiguousarray(plane[rows, columns], dtype=np.float32)
            if shown.shape[::-1] != size:
                shown = np.asarray(Image.fromarray(shown).resize(size, Image.Resampling.BILINEAR))
            whole[place][self.source.slices] = shown
        return whole


@dataclass(frozen=True, slots=True)
class Geometry:
    """How an image becomes a square.

    Attributes
    ----------
    size_px : int
        Side of the square.
    mode : {"squash", "pad", "crop"}
        See the module.
    brain_crop : bool
        Whether the box around the head is cut out first.
    """

    size_px: int
    mode: Resize = "squash"
    brain_crop: bool = False

    def __str__(self) -> str:
        """Return it as a key of caches: ``224``, ``224 pad``, ``224 crop brain-box/1``."""
        parts = [str(self.size_px)]
        parts += [self.mode] if self.mode != "squash" else []
        parts += ["brain-box/1"] if self.brain_crop else []
        return " ".join(parts)

    def placement(self, pixels: npt.NDArray[np.uint8]) -> Placement:
        """Return where an image (height, width, channels) comes to lie."""
        height, width = pixels.shape[:2]
        source = brain_box(pixels) if self.brain_crop else Box(0, 0, height, width)
        target = Box(0, 0, self.size_px, self.size_px)
        if self.mode == "crop":
            source = _central_square(source)
        elif self.mode == "pad":
            target = _fitted(source, self.size_px)
        return Placement(height, width, self.size_px, source, target)

    def apply(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the square (size_px, size_px, channels) of an image (height, width, channels)."""
        placed = self.placement(pixels)
        target = placed.target
        shown = resize(
            np.ascontiguousarray(pixels[placed.source.slices]),
            height_px=target.height_px,
            width_px=target.width_px,
        )
        if (target.height_px, target.width_px) == (self.size_px, self.size_px):
            return shown
        square = np.zeros((self.size_px, self.size_px, pixels.shape[2]), np.uint8)
        square[target.slices] = shown
        return square


def geometry_of(options: InputOptions) -> Geometry:
    """Return the geometry that options ask for."""
    return Geometry(options.image_size, options.resize, options.brain_crop)


def geometry_of_card(card: Any) -> Geometry:
    """Return the geometry that a bundle's card tells; one written before there was a choice squashes."""
    given = card["input"]
    return Geometry(
        int(given["image_size_px"]), given.get("resize", "squash"), bool(given.get("brain_crop", False))
    )


def _central_square(box: Box) -> Box:
    side = min(box.height_px, box.width_px)
    top, left = box.top + (box.height_px - side) // 2, box.left + (box.width_px - side) // 2
    return Box(top, left, side, side)


def _fitted(box: Box, side: int) -> Box:
    height, width = (_scaled(length, max(box.height_px, box.width_px), side) for length in
                     (box.height_px, box.width_px))  # fmt: skip
    return Box((side - height) // 2, (side - width) // 2, height, width)


def _scaled(length: int, longest: int, side: int) -> int:
    """Return ``length * side / longest`` to the nearest whole number, half up, at least 1."""
    return max(1, (2 * length * side + longest) // (2 * longest))
