"""``gyrus crossval --task segment``: a run for every fold, out-of-fold masks pooled, one report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gyrus.config import CrossvalConfig, TrainConfig
from gyrus.data import read_manifest
from gyrus.data.mask_classes import MaskClasses
from gyrus.evaluation import evaluate_predictions, pool_folds, read_predictions, write_predictions
from gyrus.evaluation.mask_predictions import (
    MaskPredictions,
    pool_masks,
    read_mask_predictions,
    write_mask_predictions,
)
from gyrus.evaluation.segmentation_text import format_segmentation
from gyrus.pages.notebook import place, verdict_box
from gyrus.pages.segmentation_report import write_segmentation_report
from gyrus.runs.atomic import write_json
from gyrus.verbs.crossval_course import CrossvalOutcome, report_context, trained_folds
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress, check_folder
from gyrus.verbs.crossval_plan import Plan, PlannedFold, plan_folds
from gyrus.verbs.crossval_training import FoldDone, TrainFold
from gyrus.verbs.evaluate import format_all
from gyrus.verbs.segment_measure import evaluate_masks, pictures_of
from gyrus.verbs.segment_prepare import PreparedMasks, prepare_masks, segment_config
from gyrus.verbs.segment_training import CLASS_PREDICTIONS, MaskTrainResult, train_masks_divided
from gyrus.verbs.train import Divided
from gyrus.verbs.train_checks import check_masks_before_reading


@dataclass(frozen=True, slots=True)
class MaskCrossvalResult(CrossvalOutcome):
    """A cross-validation of a network for masks.

    Attributes
    ----------
    evaluation : dict
        Pooled figures; of several repeats those of the first.
    repeats : list of float
        Mean Dice of each repeat.
    picture_class : dict or None
        Of a joint network, the pooled figures of the images' classes.
    """

    evaluation: dict[str, Any]
    repeats: list[float]
    picture_class: dict[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """Return paths, verdict, pooled figures, and what became of every fold."""
        return {
            **self.course(),
            "repeats": self.repeats,
            "evaluation": self.evaluation,
            "picture_class": self.picture_class,
        }

    def to_text(self) -> str:
        """Return the verdict, the pooled figures, the folds, and where to look."""
        parts = [self.plan.audit["sentence"], ""]
        if len(self.repeats) > 1:
            told = ", ".join(f"{100 * dice:.1f}" for dice in self.repeats)
            parts += [f"mean Dice of the repeats, in %: {told}", "", "the first repeat:"]
        parts += [format_segmentation(self.evaluation), ""]
        if self.picture_class is not None:
            parts += ["classes of the images:", format_all(self.picture_class), ""]
        return "\n".join([*parts, *self.told_folds()])

    def _repr_html_(self) -> str:
        """Return the verdict and the files for a notebook."""
        audit = self.plan.audit
        files = [place("report", self.folder.report), place("pooled masks", self.folder.pooled)]
        return "".join([verdict_box(audit["verdict"], audit["sentence"]), *files])


def crossval_masks(config: CrossvalConfig) -> MaskCrossvalResult:
    """Cross-validate a network for masks; folds that are finished in its folder are not trained again.

    Raises
    ------
    LeakageError
        When a given fold leaks, without ``allow_leak``; nothing is written then.
    UsageError
        When the folder holds something else, or folds of other options or data.
    GyrusError
        What the first fold failed with, when none succeeded.
    """
    began = time.perf_counter()
    config = segment_config(config)
    check_folder(config)
    check_masks_before_reading(replace(config, out=None))
    prepared = prepare_masks(config)
    plan = plan_folds(config, prepared.prepared)
    with trained_folds(config, plan, _segmenter_of(prepared)) as (folder, progress, looks):
        return _conclude(folder, plan, progress, prepared, looks, began)


def _segmenter_of(prepared: PreparedMasks) -> TrainFold:
    def train(config: TrainConfig, divided: Divided) -> FoldDone:
        return masks_done_of(train_masks_divided(config, prepared, divided))

    return train


def masks_done_of(result: MaskTrainResult) -> FoldDone:
    """Return what the training of a network for masks gave."""
    dice = result.evaluations["test"]["mean"]["dice"]["value"]
    return FoldDone(result.digest, f"mean Dice {100 * dice:.1f} %")


def _conclude(
    folder: CrossvalFolder, plan: Plan, progress: Progress, prepared: PreparedMasks, looks: int, began: float
) -> MaskCrossvalResult:
    """Pool what the finished folds drew, measure it, and write the report."""
    finished = [one for one in plan.folds if one.title in progress.finished]
    by_repeat = [
        [one for one in finished if one.repeat == repeat]
        for repeat in sorted({one.repeat for one in finished})
    ]
    pooled = [_pooled(folds, folder) for folds in by_repeat]
    write_mask_predictions(pooled[0], folder.pooled)
    if len(pooled) > 1:
        for number, one in enumerate(pooled):
            write_mask_predictions(one, folder.predictions_of(number))
    manifest, classes = read_manifest(folder.manifest), prepared.classes
    evaluations = [evaluate_masks(one, manifest, classes) for one in pooled]
    picture_class = _pool_classes(by_repeat[0], folder)
    repeats = [float(evaluation["mean"]["dice"]["value"]) for evaluation in evaluations]
    written = {"repeats": repeats, "picture_class": picture_class, **evaluations[0]}
    write_json(folder.evaluation, written)
    _write_report(folder, plan, progress, evaluations[0], pooled[0], classes, looks)
    return MaskCrossvalResult(
        evaluations[0], repeats, picture_class, folder=folder, plan=plan, progress=progress, looks=looks,
        seconds=time.perf_counter() - began,
    )  # fmt: skip


def _pooled(folds: Sequence[PlannedFold], folder: CrossvalFolder) -> MaskPredictions:
    parts = [read_mask_predictions(folder.run_of(one.repeat, one.fold).predictions("test")) for one in folds]
    return pool_masks(parts, [str(one.fold) for one in folds])


def _pool_classes(folds: Sequence[PlannedFold], folder: CrossvalFolder) -> dict[str, Any] | None:
    """Pool and measure the classes that joint networks gave the images; None where there are none."""
    paths = [_class_predictions(folder.run_of(one.repeat, one.fold).predictions("test")) for one in folds]
    if not all(path.is_file() for path in paths):
        return None
    pooled = pool_folds([read_predictions(path) for path in paths], [str(one.fold) for one in folds])
    write_predictions(pooled, folder.path / f"{CLASS_PREDICTIONS}-pooled.csv")
    return evaluate_predictions(pooled)


def _class_predictions(predictions: Path) -> Path:
    return predictions.with_name(f"{CLASS_PREDICTIONS}-test.csv")


def _write_report(
    folder: CrossvalFolder,
    plan: Plan,
    progress: Progress,
    evaluation: dict[str, Any],
    pooled: MaskPredictions,
    classes: MaskClasses,
    looks: int,
) -> None:
    manifest = read_manifest(folder.manifest)
    context = report_context(folder, plan, progress, evaluation, looks)
    pictures = pictures_of(evaluation, pooled, manifest, classes, color=context.config["color"])
    write_segmentation_report(context, pictures, folder.report)
