"""From images to evidence, one after the other: memory does not grow with their number."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from gyrus.errors import UsageError
from gyrus.inference.evidence import Asked, Evidence, Model
from gyrus.inference.heat_map import HeatMap, heat_map_of
from gyrus.inference.mask_regions import Region, regions_of
from gyrus.inference.mask_spread import MaskSpread, mask_spread_of
from gyrus.inference.neighbours import Case, InTraining, Neighbours
from gyrus.inference.prediction import Failure, Prediction
from gyrus.inference.predictor import BATCH_SIZE, Predictor
from gyrus.inference.segmented import Segmented
from gyrus.inference.segmenting import MaskPredictor
from gyrus.inference.spread import Spread, spread_of


class Examiner:
    """Collects the evidence for a model's answers.

    Parameters
    ----------
    predictor : Predictor
    neighbours : Neighbours or None
        The bundle's training cases; see :meth:`gyrus.inference.neighbours.Neighbours.from_bundle`.
    tta : int
        Moved views asked for the spread; 0: no spread.
    heat : {"auto", "occlusion", "none"}
        Which heat map; see :func:`gyrus.inference.heat_map.heat_map_of`.
    occlusion_grid : int
        Cells a side of an occlusion map.
    top_neighbours : int
        Nearest training cases that are told.

    Raises
    ------
    UsageError
        When an occlusion map would have more cells than the network sees pixels.
    """

    def __init__(
        self,
        predictor: Predictor,
        neighbours: Neighbours | None = None,
        *,
        tta: int = 0,
        heat: Literal["auto", "occlusion", "none"] = "auto",
        occlusion_grid: int = 7,
        top_neighbours: int = 3,
    ) -> None:
        side = int(predictor.card["input"]["image_size_px"])
        if not 1 <= occlusion_grid <= side:
            raise UsageError(f"occlusion_grid is {occlusion_grid}; the network sees {side} x {side} pixels")
        self.predictor, self.neighbours = predictor, neighbours
        self._tta, self._heat, self._grid, self._top = tta, heat, occlusion_grid, top_neighbours
        self._model = Model(
            digest=predictor.digest,
            model_digest=predictor.model_digest,
            data_fingerprint=predictor.card["data"]["fingerprint"],
            reading_policy=predictor.card["input"]["reading_policy"],
        )

    def stream(self, images: Sequence[Asked], batch_size: int = BATCH_SIZE) -> Iterator[Evidence | Failure]:
        """Yield the evidence, or a failure, of each image in order."""
        answers = self.predictor.stream((asked.source for asked in images), batch_size, keep_pixels=True)
        for asked, answer in zip(images, answers, strict=True):
            yield answer if isinstance(answer, Failure) else self.examine(asked, answer)

    def examine(self, asked: Asked, answer: Prediction) -> Evidence:
        """Return the evidence for an answer that brought its pixels along.

        An image that the gate refuses is looked up among the training cases, and nothing more; one that is
        no picture of the kind is not compared either: it is like none of them.
        """
        clock = _Clock(answer.seconds)
        answer = _sized(asked, answer)
        nearest, in_training = self._look_up(answer)
        clock.lap("nearest", told=self.neighbours is not None)
        spread, heat_map, mask_spread = None, None, None
        regions: tuple[Region, ...] = ()
        if answer.refused is None and answer.segmentation is not None:
            regions = regions_of(answer.segmentation.mask, answer.classes, asked.spacing)
            clock.lap("regions", told=True)
            mask_spread = self._mask_spread(answer, answer.segmentation)
            clock.lap("spread", told=mask_spread is not None)
        elif answer.refused is None:
            spread = self._spread(answer)
            clock.lap("spread", told=spread is not None)
            heat_map = self._map(answer)
            clock.lap("heat_map", told=heat_map is not None)
        return Evidence(
            asked=asked,
            answer=answer,
            model=self._model,
            in_training=in_training,
            nearest=nearest,
            apart=None if self.neighbours is None else self.neighbours.apart,
            spread=spread,
            heat_map=heat_map,
            regions=regions,
            mask_spread=mask_spread,
            seconds=clock.seconds,
        )

    def _look_up(self, answer: Prediction) -> tuple[tuple[Case, ...], InTraining]:
        if self.neighbours is None:
            return (), InTraining(known=False)
        pixel_hash = "" if answer.stored is None else answer.stored.pixel_hash
        seen = self.neighbours.seen(answer.sha256, pixel_hash)
        refused = answer.refused
        if answer.embedding is None or not self._top or (refused and refused.step != "distribution"):
            return (), seen
        return self.neighbours.nearest(answer.embedding, self._top), seen

    def _spread(self, answer: Prediction) -> Spread | None:
        if not self._tta or answer.pixels is None:
            return None
        return spread_of(self.predictor, answer.pixels, answer.logits, self._tta)

    def _mask_spread(self, answer: Prediction, segmented: Segmented) -> MaskSpread | None:
        if not self._tta or answer.pixels is None or not isinstance(self.predictor, MaskPredictor):
            return None
        return mask_spread_of(self.predictor, answer.pixels, segmented, self._tta)

    def _map(self, answer: Prediction) -> HeatMap | None:
        return heat_map_of(self.predictor, answer, self._heat, self._grid)


def _sized(asked: Asked, answer: Prediction) -> Prediction:
    """Return the answer with its mask as the spacing has it, and a note where that would be needed."""
    if answer.segmentation is None:
        return answer
    told = answer.segmentation.sized(None if asked.spacing is None else asked.spacing.area_mm2)
    notes = (*answer.notes, told.note) if told.note else answer.notes
    return replace(answer, segmentation=told, notes=notes)


class _Clock:
    """Wall time by part, to the microsecond."""

    def __init__(self, answer: float) -> None:
        self.seconds = {"answer": round(answer, 6)}
        self._last = time.perf_counter()

    def lap(self, name: str, *, told: bool) -> None:
        """End the part that is running; it is told only when there was something to do."""
        now = time.perf_counter()
        if told:
            self.seconds[name] = round(now - self._last, 6)
        self._last = now
