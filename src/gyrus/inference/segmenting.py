"""From a segmentation's bundle to masks in the geometry of each image, without torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from gyrus.bundles import Bundle
from gyrus.bundles.mask_rules import SEGMENT, picture_classes_of
from gyrus.config.runtime import Device, Runtime
from gyrus.decision.activations import softmax
from gyrus.decision.gate_finding import GateFinding
from gyrus.decision.mask_rule import MaskRule
from gyrus.errors import BundleError
from gyrus.imaging import DEFAULT_LIMITS, Limits
from gyrus.inference.prediction import Failure, Prediction
from gyrus.inference.predictor import BATCH_SIZE, Image, Predictor, Prepared, in_order
from gyrus.inference.segmented import PictureClass, Planes, Segmented
from gyrus.inference.windows import Blend, check_windows, cut, windows_of

CELLS = 4
_HALF = np.float32(0.5)


class MaskPredictor(Predictor):
    """A model that draws masks; asked as :class:`gyrus.inference.Predictor` is.

    Its answers have :attr:`Prediction.segmentation`. Their ``probabilities`` and ``logits`` are those of each
    class's surest pixel.

    Parameters
    ----------
    bundle, threads, runtime, device
        As of :class:`gyrus.inference.Predictor`.
    windows : float, optional
        Look at images larger than the network's square in squares at their own resolution, which overlap by
        this share of their side (see :mod:`gyrus.inference.windows`); default: as the card says, which is
        mostly None: every image is brought to one square.
    mirrored : bool, optional
        Answer with the mean over the image and its mirror image; default: as the card says.

    Raises
    ------
    UsageError
        Also for windows of a bundle that cuts out the head first: a window has none.
    """

    tasks: ClassVar[tuple[str, ...]] = (SEGMENT,)

    def __init__(
        self,
        bundle: Bundle,
        threads: int | None = None,
        *,
        runtime: Runtime = "auto",
        device: Device = "auto",
        windows: float | None = None,
        mirrored: bool | None = None,
    ) -> None:
        super().__init__(bundle, threads, runtime=runtime, device=device)
        told = bundle.card["segmentation"]
        self.rule = MaskRule.from_card(told["postprocess"])
        self.picture_classes = picture_classes_of(bundle.card)
        self.windows: float | None = told["windows"] if windows is None else windows
        self.mirrored: bool = told.get("mirrored", False) if mirrored is None else mirrored
        if self.windows is not None:
            check_windows(self.windows, self.geometry, bundle.path)

    def probabilities_of(self, pixels: npt.NDArray[np.uint8]) -> Planes:
        """Return the classes' probabilities (K, height, width) for an image (height, width, channels)."""
        if self._in_windows(pixels):
            return self._seen_in_windows(pixels).planes
        logits = self._run(self.squares(pixels))["mask_logits"]
        return self.geometry.placement(pixels).back(class_planes(logits)[0])

    def _in_windows(self, pixels: npt.NDArray[np.uint8]) -> bool:
        return self.windows is not None and max(pixels.shape[:2]) > self.geometry.size_px

    def _prepare(
        self, image: Image, index: int, keep: bool, limits: Limits = DEFAULT_LIMITS
    ) -> Prepared | Failure:
        if self.windows is None:
            return super()._prepare(image, index, keep, limits)
        prepared = super()._prepare(image, index, True, limits)
        if isinstance(prepared, Failure) or prepared.read is None:
            return prepared
        whole = prepared.read if self._in_windows(prepared.read) else None
        read, stored = (prepared.read, prepared.stored) if keep else (None, None)
        return replace(prepared, whole=whole, read=read, stored=stored)

    def _answers(self, batch: Sequence[Prepared]) -> list[Prediction]:
        start = time.perf_counter()
        squares = [item for item in batch if item.whole is None]
        seen = iter(self._seen(squares) if squares else ())
        share = (time.perf_counter() - start) / max(1, len(squares))
        answers = []
        for item in batch:
            began = time.perf_counter()
            one = next(seen) if item.whole is None else self._seen_in_windows(item.whole)
            segmented = Segmented(
                mask=self.rule.apply(one.planes),
                probabilities=one.planes,
                rule=self.rule,
                cells=one.cells,
                picture=self._picture(one.picture_logits),
                windows=one.windows,
                mirrored=self.mirrored,
            )
            taken = time.perf_counter() - began + (share if item.whole is None else 0.0)
            answers.append(self._prediction(item, segmented, one, taken))
        return answers

    def _within(self, item: Prepared, one: Seen) -> list[GateFinding]:
        """Return what the gate says of the whole image in one square, as its training images were seen."""
        if self.gate.distribution is None:
            return []
        if item.whole is None:
            return self.gate.within(one.embedding[np.newaxis], one.surest[np.newaxis])
        return self.gate.within(self._network.run(item.pixels)["embedding"], one.surest[np.newaxis])

    def _run(self, squares: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the network's outputs for (n, channels, side, side); embeddings are of these alone."""
        if not self.mirrored:
            return self._network.run(squares)
        both = self._network.run(np.concatenate([squares, squares[..., ::-1]]))
        count = len(squares)
        results = {name: value[:count] for name, value in both.items()}
        results["mask_logits"] = _HALF * (results["mask_logits"] + both["mask_logits"][count:, ..., ::-1])
        if "logits" in both:
            results["logits"] = _HALF * (results["logits"] + both["logits"][count:])
        return results

    def _seen(self, batch: Sequence[Prepared]) -> list[Seen]:
        """Run the network on images that are one square each."""
        results = self._run(np.concatenate([item.pixels for item in batch]))
        logits = results["mask_logits"]
        self._check_masks(logits, [item.name for item in batch])
        probabilities = class_planes(logits)
        told = results.get("logits")
        return [
            Seen(
                planes=item.placement.back(probabilities[row]),
                surest=logits[row][-len(self.classes) :].max(axis=(1, 2)),
                cells=cells_of(logits[row]),
                embedding=results["embedding"][row],
                picture_logits=None if told is None else told[row],
            )
            for row, item in enumerate(batch)
        ]

    def _seen_in_windows(self, pixels: npt.NDArray[np.uint8]) -> Seen:
        """Run the network on the windows of an image, some at a time, and put what it says together."""
        assert self.windows is not None
        side, (height, width) = self.geometry.size_px, pixels.shape[:2]
        boxes = windows_of(height, width, side, self.windows)
        blend = Blend(len(self.classes), height, width, side)
        surest = np.full(len(self.classes), -np.inf, np.float32)
        cells, embedding, told = [], [], []
        for start in range(0, len(boxes), BATCH_SIZE):
            some = boxes[start : start + BATCH_SIZE]
            squares = np.concatenate([self.squares(cut(pixels, box, side)) for box in some])
            results = self._run(squares)
            logits = results["mask_logits"]
            self._check_masks(logits, ["a window"] * len(some))
            for box, planes in zip(some, class_planes(logits), strict=True):
                blend.add(box, planes)
            surest = np.maximum(surest, logits[:, -len(self.classes) :].max(axis=(0, 2, 3)))
            cells += [cells_of(one) for one in logits]
            embedding += list(results["embedding"])
            told += list(results.get("logits", ()))
        return Seen(
            planes=blend.planes(),
            surest=surest,
            cells=np.mean(cells, axis=0),
            embedding=np.mean(embedding, axis=0),
            picture_logits=np.mean(told, axis=0) if told else None,
            windows=len(boxes),
        )

    def _prediction(self, item: Prepared, segmented: Segmented, one: Seen, seconds: float) -> Prediction:
        return Prediction(
            name=item.name, classes=self.classes,
            probabilities=segmented.probabilities.max(axis=(1, 2)).astype(np.float64), logits=one.surest,
            embedding=one.embedding, maps=None, height_px=item.height_px, width_px=item.width_px,
            sha256=item.sha256, seconds=item.seconds + seconds, notes=item.notes, placement=item.placement,
            task=self.task, pixels=item.read, stored=item.stored,
            gate=in_order(item.gate, self._within(item, one)), segmentation=segmented,
        )  # fmt: skip

    def _picture(self, logits: npt.NDArray[np.float32] | None) -> PictureClass | None:
        return None if logits is None else PictureClass(self.picture_classes, softmax(logits), logits)

    def _check_masks(self, logits: npt.NDArray[np.float32], names: Sequence[str]) -> None:
        planes, side = len(self.classes) + (len(self.classes) > 1), self.geometry.size_px
        expected = (len(names), planes, side, side)
        if logits.shape != expected:
            raise BundleError(
                f"the network gives masks of shape {logits.shape}; expected {expected}", path=self.path
            )
        undefined = ~np.isfinite(logits).all(axis=(1, 2, 3))
        if undefined.any():
            name = names[int(np.argmax(undefined))]
            raise BundleError(f"the network gives no finite mask for {name}", path=self.path)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the network says of one image: ``planes`` (K, height, width) probabilities in its geometry,
    ``surest`` (K,) the largest logit of each class, and what else an answer keeps."""

    planes: Planes
    surest: npt.NDArray[np.float32]
    cells: Planes
    embedding: npt.NDArray[np.float32]
    picture_logits: npt.NDArray[np.float32] | None
    windows: int = 1


def predictor_of(
    bundle: Bundle,
    threads: int | None = None,
    *,
    runtime: Runtime = "auto",
    device: Device = "auto",
    windows: float | None = None,
    mirrored: bool | None = None,
) -> Predictor:
    """Return the predictor that a bundle's task asks for; the last two are for one that segments alone."""
    if bundle.card["task"] == SEGMENT:
        return MaskPredictor(
            bundle, threads, runtime=runtime, device=device, windows=windows, mirrored=mirrored
        )
    return Predictor(bundle, threads, runtime=runtime, device=device)


def class_planes(logits: npt.NDArray[np.float32]) -> Planes:
    """Return the classes' probabilities (n, K, h, w) of mask logits (n, planes, h, w), in 32 bits.

    One plane is the logit of the one class; of more, the first is the background's.
    """
    planes: Planes
    if logits.shape[1] == 1:
        decay = np.exp(-np.abs(logits))  # never overflows
        planes = np.where(logits >= 0, np.float32(1), decay) / (1 + decay)
        return planes
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    planes = exponentials[:, 1:] / exponentials.sum(axis=1, keepdims=True)
    return planes


def cells_of(logits: npt.NDArray[np.float32]) -> Planes:
    """Return the mean of each plane (planes, h, w) in 4 x 4 cells."""
    planes, height, width = logits.shape
    down, across = height // CELLS, width // CELLS
    cut = logits[:, : down * CELLS, : across * CELLS].reshape(planes, CELLS, down, CELLS, across)
    return np.asarray(cut.mean(axis=(2, 4), dtype=np.float64), dtype=np.float32)
