"""From a segmentation's bundle to masks in the geometry of each image, without torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from gyrus.bundles import Bundle
from gyrus.bundles.mask_rules import SEGMENT, picture_classes_of
from gyrus.config.runtime import Device, Runtime
from gyrus.decision.activations import softmax
from gyrus.decision.mask_rule import MaskRule
from gyrus.errors import BundleError
from gyrus.inference.prediction import Prediction
from gyrus.inference.predictor import Predictor, Prepared
from gyrus.inference.segmented import PictureClass, Planes, Segmented

CELLS = 4


class MaskPredictor(Predictor):
    """A model that draws masks; asked as :class:`gyrus.inference.Predictor` is.

    Its answers have :attr:`Prediction.segmentation`. Their ``probabilities`` and ``logits`` are those of each
    class's surest pixel.
    """

    tasks: ClassVar[tuple[str, ...]] = (SEGMENT,)

    def __init__(
        self,
        bundle: Bundle,
        threads: int | None = None,
        *,
        runtime: Runtime = "auto",
        device: Device = "auto",
    ) -> None:
        super().__init__(bundle, threads, runtime=runtime, device=device)
        self.rule = MaskRule.from_card(bundle.card["segmentation"]["postprocess"])
        self.picture_classes = picture_classes_of(bundle.card)

    def probabilities_of(self, pixels: npt.NDArray[np.uint8]) -> Planes:
        """Return the classes' probabilities (K, height, width) for an image (height, width, channels)."""
        logits = self.run_network(self.squares(pixels))["mask_logits"]
        return self.geometry.placement(pixels).back(class_planes(logits)[0])

    def _answers(self, batch: Sequence[Prepared]) -> list[Prediction]:
        start = time.perf_counter()
        results = self._network.run(np.concatenate([item.pixels for item in batch]))
        logits = results["mask_logits"]
        self._check_masks(logits, batch)
        probabilities = class_planes(logits)
        share = (time.perf_counter() - start) / len(batch)
        answers = []
        for row, item in enumerate(batch):
            began = time.perf_counter()
            planes = item.placement.back(probabilities[row])
            segmented = Segmented(
                mask=self.rule.apply(planes),
                probabilities=planes,
                rule=self.rule,
                cells=cells_of(logits[row]),
                picture=self._picture(results, row),
            )
            taken = share + time.perf_counter() - began
            answers.append(self._prediction(item, segmented, logits[row], results["embedding"][row], taken))
        return answers

    def _prediction(
        self,
        item: Prepared,
        segmented: Segmented,
        logits: npt.NDArray[np.float32],
        embedding: npt.NDArray[np.float32] | None,
        seconds: float,
    ) -> Prediction:
        own = logits[-len(self.classes) :]  # without the background's plane, where there is one
        return Prediction(
            name=item.name, classes=self.classes,
            probabilities=segmented.probabilities.max(axis=(1, 2)).astype(np.float64),
            logits=own.max(axis=(1, 2)),
            embedding=embedding, maps=None, height_px=item.height_px, width_px=item.width_px,
            sha256=item.sha256, seconds=item.seconds + seconds, notes=item.notes, placement=item.placement,
            task=self.task, pixels=item.read, stored=item.stored, gate=item.gate, segmentation=segmented,
        )  # fmt: skip

    def _picture(self, results: dict[str, npt.NDArray[np.float32]], row: int) -> PictureClass | None:
        if not self.picture_classes:
            return None
        logits = results["logits"][row]
        return PictureClass(self.picture_classes, softmax(logits), logits)

    def _check_masks(self, logits: npt.NDArray[np.float32], batch: Sequence[Prepared]) -> None:
        planes, side = len(self.classes) + (len(self.classes) > 1), self.geometry.size_px
        expected = (len(batch), planes, side, side)
        if logits.shape != expected:
            raise BundleError(
                f"the network gives masks of shape {logits.shape}; expected {expected}", path=self.path
            )
        undefined = ~np.isfinite(logits).all(axis=(1, 2, 3))
        if undefined.any():
            name = batch[int(np.argmax(undefined))].name
            raise BundleError(f"the network gives no finite mask for {name}", path=self.path)


def predictor_of(
    bundle: Bundle, threads: int | None = None, *, runtime: Runtime = "auto", device: Device = "auto"
) -> Predictor:
    """Return the predictor that a bundle's task asks for; options as in :class:`Predictor`."""
    kind = MaskPredictor if bundle.card["task"] == SEGMENT else Predictor
    return kind(bundle, threads, runtime=runtime, device=device)


def class_planes(logits: npt.NDArray[np.float32]) -> Planes:
    """Return the classes' probabilities (n, K, h, w) of mask logits (n, planes, h, w), in 32 bits.

    One plane is the logit of the one class; of more, the first is the background's.
    """
    if logits.shape[1] == 1:
        decay = np.exp(-np.abs(logits))  # never overflows
        return np.where(logits >= 0, np.float32(1), decay) / (1 + decay)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    planes: Planes = exponentials[:, 1:] / exponentials.sum(axis=1, keepdims=True)
    return planes


def cells_of(logits: npt.NDArray[np.float32]) -> Planes:
    """Return the mean of each plane (planes, h, w) in 4 x 4 cells."""
    planes, height, width = logits.shape
    down, across = height // CELLS, width // CELLS
    cut = logits[:, : down * CELLS, : across * CELLS].reshape(planes, CELLS, down, CELLS, across)
    return np.asarray(cut.mean(axis=(2, 4), dtype=np.float64), dtype=np.float32)
