"""``gyrus crossval --task segment``: a run for every fold, out-of-fold masks pooled, one report."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gyrus.config import CrossvalConfig, TrainConfig
from gyrus.data import read_manifest
from gyrus.data.mask_classes import MaskClasses
from gyrus.errors import GyrusError
from gyrus.evaluation import evaluate_predictions, pool_folds, read_predictions, write_predictions
from gyrus.evaluation.mask_predictions import (
    MaskPredictions,
    pool_masks,
    read_mask_predictions,
    write_mask_predictions,
)
from gyrus.evaluation.segmentation_text import format_segmentation
from gyrus.pages.context import ReportContext
from gyrus.pages.measured import OUT_OF_FOLD
from gyrus.pages.notebook import place, verdict_box
from gyrus.pages.segmentation_report import write_segmentation_report
from gyrus.runs import locked
from gyrus.runs.atomic import write_json
from gyrus.verbs.crossval import count_deals, crossval_place, open_progress
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress, check_folder
from gyrus.verbs.crossval_plan import Plan, PlannedFold, plan_folds
from gyrus.verbs.crossval_training import FoldDone, TrainFold, duration, train_folds
from gyrus.verbs.evaluate import format_all
from gyrus.verbs.segment_measure import evaluate_masks, pictures_of
from gyrus.verbs.segment_prepare import PreparedMasks, prepare_masks, segment_config
from gyrus.verbs.segment_training import CLASS_PREDICTIONS, train_masks_divided
from gyrus.verbs.tables import align
from gyrus.verbs.train import Divided
from gyrus.verbs.train_checks import check_masks_before_reading

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class MaskCrossvalResult:
    """A cross-validation of a network for masks, finished or as far as its folds allowed.

    Attributes
    ----------
    folder : CrossvalFolder
        Where everything lies.
    evaluation : dict
        Pooled figures; of several repeats those of the first.
    repeats : list of float
        Mean Dice of each repeat.
    picture_class : dict or None
        Of a joint network, the pooled figures of the images' classes.
    plan : Plan
        What was to be trained.
    progress : Progress
        What became of it.
    looks : int
        How often these folds have been cross-validated, this time included.
    seconds : float
        Wall time of this call.
    """

    folder: CrossvalFolder
    evaluation: dict[str, Any]
    repeats: list[float]
    picture_class: dict[str, Any] | None
    plan: Plan
    progress: Progress
    looks: int
    seconds: float

    @property
    def exit_code(self) -> int:
        """0, or that of the first fold that failed."""
        return next((int(failed["exit_code"]) for failed in self.progress.failed.values()), 0)

    def to_json(self) -> dict[str, Any]:
        """Return paths, verdict, pooled figures, and what became of every fold."""
        return {
            "folder": str(self.folder.path),
            "report": str(self.folder.report),
            "predictions": str(self.folder.pooled),
            "verdict": self.plan.audit["verdict"],
            "sentence": self.plan.audit["sentence"],
            "looks": self.looks,
            "seconds": round(self.seconds, 2),
            "finished": self.progress.finished,
            "failed": self.progress.failed,
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
        rows = [["training", "took", "run"]]
        for title, finished in self.progress.finished.items():
            rows.append([title, duration(finished["seconds"]), finished["run"]])
        parts.append(align(rows))
        parts += [f"failed  {title}: {failed['error']}" for title, failed in self.progress.failed.items()]
        if self.progress.failed:
            parts.append("The figures are of the other folds alone; give the same command again to go on.")
        parts += [
            f"these folds have been cross-validated {'once' if self.looks == 1 else f'{self.looks} times'}",
            f"report  {self.folder.report}",
            f"pooled  {self.folder.pooled}",
        ]
        return "\n".join(parts)

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
    logger.info("%s", plan.audit["sentence"])
    for note in plan.notes:
        logger.info("note: %s", note)
    folder = crossval_place(config)
    with locked(folder.path):
        progress = open_progress(config, folder, plan)
        looks = count_deals(folder, plan, progress)
        first_error = train_folds(folder, plan, _segmenter_of(prepared), progress)
        if not progress.finished:
            raise first_error or GyrusError("no fold was trained")
        return _conclude(folder, plan, progress, prepared, looks, began)


def _segmenter_of(prepared: PreparedMasks) -> TrainFold:
    def train(config: TrainConfig, divided: Divided) -> FoldDone:
        result = train_masks_divided(config, prepared, divided)
        dice = result.evaluations["test"]["mean"]["dice"]["value"]
        return FoldDone(result.digest, f"mean Dice {100 * dice:.1f} %")

    return train


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
        folder, evaluations[0], repeats, picture_class, plan, progress, looks, time.perf_counter() - began
    )


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
    config = json.loads(folder.config.read_text(encoding="utf-8"))
    manifest = read_manifest(folder.manifest)
    context = ReportContext(
        title=folder.path.resolve().name,
        config=config,
        environment=json.loads(folder.environment.read_text(encoding="utf-8")),
        audit=plan.audit,
        allow_leak=plan.audit["allow_leak"],
        synthetic=all(row.subject_source == "phantom" for row in manifest),
        sizes=dict(Counter(f"fold {row.fold}" for row in manifest if row.fold is not None)),
        fingerprint=manifest.fingerprint,
        evaluations={OUT_OF_FOLD: evaluation},
        test_looks=looks,
        notes=plan.audit["notes"],
        seconds={title: finished["seconds"] for title, finished in progress.finished.items()},
    )
    pictures = pictures_of(evaluation, pooled, manifest, classes, color=config["color"])
    write_segmentation_report(context, pictures, folder.report)
