"""``gyrus train --task segment``: audit, train a network for masks, export, measure what was exported."""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gyrus.bundles import read_bundle, rewrite_card
from gyrus.config import TrainConfig
from gyrus.data import Manifest, read_manifest
from gyrus.data.mask_classes import MaskClasses
from gyrus.errors import DataError
from gyrus.evaluation import evaluate_predictions, read_predictions
from gyrus.evaluation.segmentation_text import format_segmentation
from gyrus.inference.mask_rows import predict_masks
from gyrus.inference.segmenting import MaskPredictor
from gyrus.pages.notebook import place, verdict_box
from gyrus.runs import RunFolder, locked, record_look
from gyrus.runs.atomic import write_json
from gyrus.verbs.evaluate import format_all
from gyrus.verbs.mask_gating import KeptOutputs, bring_mask_gate
from gyrus.verbs.mask_packing import choose_postprocess, pack_segmentation
from gyrus.verbs.resuming import resumed_manifest
from gyrus.verbs.segment_evaluation import figures_for_card
from gyrus.verbs.segment_measure import measure_masks
from gyrus.verbs.segment_prepare import PreparedMasks, prepare_masks, same_masks, segment_config
from gyrus.verbs.segment_report import write_segment_report
from gyrus.verbs.train import SPLIT_TITLES, Clock, Divided, divide, enter_stages, run_folder_of, start_run
from gyrus.verbs.train_checks import check_masks_before_reading

if TYPE_CHECKING:
    from gyrus.training.segmentation import MaskFit

logger = logging.getLogger("gyrus")

CLASS_PREDICTIONS = "class-predictions"
"""Beginning of the names of files with the classes that a joint network gives images."""


@dataclass(frozen=True, slots=True)
class MaskTrainResult:
    """A finished run of a network for masks.

    Attributes
    ----------
    run : RunFolder
        Where everything lies.
    classes : tuple of str
        What is segmented.
    best_epoch : int
        Whose weights were kept.
    val_dice : float
        Its Dice on the validation images at the network's size.
    verdict, sentence : str
        Of the audit.
    digest : str
        Of the bundle.
    seconds : dict
        Wall time of each part.
    evaluations : dict
        Split -> figures, measured through the bundle on the raw files.
    picture_class : dict
        Of a joint network, split -> figures of the images' classes; else empty.
    """

    run: RunFolder
    classes: tuple[str, ...]
    best_epoch: int
    val_dice: float
    verdict: str
    sentence: str
    digest: str
    seconds: dict[str, float]
    evaluations: dict[str, dict[str, Any]]
    picture_class: dict[str, dict[str, Any]]

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return paths, verdict, figures and times."""
        return {
            "run": str(self.run.path),
            "bundle": str(self.run.bundle),
            "report": str(self.run.report),
            "task": "segment",
            "classes": list(self.classes),
            "best_epoch": self.best_epoch,
            "val_dice": self.val_dice,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "digest": self.digest,
            "seconds": self.seconds,
            "evaluations": self.evaluations,
            "picture_class": self.picture_class,
        }

    def to_text(self) -> str:
        """Return the leak verdict, then the figures, then where to look."""
        parts = [self.sentence]
        for split, evaluation in self.evaluations.items():
            parts += ["", f"{SPLIT_TITLES[split]}:", format_segmentation(evaluation)]
            if split in self.picture_class:
                parts += ["", "classes of the images:", format_all(self.picture_class[split])]
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        bundle = self.run.bundle
        parts += [
            "",
            f"time    {times}",
            f"report  {self.run.report}",
            f"bundle  {bundle}  (gyrus predict FILES --model {shlex.quote(str(bundle))} --masks FOLDER)",
        ]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        """Return the verdict and the files for a notebook."""
        files = [place("report", self.run.report), place("bundle", self.run.bundle)]
        return "".join([verdict_box(self.verdict, self.sentence), *files])


def train_masks_as(config: TrainConfig) -> MaskTrainResult:
    """Train a network for masks as ``config`` says; a split that leaks is refused before anything is written.

    Raises
    ------
    LeakageError
        A patient or an image on two sides, without ``allow_leak``.
    """
    config = segment_config(config)
    check_masks_before_reading(config)
    clock = Clock()
    prepared = prepare_masks(config)
    divided = divide(config, prepared.prepared)
    divided.tell()
    clock.lap("audit")
    return train_masks_divided(config, prepared, divided, clock)


def train_masks_divided(
    config: TrainConfig, prepared: PreparedMasks, divided: Divided, clock: Clock | None = None
) -> MaskTrainResult:
    """Train on a division of a scanned data set: everything of the training after the audit."""
    clock = clock or Clock()
    config = replace(config, allow_leak=divided.reason)
    audit = divided.audit
    folder = run_folder_of(config)
    with locked(folder.path):
        if config.resume is None:
            start_run(folder, config, prepared.prepared, divided.manifest, audit)
        else:
            resumed_manifest(folder, divided.manifest)
            same_masks(folder, divided.manifest)
        fitted, manifest = _fit(config, prepared, folder)
        enter_stages(folder, fitted)
        clock.lap("training")
        pack_segmentation(folder.bundle, fitted, manifest, audit, config)
        clock.lap("export")
        choose_postprocess(folder.bundle, manifest, fitted.mask_classes)
        clock.lap("post-processing")
        evaluations, of_pictures = _measure(config, folder, manifest, fitted.mask_classes)
        clock.lap("measuring")
        bring_mask_gate(folder, manifest, config)
        clock.lap("gate")
        write_segment_report(folder, clock.seconds)
        clock.lap("report")
        folder.state.unlink(missing_ok=True)  # finished: there is nothing to go on with
    kept = fitted.history[fitted.best_epoch - 1]
    return MaskTrainResult(
        folder, fitted.mask_classes.names, fitted.best_epoch, kept["val_dice"], audit.verdict,
        audit.sentence, read_bundle(folder.bundle).digest, clock.seconds, evaluations,
        of_pictures,
    )  # fmt: skip


def _fit(config: TrainConfig, prepared: PreparedMasks, folder: RunFolder) -> tuple[MaskFit, Manifest]:
    from gyrus.training.segmentation import fit_masks

    # Read back: what is trained on is what stands in the run folder, with its paths.
    manifest = read_manifest(folder.manifest)
    pixels = prepared.prepared.pixels
    if pixels is None:
        raise DataError("the images were not decoded for training", path=config.source)
    fitted = fit_masks(manifest, pixels, prepared.masks, config, folder, resume=config.resume is not None)
    return fitted, manifest


def _measure(
    config: TrainConfig, folder: RunFolder, manifest: Manifest, classes: MaskClasses
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Draw the masks of val (and, when asked, of the test set) with the bundle; measure; tell the card."""
    predictor = MaskPredictor.load(folder.bundle)
    splits = ["val"]
    if config.test:
        record_look(folder.ledger, manifest.fingerprint, folder.path.name)
        splits.append("test")
    evaluations, of_pictures = {}, {}
    for split in splits:
        kept = KeptOutputs()
        listed = predict_masks(predictor, manifest, folder.predictions(split).parent, split, each=kept.take)
        kept.write(folder.outputs(split), predictor.model_digest)
        classes_file = listed.with_name(f"{CLASS_PREDICTIONS}-{split}.csv")
        if classes_file.is_file():
            of_pictures[split] = evaluate_predictions(read_predictions(classes_file), seed=config.seed)
            write_json(listed.with_name(f"class-evaluation-{split}.json"), of_pictures[split])
        evaluations[split] = measure_masks(folder, manifest.select(split), split, classes)
    figures = {split: figures_for_card(evaluation) for split, evaluation in evaluations.items()}
    rewrite_card(folder.bundle, metrics=figures)
    return evaluations, of_pictures
